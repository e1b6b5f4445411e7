// Alerts: found, grouped, changed.
#include <algorithm>

#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kAlertColumns =
    "alert_id, kind, severity, state, title, agent_id, terminal, person, "
    "device_id, create_time, update_time, event_row_id, resolve_time, "
    "assignee, verdict, rule, suppression_id, told_level, account, verdict_by, "
    "verdict_time";
constexpr int kAlertColumnCount = 21;

Alert AlertFrom(const Statement& row) {
  Alert alert;
  alert.alert_id = row.Int(0);
  alert.kind = row.Text(1);
  alert.severity = row.Text(2);
  alert.state = static_cast<AlertState>(row.Int(3));
  alert.title = row.Text(4);
  alert.agent_id = row.Text(5);
  alert.terminal = row.Text(6);
  alert.person = row.Text(7);
  alert.device_id = row.Text(8);
  alert.create_time = row.Time(9);
  alert.update_time = row.Time(10);
  alert.event_row_id = row.Int(11);
  alert.resolve_time = row.MaybeTime(12);
  alert.assignee = row.Text(13);
  alert.verdict = row.Text(14);
  alert.rule = row.Text(15);
  alert.suppression_id = row.Int(16);
  alert.told_level = static_cast<int>(row.Int(17));
  alert.account = row.Text(18);
  alert.verdict_by = row.Text(19);
  alert.verdict_time = row.MaybeTime(20);
  return alert;
}

Status ReadComments(Connection& db, Alert& alert) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT time, author, text FROM alert_comments "
                            "WHERE alert_id=? ORDER BY comment_no",
                            alert.alert_id));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return {};
    }
    alert.comments.push_back({row.Time(0), row.Text(1), row.Text(2)});
  }
}

Status ReadCaseIds(Connection& db, Alert& alert, const Scope& scope) {
  Where where;
  where.And("c.alert_id=?", {alert.alert_id});
  where.SeenCase("c.case_id", scope);
  ASSIGN_OR_RETURN(Statement row,
                   db.Prepare("SELECT c.case_id FROM case_alerts c" +
                              where.sql() + " ORDER BY c.case_id"));
  where.BindTo(row);
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return {};
    alert.case_ids.push_back(row.Int(0));
  }
}

// How bad, as a number that rises.
constexpr const char* kRank =
    "(CASE severity WHEN 'critical' THEN 4 WHEN 'high' THEN 3 WHEN 'medium' "
    "THEN 2 ELSE 1 END)";

// Rows of the queue come in their order from the indexes of open alerts, which
// also count them; a sum over all of them reads by state.
enum class Reads { kInOrder, kAll };

Where WhereOf(const AlertFilter& filter, Reads reads = Reads::kInOrder) {
  Where where;
  if (filter.alert_id != 0) {
    where.And("alert_id=?", {filter.alert_id});
  } else if (!filter.with_suppressed) {
    where.And("suppression_id=0");
  }
  if (filter.only_unresolved) {
    where.And("resolve_time IS NULL");
  }
  if (filter.only_unassigned) {
    where.And("assignee=''");
  }
  std::vector<int64_t> states;
  for (const AlertState state : filter.states) {
    states.push_back(static_cast<int64_t>(state));
  }
  const bool in_order = reads == Reads::kInOrder && !states.empty() &&
                        std::ranges::find(filter.states, AlertState::kClosed) ==
                            filter.states.end();
  // The plus keeps the index by state away, which would have to be sorted.
  if (in_order) where.And("state<>4");
  where.In(in_order ? "+state" : "state", states);
  const std::pair<const char*, const std::string*> texts[] = {
      {"severity=?", &filter.severity}, {"kind=?", &filter.kind},
      {"terminal=?", &filter.terminal}, {"assignee=?", &filter.assignee},
      {"person=?", &filter.person},     {"device_id=?", &filter.device_id},
      {"rule=?", &filter.rule}};
  for (const auto& [condition, text] : texts) {
    if (!text->empty()) {
      where.And(condition, {*text});
    }
  }
  where.SeenTerminal("terminal", filter.scope);
  if (filter.from) {
    where.And("create_time>=?", {filter.from->time_since_epoch().count()});
  }
  if (filter.to) {
    where.And("create_time<?", {filter.to->time_since_epoch().count()});
  }
  return where;
}

