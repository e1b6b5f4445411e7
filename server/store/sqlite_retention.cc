// What is over its time: salt and personal part of events go, the chain stays.
// A mark for each kind says how far the log was gone through; what a legal hold
// kept then is remembered and looked at first the next time.
#include "server/store/postgres.h"
#include "server/store/retention_look.h"
#include "server/store/sqlite.h"
#include "server/store/sqlite_schema.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

// Of the event or of an alert about it.
constexpr const char* kHeld =
    "SELECT 1 FROM cases c JOIN case_events e ON e.case_id=c.case_id WHERE "
    "e.event_row_id=?1 AND c.hold_time IS NOT NULL UNION ALL "
    "SELECT 1 FROM alerts a JOIN case_alerts x ON x.alert_id=a.alert_id JOIN "
    "cases c ON c.case_id=x.case_id WHERE a.event_row_id=?1 AND c.hold_time IS "
    "NOT NULL LIMIT 1";

Result<bool> IsHeld(Connection& db, int64_t row_id) {
  ASSIGN_OR_RETURN(Statement row, db.Query(kHeld, row_id));
  return row.Step();
}

// What the chain needs of the personal part is its hash: from here on it stands
// by itself.
Status EraseParts(Connection& db, int64_t row_id) {
  event::Hash hash;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db.Query("SELECT salt, personal_part FROM events WHERE row_id=?",
                 row_id));
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found || row.View(0).empty()) return {};
    hash = event::PersonalHash(AsBytes(row.View(0)), AsBytes(row.View(1)));
  }
  return db.Run(
      "UPDATE events SET salt=x'', personal_part=x'', personal_hash=? WHERE "
      "row_id=?",
      Blob{{reinterpret_cast<const char*>(hash.data()), hash.size()}}, row_id);
}

Status EraseOne(Connection& db, int64_t row_id) {
  RETURN_IF_ERROR(EraseParts(db, row_id));
  RETURN_IF_ERROR(
      db.Run("UPDATE event_index SET person='' WHERE row_id=?", row_id));
  RETURN_IF_ERROR(
      db.Run("UPDATE event_files SET name='' WHERE row_id=?", row_id));
  RETURN_IF_ERROR(
      db.Run("UPDATE alerts SET person='' WHERE event_row_id=?", row_id));
  return db.Run("UPDATE review_items SET person='' WHERE event_row_id=?",
                row_id);
}

Result<std::vector<int64_t>> Numbers(Statement row) {
  std::vector<int64_t> numbers;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return numbers;
    numbers.push_back(row.Int(0));
  }
}

// Of one kind, over its time, behind the mark.
Result<std::vector<int64_t>> Due(Connection& db, int kind,
                                 const RetentionCut& cut, int64_t mark,
                                 int limit) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT row_id, receive_time FROM event_index WHERE kind=? AND "
               "row_id>? AND row_id<=? ORDER BY row_id LIMIT " +
                   std::to_string(limit),
               kind, mark, cut.upto_row));
  std::vector<int64_t> rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more || row.Time(1) >= cut.before) return rows;
    rows.push_back(row.Int(0));
  }
}

Result<int64_t> MarkOf(Connection& db, int kind) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT row_id FROM retention_marks WHERE kind=?", kind));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? row.Int(0) : 0;
}

// What a hold kept before and keeps no more; the rest is counted.
Status EraseReleased(Connection& db, int kind, RetentionStep& step) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT event_row_id FROM retention_held WHERE kind=?", kind));
  ASSIGN_OR_RETURN(const auto kept, Numbers(std::move(row)));
  for (const int64_t row_id : kept) {
    ASSIGN_OR_RETURN(const bool held, IsHeld(db, row_id));
    if (held) {
      ++step.held;
      continue;
    }
    RETURN_IF_ERROR(EraseOne(db, row_id));
    RETURN_IF_ERROR(
        db.Run("DELETE FROM retention_held WHERE event_row_id=?", row_id));
    ++step.erased;
  }
  return {};
}

Status EraseKind(Connection& db, int kind, const RetentionCut& cut, int limit,
                 RetentionStep& step) {
  RETURN_IF_ERROR(EraseReleased(db, kind, step));
  ASSIGN_OR_RETURN(int64_t mark, MarkOf(db, kind));
  const int room = limit - static_cast<int>(step.erased);
  if (room <= 0) {
    step.more = true;
    return {};
  }
  ASSIGN_OR_RETURN(const auto due, Due(db, kind, cut, mark, room));
  if (due.empty()) return {};
  for (const int64_t row_id : due) {
    ASSIGN_OR_RETURN(const bool held, IsHeld(db, row_id));
    if (held) {
      RETURN_IF_ERROR(db.Run(
          "INSERT OR IGNORE INTO retention_held VALUES (?,?)", row_id, kind));
      ++step.held;
    } else {
      RETURN_IF_ERROR(EraseOne(db, row_id));
      ++step.erased;
    }
    mark = row_id;
  }
  step.more = step.more || std::ssize(due) == room;
  return db.Run("INSERT OR REPLACE INTO retention_marks VALUES (?,?)", kind,
                mark);
}

