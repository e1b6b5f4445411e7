#include "server/store/sqlite_counts_schema.h"

#include "common/text.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::store {
namespace {

constexpr size_t kMaxNameBytes = 256;

// Each covers its question: the overview never reads a row of the table. The
// words after WHERE must stand the same in the query (sqlite_counts.cc); their
// columns stand in the index too, or SQLite 3.40 looks them up in the table.
constexpr const char* kIndexes = R"sql(
CREATE INDEX event_index_transfers ON event_index(receive_time, outcome,
  observe_only, persons, persons_written, person, device_id, agent_no, kind,
  repeats)
  WHERE kind=6 AND repeats=0;
CREATE INDEX event_index_plugs ON event_index(receive_time, outcome,
  observe_only, kind, repeats) WHERE kind=1 AND repeats=0;
)sql";

Status FillEvents(Connection& db) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT i.row_id, e.public_part FROM event_index i "
                            "JOIN events e USING (row_id)"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return {};
    }
    event::v1::PublicPart part;
    if (!part.ParseFromString(row.Text(1))) {
      continue;
    }
    RETURN_IF_ERROR(db.Run(
        "UPDATE event_index SET observe_only=?, persons=?, "
        "persons_written=?, bytes=? WHERE row_id=?",
        part.observe_only(), part.person_count(), part.persons_written_count(),
        part.inspected_bytes(), row.Int(0)));
    if (!part.rule().empty()) {
      RETURN_IF_ERROR(db.Run("UPDATE alerts SET rule=? WHERE event_row_id=?",
                             EscapeUntrusted(part.rule(), kMaxNameBytes),
                             row.Int(0)));
    }
  }
}

Status FillDevices(Connection& db) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT device_id, facts FROM devices"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return {};
    }
    event::v1::Device facts;
    facts.ParseFromString(row.Text(1));
    RETURN_IF_ERROR(db.Run("UPDATE devices SET name=? WHERE device_id=?",
                           DeviceNameOf(facts.manufacturer(), facts.product()),
                           row.Text(0)));
  }
}

}  // namespace

Status FillCounts(Connection& db) {
  // Alerts are found by their event for this once.
  RETURN_IF_ERROR(
      db.Script("CREATE INDEX alerts_event ON alerts(event_row_id)"));
  RETURN_IF_ERROR(FillEvents(db));
  RETURN_IF_ERROR(FillDevices(db));
  RETURN_IF_ERROR(db.Script("DROP INDEX alerts_event"));
  return db.Script(kIndexes);
}

std::string DeviceNameOf(std::string_view manufacturer,
                         std::string_view product) {
  std::string name = EscapeUntrusted(manufacturer, kMaxNameBytes);
  if (!name.empty() && !product.empty()) {
    name += ' ';
  }
  return name + EscapeUntrusted(product, kMaxNameBytes);
}

}  // namespace sekisho::store