// The token is the last row's id, by severity with its rank: "3:1042".
Status AddPlace(Where& where, AlertOrder order, const Paging& paging) {
  if (order == AlertOrder::kSeverity && !paging.token.empty()) {
    const size_t colon = paging.token.find(':');
    ASSIGN_OR_RETURN(const auto rank,
                     RowOf({0, paging.token.substr(0, colon)}));
    ASSIGN_OR_RETURN(const auto id,
                     RowOf({0, colon == std::string::npos
                                   ? ""
                                   : paging.token.substr(colon + 1)}));
    if (!rank || !id) {
      return Fail(Code::kInvalidArgument, "page token is not one of ours");
    }
    where.And("(" + std::string(kRank) + ", alert_id)<(?, ?)", {*rank, *id});
    return {};
  }
  ASSIGN_OR_RETURN(const auto id, RowOf(paging));
  if (id) {
    where.And(order == AlertOrder::kOldest ? "alert_id>?" : "alert_id<?",
              {*id});
  }
  return {};
}

std::string OrderSql(AlertOrder order) {
  switch (order) {
    case AlertOrder::kOldest:
      return " ORDER BY alert_id";
    case AlertOrder::kSeverity:
      return std::string(" ORDER BY ") + kRank + " DESC, alert_id DESC";
    case AlertOrder::kNewest:
      break;
  }
  return " ORDER BY alert_id DESC";
}

// Rows by their number are for a window over the whole list.
std::string SkipSql(const AlertFilter& filter) {
  return filter.skip > 0 ? " OFFSET " + std::to_string(filter.skip) : "";
}

const char* ColumnOf(AlertGroupBy by) {
  switch (by) {
    case AlertGroupBy::kPerson:
      return "person";
    case AlertGroupBy::kDevice:
      return "device_id";
    case AlertGroupBy::kTerminal:
      return "terminal";
    case AlertGroupBy::kRule:
      return "rule";
    case AlertGroupBy::kKind:
      return "kind";
  }
  return "kind";
}

// What comes again is the alert that is open in the queue, or the next: "key",
// "key:1"... What was kept back counts for itself.
Result<std::string> KeyOfRepeat(Connection& db, const std::string& key) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT count(*), count(*) FILTER (WHERE state<>4 AND "
               "suppression_id=0) FROM alerts "
               "WHERE alert_key=?1 OR (alert_key>=?2 AND alert_key<?3)",
               key, key + ":", key + ";"));
  RETURN_IF_ERROR(row.Step());
  const int64_t all = row.Int(0);
  const bool is_open = row.Int(1) > 0;
  return all == 0 || is_open ? key : key + ":" + std::to_string(all);
}

}  // namespace

Result<std::optional<int64_t>> InsertAlert(Connection& db,
                                           const NewAlert& added) {
  const Alert& alert = added.alert;
  std::string key = added.key;
  if (added.again_once_closed) {
    ASSIGN_OR_RETURN(key, KeyOfRepeat(db, added.key));
  }
  ASSIGN_OR_RETURN(const int64_t suppression_id, SuppressionFor(db, alert));
  RETURN_IF_ERROR(db.Run(
      "INSERT INTO alerts (alert_key, kind, severity, state, title, agent_id, "
      "terminal, person, device_id, create_time, update_time, event_row_id, "
      "rule, assignee, suppression_id, account) VALUES "
      "(?1,?2,?3,1,?4,?5,?6,?7,?8,?9,?9,?10,?11,?12,?13,?14) "
      "ON CONFLICT (alert_key) DO NOTHING",
      key, alert.kind, alert.severity, alert.title, alert.agent_id,
      alert.terminal, alert.person, alert.device_id, alert.create_time,
      alert.event_row_id, alert.rule, alert.assignee, suppression_id,
      alert.account));
  if (db.Changes() == 0) {
    return std::nullopt;
  }
  return db.LastRowId();
}