Result<RetentionStep> ErasableIn(Connection& db, const RetentionCut& cut) {
  RetentionStep step;
  for (const int kind : cut.kinds) {
    ASSIGN_OR_RETURN(const int64_t mark, MarkOf(db, kind));
    ASSIGN_OR_RETURN(
        Statement due,
        db.Query("SELECT count(*) FROM event_index WHERE kind=? AND row_id>? "
                 "AND row_id<=? AND receive_time<?",
                 kind, mark, cut.upto_row, cut.before));
    RETURN_IF_ERROR(due.Step());
    step.erased += due.Int(0);
    ASSIGN_OR_RETURN(
        Statement kept,
        db.Query("SELECT event_row_id FROM retention_held WHERE kind=?", kind));
    ASSIGN_OR_RETURN(const auto rows, Numbers(std::move(kept)));
    for (const int64_t row_id : rows) {
      ASSIGN_OR_RETURN(const bool held, IsHeld(db, row_id));
      ++(held ? step.held : step.erased);
    }
  }
  // Held ones among those that are due for the first time.
  std::string kinds;
  for (const int kind : cut.kinds) {
    kinds += (kinds.empty() ? "" : ",") + std::to_string(kind);
  }
  if (kinds.empty()) return step;
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query(
          "SELECT count(*) FROM (SELECT e.event_row_id AS row_id FROM cases c "
          "JOIN case_events e ON e.case_id=c.case_id WHERE c.hold_time IS NOT "
          "NULL UNION SELECT a.event_row_id FROM cases c JOIN case_alerts x ON "
          "x.case_id=c.case_id JOIN alerts a ON a.alert_id=x.alert_id WHERE "
          "c.hold_time IS NOT NULL) h JOIN event_index i ON i.row_id=h.row_id "
          "JOIN events v ON "
          "v.row_id=i.row_id "
          "WHERE v.salt<>x'' AND i.kind IN (" +
              kinds +
              ") AND i.row_id<=? AND i.receive_time<? AND NOT EXISTS (SELECT 1 "
              "FROM retention_held k WHERE k.event_row_id=i.row_id)",
          cut.upto_row, cut.before));
  RETURN_IF_ERROR(row.Step());
  step.held += row.Int(0);
  step.erased -= row.Int(0);
  return step;
}

}  // namespace

Result<RetentionStep> SqliteStore::EraseNext(const RetentionCut& cut,
                                             int limit) {
  RetentionStep step;
  const Status written = Write([&](Connection& db) -> Status {
    step = {};
    for (const int kind : cut.kinds) {
      RETURN_IF_ERROR(EraseKind(db, kind, cut, limit, step));
    }
    return {};
  });
  RETURN_IF_ERROR(written);
  return step;
}

Result<RetentionStep> SqliteStore::CountErasable(const RetentionCut& cut) {
  ASSIGN_OR_RETURN(Reading db, Read());
  return ErasableIn(*db, cut);
}

Result<std::vector<RetentionStep>> LookErasable(
    const std::string& path, const std::string& conninfo,
    const std::vector<RetentionCut>& cuts) {
  std::unique_ptr<Connection> db;
  if (conninfo.empty()) {
    ASSIGN_OR_RETURN(db,
                     SqliteConnection::Open(path, Connection::Kind::kReader));
  } else {
    ASSIGN_OR_RETURN(
        db, PostgresConnection::Open(conninfo, Connection::Kind::kReader));
  }
  RETURN_IF_ERROR(db->BeginRead());
  ASSIGN_OR_RETURN(
      Statement schema,
      db->Query(conninfo.empty() ? "PRAGMA user_version"
                                 : "SELECT version FROM schema_version"));
  RETURN_IF_ERROR(schema.Step());
  if (schema.Int(0) != std::ssize(Migrations())) {
    return Fail(Code::kFailedPrecondition,
                "the database has schema " + std::to_string(schema.Int(0)));
  }
  std::vector<RetentionStep> steps;
  for (const RetentionCut& cut : cuts) {
    ASSIGN_OR_RETURN(const RetentionStep step, ErasableIn(*db, cut));
    steps.push_back(step);
  }
  return steps;
}

Result<int64_t> SqliteStore::EraseNames(WallTime before) {
  // Not those of a request that a held case contains.
  static constexpr const char* kNotHeld =
      " AND alert_id NOT IN (SELECT x.alert_id FROM case_alerts x JOIN cases c "
      "ON c.case_id=x.case_id WHERE c.hold_time IS NOT NULL)";
  int64_t erased = 0;
  const Status written = Write([&](Connection& db) -> Status {
    erased = 0;
    const std::string statements[] = {
        "UPDATE devices SET last_person='' WHERE last_seen_time<? AND "
        "last_person<>''",
        std::string("UPDATE transfer_grants SET person='' WHERE create_time<? "
                    "AND person<>'' AND over_time IS NOT NULL") +
            kNotHeld,
        "UPDATE offline_codes SET person='', used_person='' WHERE "
        "create_time<? AND over_time IS NOT NULL AND (person<>'' OR "
        "used_person<>'')"};
    for (const std::string& sql : statements) {
      RETURN_IF_ERROR(db.Run(sql, before));
      erased += db.Changes();
    }
    // A saved search for a person without its person would be another one.
    RETURN_IF_ERROR(
        db.Run("DELETE FROM saved_searches WHERE change_time<? AND (filters "
               "LIKE 'person=%' OR filters LIKE ?)",
               before, "%\nperson=%"));
    erased += db.Changes();
    return {};
  });
  RETURN_IF_ERROR(written);
  return erased;
}

}  // namespace sekisho::store
