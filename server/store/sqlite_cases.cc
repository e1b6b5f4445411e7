// Cases: what belongs together, and what may not be deleted.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kColumns =
    "c.case_id, c.title, c.state, c.verdict, c.close_reason, c.owner, "
    "c.opened_by, c.open_time, c.update_time, c.closed_by, c.close_time, "
    "c.hold_time, c.hold_reason, c.held_by, c.release_time, c.release_reason, "
    "c.released_by, "
    "(SELECT count(*) FROM case_alerts a WHERE a.case_id=c.case_id), "
    "(SELECT count(*) FROM case_events e WHERE e.case_id=c.case_id)";

Case CaseFrom(const Statement& row) {
  Case one;
  one.id = row.Int(0);
  one.title = row.Text(1);
  one.state = static_cast<CaseState>(row.Int(2));
  one.verdict = row.Text(3);
  one.close_reason = row.Text(4);
  one.owner = row.Text(5);
  one.opened_by = row.Text(6);
  one.open_time = row.Time(7);
  one.update_time = row.Time(8);
  one.closed_by = row.Text(9);
  one.close_time = row.MaybeTime(10);
  one.hold_time = row.MaybeTime(11);
  one.hold_reason = row.Text(12);
  one.held_by = row.Text(13);
  one.release_time = row.MaybeTime(14);
  one.release_reason = row.Text(15);
  one.released_by = row.Text(16);
  one.alert_count = row.Int(17);
  one.event_count = row.Int(18);
  return one;
}

Result<Case> ReadRow(Connection& db, int64_t id, const Scope& scope = {}) {
  Where where;
  where.And("c.case_id=?", {id});
  where.SeenCase("c.case_id", scope);
  ASSIGN_OR_RETURN(Statement row, db.Prepare(std::string("SELECT ") + kColumns +
                                             " FROM cases c" + where.sql()));
  where.BindTo(row);
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return Fail(Code::kNotFound, "no case " + std::to_string(id));
  return CaseFrom(row);
}

Result<std::vector<std::string>> PersonsOf(Connection& db, int64_t id) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT a.person FROM case_alerts c JOIN alerts a ON "
               "a.alert_id=c.alert_id WHERE c.case_id=?1 AND a.person<>'' "
               "UNION SELECT a.account FROM case_alerts c JOIN alerts a ON "
               "a.alert_id=c.alert_id WHERE c.case_id=?1 AND a.account<>'' "
               "UNION SELECT i.person FROM case_events c JOIN event_index i ON "
               "i.row_id=c.event_row_id WHERE c.case_id=?1 AND i.person<>''",
               id));
  std::vector<std::string> persons;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return persons;
    persons.push_back(row.Text(0));
  }
}

Result<bool> IsThere(Connection& db, const char* table, const Where& where) {
  ASSIGN_OR_RETURN(Statement row, db.Prepare(std::string("SELECT 1 FROM ") +
                                             table + where.sql()));
  where.BindTo(row);
  return row.Step();
}

Status AddItems(Connection& db, int64_t id, const CaseEdit& edit) {
  for (const int64_t alert_id : edit.add.alert_ids) {
    Where where;
    where.And("alert_id=?", {alert_id});
    where.SeenTerminal("terminal", edit.scope);
    ASSIGN_OR_RETURN(const bool there, IsThere(db, "alerts", where));
    if (!there) {
      return Fail(Code::kNotFound, "no alert " + std::to_string(alert_id));
    }
    RETURN_IF_ERROR(db.Run("INSERT OR IGNORE INTO case_alerts VALUES (?,?,?,?)",
                           id, alert_id, edit.by, edit.now));
  }
  for (const int64_t row_id : edit.add.event_row_ids) {
    Where where;
    where.And("row_id=?", {row_id});
    where.SeenAgent("agent_no", edit.scope);
    ASSIGN_OR_RETURN(const bool there, IsThere(db, "event_index", where));
    if (!there) {
      return Fail(Code::kNotFound, "no event " + std::to_string(row_id));
    }
    RETURN_IF_ERROR(db.Run("INSERT OR IGNORE INTO case_events VALUES (?,?,?,?)",
                           id, row_id, edit.by, edit.now));
  }
  return {};
}

Status RemoveItems(Connection& db, int64_t id, const CaseItems& items) {
  for (const int64_t alert_id : items.alert_ids) {
    RETURN_IF_ERROR(
        db.Run("DELETE FROM case_alerts WHERE case_id=? AND alert_id=?", id,
               alert_id));
  }
  for (const int64_t row_id : items.event_row_ids) {
    RETURN_IF_ERROR(
        db.Run("DELETE FROM case_events WHERE case_id=? AND event_row_id=?", id,
               row_id));
  }
  return {};
}

Status AddComment(Connection& db, int64_t id, const CaseEdit& edit) {
  if (edit.comment.empty()) return {};
  ASSIGN_OR_RETURN(
      Statement count,
      db.Query("SELECT count(*) FROM case_comments WHERE case_id=?", id));
  RETURN_IF_ERROR(count.Step());
  return db.Run("INSERT INTO case_comments VALUES (?,?,?,?,?)", id,
                count.Int(0), edit.now, edit.by, edit.comment);
}

Result<int64_t> InsertNew(Connection& db, const CaseEdit& edit) {
  ASSIGN_OR_RETURN(Statement next,
                   db.Query("SELECT coalesce(max(case_id), 0) + 1 FROM cases"));
  RETURN_IF_ERROR(next.Step());
  const int64_t id = next.Int(0);
  RETURN_IF_ERROR(
      db.Run("INSERT INTO cases (case_id, title, state, owner, opened_by, "
             "open_time, update_time) VALUES (?1,'',1,'',?2,?3,?3)",
             id, edit.by, edit.now));
  return id;
}