Result<std::optional<int64_t>> SqliteStore::AddAlert(const NewAlert& alert) {
  std::optional<int64_t> id;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(id, InsertAlert(db, alert));
    return {};
  });
  RETURN_IF_ERROR(written);
  return id;
}

Status SqliteStore::ResolveAlert(int64_t alert_id, WallTime now) {
  return Write([&](Connection& db) {
    return db.Run(
        "UPDATE alerts SET resolve_time=?2, update_time=?2 "
        "WHERE alert_id=?1 AND resolve_time IS NULL",
        alert_id, now);
  });
}

Result<Alert> SqliteStore::ReadAlert(Connection& db, int64_t alert_id,
                                     const Scope& scope) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query(std::string("SELECT ") + kAlertColumns +
                                " FROM alerts WHERE alert_id=?",
                            alert_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no alert " + std::to_string(alert_id));
  }
  Alert alert = AlertFrom(row);
  RETURN_IF_ERROR(ReadComments(db, alert));
  RETURN_IF_ERROR(ReadCaseIds(db, alert, scope));
  return alert;
}

Result<Page<Alert>> SqliteStore::ListAlerts(const AlertFilter& filter,
                                            const Paging& paging) {
  Where where = WhereOf(filter);
  RETURN_IF_ERROR(AddPlace(where, filter.order, paging));
  ASSIGN_OR_RETURN(Reading db, Read());
  Page<Alert> page;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db->Prepare(std::string("SELECT ") + kAlertColumns + ", " + kRank +
                    " FROM alerts" + where.sql() + OrderSql(filter.order) +
                    " LIMIT " + std::to_string(PageSize(paging) + 1) +
                    SkipSql(filter)));
    where.BindTo(row);
    int64_t rank = 0;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) {
        break;
      }
      if (std::ssize(page.rows) == PageSize(paging)) {
        page.next_token = std::to_string(page.rows.back().alert_id);
        if (filter.order == AlertOrder::kSeverity) {
          page.next_token = std::to_string(rank) + ":" + page.next_token;
        }
        break;
      }
      page.rows.push_back(AlertFrom(row));
      rank = row.Int(kAlertColumnCount);
    }
  }
  for (Alert& alert : page.rows) {
    RETURN_IF_ERROR(ReadComments(*db, alert));
    RETURN_IF_ERROR(ReadCaseIds(*db, alert, filter.scope));
    if (filter.with_events && alert.event_row_id != 0) {
      ASSIGN_OR_RETURN(alert.event, ReadEvent(*db, alert.event_row_id));
    }
  }
  return page;
}

Result<std::vector<AlertGroup>> SqliteStore::GroupAlerts(
    const AlertFilter& filter, AlertGroupBy by) {
  static constexpr const char* kSeverities[] = {"low", "low", "medium", "high",
                                                "critical"};
  const Where where = WhereOf(filter, Reads::kAll);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + ColumnOf(by) + ", count(*), max" +
                  kRank + ", max(create_time) FROM alerts" + where.sql() +
                  " GROUP BY 1 ORDER BY 3 DESC, 2 DESC, 4 DESC LIMIT 200"));
  where.BindTo(row);
  std::vector<AlertGroup> groups;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return groups;
    }
    groups.push_back({row.Text(0), row.Int(1),
                      kSeverities[std::clamp<int64_t>(row.Int(2), 0, 4)],
                      row.Time(3)});
  }
}

