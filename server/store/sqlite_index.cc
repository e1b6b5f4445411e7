// What people search: the event index.
#include "server/store/event_files.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

// The last of all characters, in UTF-8.
constexpr const char* kAboveAll = "\xf4\x8f\xbf\xbf";
constexpr const char* kFromEvents =
    " FROM event_index i JOIN events e USING (row_id) "
    "JOIN agents a ON a.agent_no = i.agent_no";

Status InsertIndexed(Connection& db, const IndexedEvent& event) {
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, event.agent_id));
  RETURN_IF_ERROR(PutEventFile(db, event.row_id, event.file_name,
                               event.file_hash, event.data_owners));
  return db.Run(
      "INSERT INTO event_index (row_id, agent_no, epoch, sequence, kind, "
      "outcome, person, device_id, receive_time, event_id, repeats, "
      "observe_only, persons, persons_written, bytes) VALUES "
      "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      event.row_id, agent_no, event.epoch, event.sequence, event.kind,
      event.outcome, event.person, event.device_id, event.receive_time,
      Blob{event.event_id}, event.repeats, event.observe_only, event.persons,
      event.persons_written, event.bytes);
}

// Of SQL's LIKE, with '\\' before what is meant as it stands.
std::string LikeOf(std::string_view pattern) {
  std::string like;
  for (const char c : pattern) {
    if (c == '*') {
      like += '%';
      continue;
    }
    if (c == '%' || c == '_' || c == '\\') like += '\\';
    like += c;
  }
  return like;
}

// A whole name and the beginning of one come from the index; anything else
// looks at every name.
void WhereFile(const std::string& wanted, Where* where) {
  const std::string name = FileNameOf(wanted);
  const size_t star = name.find('*');
  if (star == std::string::npos) {
    where->And("i.row_id IN (SELECT row_id FROM event_files WHERE name=?)",
               {name});
  } else if (star > 0 && star + 1 == name.size()) {
    const std::string begin = name.substr(0, star);
    where->And(
        "i.row_id IN (SELECT row_id FROM event_files WHERE name>=? AND "
        "name<?)",
        {begin, begin + kAboveAll});
  } else {
    where->And(
        "i.row_id IN (SELECT row_id FROM event_files WHERE name LIKE ? "
        "ESCAPE '\\')",
        {LikeOf(name)});
  }
}

Where WhereOf(const EventFilter& filter) {
  Where where;
  where.And("i.repeats=0");
  if (!filter.agent_id.empty()) {
    where.And("a.agent_id=?", {filter.agent_id});
  }
  if (!filter.terminal.empty()) {
    where.And("a.terminal=?", {filter.terminal});
  }
  where.SeenAgent("i.agent_no", filter.scope);
  if (!filter.person.empty()) {
    where.And("i.person=?", {filter.person});
  }
  if (!filter.device_id.empty()) {
    where.And("i.device_id=? AND i.device_id<>''", {filter.device_id});
  }
  if (!filter.file.empty()) WhereFile(filter.file, &where);
  if (!filter.file_hash.empty()) {
    where.And(
        "i.row_id IN (SELECT row_id FROM event_files WHERE hash=? AND "
        "hash<>'')",
        {filter.file_hash});
  }
  if (!filter.data_owner.empty()) {
    where.And("i.row_id IN (SELECT row_id FROM event_owners WHERE owner=?)",
              {filter.data_owner});
  }
  where.In("i.kind", {filter.kinds.begin(), filter.kinds.end()});
  where.In("i.outcome", {filter.outcomes.begin(), filter.outcomes.end()});
  if (filter.from) {
    where.And("i.receive_time>=?", {filter.from->time_since_epoch().count()});
  }
  if (filter.to) {
    where.And("i.receive_time<?", {filter.to->time_since_epoch().count()});
  }
  return where;
}

}  // namespace

Event EventFrom(const Statement& row) {
  Event event;
  event.row_id = row.Int(0);
  event.agent_id = row.Text(1);
  event.terminal = row.Text(2);
  event.receive_time = row.Time(3);
  // Bytes that do not parse were refused at the door.
  const std::string_view shown = row.View(4);
  event.public_part.ParseFromArray(shown.data(),
                                   static_cast<int>(shown.size()));
  const std::string_view named = row.View(5);
  event.personal_part.ParseFromArray(named.data(),
                                     static_cast<int>(named.size()));
  event.hash_hex = ToHex(AsBytes(row.View(6)));
  event.device_id = row.Text(7);
  return event;
}

Result<Event> ReadEvent(Connection& db, int64_t row_id) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query(std::string("SELECT ") + kEventColumns +
                                kFromEvents + " WHERE i.row_id=?",
                            row_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no event " + std::to_string(row_id));
  }
  return EventFrom(row);
}