Status UpdateRow(Connection& db, const Case& one) {
  return db.Run(
      "UPDATE cases SET title=?2, state=?3, verdict=?4, close_reason=?5, "
      "owner=?6, update_time=?7, closed_by=?8, close_time=?9, hold_time=?10, "
      "hold_reason=?11, held_by=?12, release_time=?13, release_reason=?14, "
      "released_by=?15 WHERE case_id=?1",
      one.id, one.title, static_cast<int64_t>(one.state), one.verdict,
      one.close_reason, one.owner, one.update_time, one.closed_by,
      one.close_time, one.hold_time, one.hold_reason, one.held_by,
      one.release_time, one.release_reason, one.released_by);
}

// Each with who put it in, and when.
template <typename Item, typename Read>
Status ReadItems(Connection& db, const char* sql, int64_t id,
                 std::vector<Item>& items, Read read) {
  struct Place {
    int64_t number;
    std::string by;
    WallTime time;
  };
  std::vector<Place> places;
  {
    ASSIGN_OR_RETURN(Statement row, db.Query(sql, id));
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      places.push_back({row.Int(0), row.Text(1), row.Time(2)});
    }
  }
  for (Place& place : places) {
    ASSIGN_OR_RETURN(auto value, read(place.number));
    items.push_back({std::move(value), std::move(place.by), place.time});
  }
  return {};
}

}  // namespace

const char* Name(CaseState state) {
  return state == CaseState::kClosed ? "closed" : "open";
}

Result<Case> SqliteStore::PutCase(int64_t id, const CaseEdit& edit,
                                  const CaseChange& change) {
  Case one;
  const Status written = Write([&](Connection& db) -> Status {
    int64_t number = id;
    if (number == 0) {
      ASSIGN_OR_RETURN(number, InsertNew(db, edit));
    } else {
      RETURN_IF_ERROR(ReadRow(db, number, edit.scope));
    }
    RETURN_IF_ERROR(AddItems(db, number, edit));
    ASSIGN_OR_RETURN(one, ReadRow(db, number));
    if (one.alert_count > kMaxCaseItems || one.event_count > kMaxCaseItems) {
      return Fail(Code::kResourceExhausted, "a case has at most " +
                                                std::to_string(kMaxCaseItems) +
                                                " alerts and as many events");
    }
    ASSIGN_OR_RETURN(one.persons, PersonsOf(db, number));
    RETURN_IF_ERROR(change(one));
    one.id = number;
    one.update_time = edit.now;
    RETURN_IF_ERROR(UpdateRow(db, one));
    RETURN_IF_ERROR(RemoveItems(db, number, edit.remove));
    RETURN_IF_ERROR(AddComment(db, number, edit));
    ASSIGN_OR_RETURN(one, ReadRow(db, number));
    return {};
  });
  RETURN_IF_ERROR(written);
  return one;
}

Result<Page<Case>> SqliteStore::ListCases(const CaseFilter& filter,
                                          const Paging& paging) {
  Where where;
  if (filter.state) {
    where.And("c.state=?", {static_cast<int64_t>(*filter.state)});
  }
  if (!filter.owner.empty()) where.And("c.owner=?", {filter.owner});
  if (filter.only_held) where.And("c.hold_time IS NOT NULL");
  if (filter.alert_id != 0) {
    where.And(
        "EXISTS (SELECT 1 FROM case_alerts x WHERE x.case_id=c.case_id AND "
        "x.alert_id=?)",
        {filter.alert_id});
  }
  where.SeenCase("c.case_id", filter.scope);
  ASSIGN_OR_RETURN(const auto before, RowOf(paging));
  if (before) where.And("c.case_id<?", {*before});
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kColumns + " FROM cases c" +
                  where.sql() + " ORDER BY c.case_id DESC LIMIT " +
                  std::to_string(PageSize(paging) + 1)));
  where.BindTo(row);
  Page<Case> page;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return page;
    if (std::ssize(page.rows) == PageSize(paging)) {
      page.next_token = std::to_string(page.rows.back().id);
      return page;
    }
    page.rows.push_back(CaseFrom(row));
  }
}

Result<CaseFile> SqliteStore::ReadCase(int64_t id, const Scope& scope) {
  ASSIGN_OR_RETURN(Reading db, Read());
  CaseFile file;
  ASSIGN_OR_RETURN(file.row, ReadRow(*db, id, scope));
  {
    ASSIGN_OR_RETURN(Statement row,
                     db->Query("SELECT time, author, text FROM case_comments "
                               "WHERE case_id=? ORDER BY comment_no",
                               id));
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      file.comments.push_back({row.Time(0), row.Text(1), row.Text(2)});
    }
  }
  RETURN_IF_ERROR(ReadItems(
      *db,
      "SELECT alert_id, added_by, add_time FROM case_alerts WHERE case_id=? "
      "ORDER BY alert_id",
      id, file.alerts, [&](int64_t alert_id) -> Result<Alert> {
        ASSIGN_OR_RETURN(Alert alert, ReadAlert(*db, alert_id, scope));
        if (alert.event_row_id != 0) {
          ASSIGN_OR_RETURN(alert.event, ReadEvent(*db, alert.event_row_id));
        }
        return alert;
      }));
  RETURN_IF_ERROR(ReadItems(
      *db,
      "SELECT event_row_id, added_by, add_time FROM case_events WHERE "
      "case_id=? ORDER BY event_row_id",
      id, file.events, [&](int64_t row_id) { return ReadEvent(*db, row_id); }));
  return file;
}

}  // namespace sekisho::store