Result<AlertCount> SqliteStore::CountAlerts(const AlertFilter& filter) {
  const Where where = WhereOf(filter);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare("SELECT count(*), coalesce(max(alert_id), 0) FROM alerts" +
                  where.sql()));
  where.BindTo(row);
  RETURN_IF_ERROR(row.Step());
  return AlertCount{row.Int(0), row.Int(1)};
}

namespace {

// The alert as it is then; what is closed stays as it is.
Status Change(Connection& db, const AlertChange& change,
              const std::string& author, WallTime now, Alert& alert) {
  if (alert.state == AlertState::kClosed) {
    return Fail(Code::kFailedPrecondition, "the alert is closed");
  }
  alert.state = change.state.value_or(alert.state);
  alert.assignee = change.assignee.value_or(alert.assignee);
  if (change.verdict) {
    alert.verdict = *change.verdict;
    alert.verdict_by = author;
    alert.verdict_time = now;
  }
  alert.update_time = now;
  if (alert.state == AlertState::kClosed && alert.verdict.empty()) {
    return Fail(Code::kFailedPrecondition, "closing needs a verdict");
  }
  RETURN_IF_ERROR(
      db.Run("UPDATE alerts SET state=?2, assignee=?3, verdict=?4, "
             "update_time=?5, verdict_by=?6, verdict_time=?7 WHERE alert_id=?1",
             alert.alert_id, static_cast<int64_t>(alert.state), alert.assignee,
             alert.verdict, now, alert.verdict_by, alert.verdict_time));
  if (!change.comment.empty()) {
    RETURN_IF_ERROR(db.Run("INSERT INTO alert_comments VALUES (?,?,?,?,?)",
                           alert.alert_id, std::ssize(alert.comments), now,
                           author, change.comment));
    alert.comments.push_back({now, author, change.comment});
  }
  return {};
}

}  // namespace

Result<Alert> SqliteStore::UpdateAlert(const AlertChange& change,
                                       const std::string& author,
                                       WallTime now) {
  Alert alert;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(alert, ReadAlert(db, change.alert_id));
    return Change(db, change, author, now, alert);
  });
  RETURN_IF_ERROR(written);
  return alert;
}

Result<MatchingStep> SqliteStore::UpdateMatching(const MatchingAlerts& which,
                                                 const AlertChange& change,
                                                 const std::string& author,
                                                 const AuditEntry& entry,
                                                 const AlertMay& may,
                                                 int limit) {
  Where where = WhereOf(which.filter);
  where.And("alert_id>?", {which.after_id});
  where.And("alert_id<=?", {which.upto_id});
  MatchingStep step;
  const Status written = Write([&](Connection& db) -> Status {
    step = {};
    std::vector<int64_t> ids;
    {
      ASSIGN_OR_RETURN(
          Statement row,
          db.Prepare("SELECT alert_id FROM alerts" + where.sql() +
                     " ORDER BY alert_id LIMIT " + std::to_string(limit + 1)));
      where.BindTo(row);
      for (;;) {
        ASSIGN_OR_RETURN(const bool more, row.Step());
        if (!more) break;
        ids.push_back(row.Int(0));
      }
    }
    if (std::ssize(ids) > limit) {
      ids.pop_back();
      step.next_after_id = ids.back();
    }
    AuditEntry one = entry;
    for (const int64_t id : ids) {
      ASSIGN_OR_RETURN(Alert alert, ReadAlert(db, id));
      Status done = may(alert);
      // Nothing of what is refused was written.
      if (done) done = Change(db, change, author, entry.time, alert);
      if (!done && done.error().code != Code::kFailedPrecondition &&
          done.error().code != Code::kPermissionDenied) {
        return done;
      }
      if (done) {
        ++step.updated;
      } else {
        step.failed.push_back({id, done.error().message});
      }
      one.object = "alert " + std::to_string(id);
      one.result = done ? entry.result : done.error().message;
      RETURN_IF_ERROR(InsertAudit(db, one));
    }
    return {};
  });
  RETURN_IF_ERROR(written);
  return step;
}

}  // namespace sekisho::store