Result<int64_t> SqliteStore::IndexMark() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row, db->Query("SELECT row_id FROM index_mark"));
  RETURN_IF_ERROR(row.Step());
  return row.Int(0);
}

Result<std::set<std::string>> SqliteStore::IndexedIds(
    const std::string& agent_id, const std::vector<std::string>& ids) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(*db, agent_id));
  std::set<std::string> found;
  for (const std::string& id : ids) {
    ASSIGN_OR_RETURN(Statement row,
                     db->Query("SELECT 1 FROM event_index WHERE event_id=? AND "
                               "agent_no=? LIMIT 1",
                               Blob{id}, agent_no));
    ASSIGN_OR_RETURN(const bool there, row.Step());
    if (there) {
      found.insert(id);
    }
  }
  return found;
}

Result<std::vector<int64_t>> SqliteStore::WriteIndex(const IndexBatch& batch) {
  std::vector<int64_t> new_alerts;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run("UPDATE index_mark SET row_id=?2 WHERE row_id=?1",
                           batch.from_row, batch.to_row));
    if (db.Changes() != 1) {
      return Fail(Code::kAborted, "another indexer was faster");
    }
    for (const IndexedEvent& event : batch.events) {
      RETURN_IF_ERROR(InsertIndexed(db, event));
      RETURN_IF_ERROR(CountBlock(db, event));
      if (event.grant_id != 0) RETURN_IF_ERROR(MarkGrantUsed(db, event));
      RETURN_IF_ERROR(NoteCode(db, event));
    }
    for (const DeviceSeen& seen : batch.devices) {
      RETURN_IF_ERROR(UpsertDevice(db, seen));
    }
    for (const MediumNews& news : batch.media) {
      RETURN_IF_ERROR(PutMediumNews(db, news));
    }
    for (const NewAlert& alert : batch.alerts) {
      ASSIGN_OR_RETURN(const auto id, InsertAlert(db, alert));
      if (id) {
        new_alerts.push_back(*id);
      }
    }
    return {};
  });
  RETURN_IF_ERROR(written);
  return new_alerts;
}

Result<Page<Event>> SqliteStore::ListEvents(const EventFilter& filter,
                                            const Paging& paging) {
  ASSIGN_OR_RETURN(const auto from_row, RowOf(paging));
  const bool forward = filter.after_row_id.has_value();
  Where where = WhereOf(filter);
  if (forward) {
    where.And("i.row_id>?", {from_row.value_or(*filter.after_row_id)});
  } else if (from_row) {
    where.And("i.row_id<?", {*from_row});
  }
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kEventColumns + kFromEvents +
                  where.sql() + " ORDER BY i.row_id " +
                  (forward ? "ASC" : "DESC") + " LIMIT " +
                  std::to_string(PageSize(paging) + 1)));
  where.BindTo(row);
  Page<Event> page;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return page;
    }
    if (std::ssize(page.rows) == PageSize(paging)) {
      page.next_token = std::to_string(page.rows.back().row_id);
      return page;
    }
    page.rows.push_back(EventFrom(row));
  }
}

Status SqliteStore::ScanEvents(const EventFilter& filter,
                               const std::function<Status(const Event&)>& row) {
  const Where where = WhereOf(filter);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement rows,
      db->PrepareScan(std::string("SELECT ") + kEventColumns + kFromEvents +
                      where.sql() + " ORDER BY i.row_id"));
  where.BindTo(rows);
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, rows.Step());
    if (!more) return {};
    RETURN_IF_ERROR(row(EventFrom(rows)));
  }
}

Result<Event> SqliteStore::GetEvent(int64_t row_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  return ReadEvent(*db, row_id);
}

// The newest rows of one person, device or agent come by its own index.
Result<std::vector<Trace>> SqliteStore::ListTraces(const EventFilter& filter,
                                                   int limit) {
  Where where = WhereOf(filter);
  // What is not proven counts for nothing: only who asks for it gets it.
  if (filter.kinds.empty()) where.And("i.kind<>17");
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare("SELECT i.row_id, i.receive_time, i.kind, i.outcome, "
                  "i.observe_only, i.persons, i.persons_written, i.bytes, "
                  "i.person, i.device_id, a.terminal FROM event_index i JOIN "
                  "agents a ON a.agent_no = i.agent_no" +
                  where.sql() + " ORDER BY i.row_id DESC LIMIT " +
                  std::to_string(limit)));
  where.BindTo(row);
  std::vector<Trace> traces;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return traces;
    }
    traces.push_back({row.Int(0), row.Time(1),
                      static_cast<event::v1::EventKind>(row.Int(2)),
                      static_cast<event::v1::Outcome>(row.Int(3)),
                      row.Int(4) != 0, row.Int(5), row.Int(6), row.Int(7),
                      row.Text(8), row.Text(9), row.Text(10)});
  }
}

}  // namespace sekisho::store
