// Alerts that wait too long, that were kept back, and how often they were
// right.
#include <algorithm>

#include "server/store/names.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kOverdueKind = "alert_overdue";
constexpr int kMaxListed = 1'000;
// Nobody waits for these to be worked on, and no suppression keeps them back.
constexpr const char* kOfDuty =
    "kind NOT IN ('alert_overdue','review_overdue')";

constexpr const char* kSuppressionColumns =
    "s.suppression_id, s.kind, s.person, s.device_id, s.terminal, s.rule, "
    "s.reason, s.created_by, s.create_time, s.end_time, s.over_time, "
    "s.ended_by, s.end_reason, "
    "(SELECT count(*) FROM alerts a WHERE "
    "a.suppression_id=s.suppression_id AND a.suppression_id<>0)";

Suppression SuppressionFrom(const Statement& row) {
  Suppression one;
  one.id = row.Int(0);
  one.kind = row.Text(1);
  one.person = row.Text(2);
  one.device_id = row.Text(3);
  one.terminal = row.Text(4);
  one.rule = row.Text(5);
  one.reason = row.Text(6);
  one.created_by = row.Text(7);
  one.create_time = row.Time(8);
  one.end_time = row.Time(9);
  one.over_time = row.MaybeTime(10);
  one.ended_by = row.Text(11);
  one.end_reason = row.Text(12);
  one.alert_count = row.Int(13);
  return one;
}

}  // namespace

const char* Name(SlaLevel level) {
  return level == SlaLevel::kClose ? "close" : "acknowledge";
}

// By alerts_untold.
Result<std::vector<Alert>> SqliteStore::WaitingAlerts(
    SlaLevel level, const std::string& severity, WallTime before, int limit) {
  ASSIGN_OR_RETURN(Reading db, Read());
  const std::string states =
      level == SlaLevel::kAcknowledge ? "state=1" : "state IN (1,2,3)";
  std::vector<int64_t> ids;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db->Query("SELECT alert_id FROM alerts WHERE severity=? AND "
                  "told_level<? AND create_time<=? AND state<>4 AND " +
                      states +
                      " AND resolve_time IS NULL AND suppression_id=0 AND " +
                      kOfDuty + " ORDER BY create_time, alert_id LIMIT " +
                      std::to_string(limit),
                  severity, static_cast<int64_t>(level), before));
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      ids.push_back(row.Int(0));
    }
  }
  std::vector<Alert> alerts;
  for (const int64_t id : ids) {
    ASSIGN_OR_RETURN(Alert alert, ReadAlert(*db, id));
    alerts.push_back(std::move(alert));
  }
  return alerts;
}

Result<std::optional<int64_t>> SqliteStore::Escalate(
    SlaLevel level, const std::vector<int64_t>& alert_ids,
    const NewAlert& alert) {
  std::optional<int64_t> id;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(id, InsertAlert(db, alert));
    for (const int64_t alert_id : alert_ids) {
      RETURN_IF_ERROR(db.Run(
          "UPDATE alerts SET told_level=?2, told_by=?3 WHERE alert_id=?1",
          alert_id, static_cast<int64_t>(level), id.value_or(0)));
    }
    return {};
  });
  RETURN_IF_ERROR(written);
  return id;
}

Result<std::vector<int64_t>> SqliteStore::ResolveEscalations(WallTime now) {
  std::vector<int64_t> over;
  {
    ASSIGN_OR_RETURN(Reading db, Read());
    ASSIGN_OR_RETURN(
        Statement row,
        db->Query("SELECT o.alert_id FROM alerts o WHERE o.kind=? AND "
                  "o.resolve_time IS NULL AND NOT EXISTS (SELECT 1 FROM alerts "
                  "a WHERE a.told_by=o.alert_id AND a.told_by<>0 AND "
                  "a.resolve_time IS NULL AND "
                  "(a.state=1 OR (a.told_level=2 AND a.state<>4)))",
                  kOverdueKind));
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, row.Step());
      if (!more) break;
      over.push_back(row.Int(0));
    }
  }
  for (const int64_t id : over) RETURN_IF_ERROR(ResolveAlert(id, now));
  return over;
}

Result<std::vector<VerdictCount>> SqliteStore::CountVerdicts(
    WallTime from, WallTime to, const Scope& scope) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(
          std::string("SELECT kind, rule, count(*), count(*) FILTER (WHERE "
                      "verdict='true_positive'), count(*) FILTER (WHERE "
                      "verdict='false_positive'), count(*) FILTER (WHERE "
                      "verdict='benign') FROM alerts WHERE create_time>=? AND "
                      "create_time<? AND kind<>'approval_request' AND ") +
              kOfDuty + AndTerminal("terminal", scope, 0) +
              " GROUP BY kind, rule ORDER BY 3 DESC, 1, 2 LIMIT 500",
          from, to));
  BindScope(row, scope, 3);
  std::vector<VerdictCount> counts;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return counts;
    counts.push_back({row.Text(0), row.Text(1), row.Int(2), row.Int(3),
                      row.Int(4), row.Int(5)});
  }
}

Result<std::vector<SlaCount>> SqliteStore::CountSla(WallTime from,
                                                    WallTime to) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(std::string("SELECT severity, count(*), count(*) FILTER (WHERE "
                            "state<>1), count(*) FILTER (WHERE state=4), "
                            "count(*) FILTER (WHERE told_level>=1), count(*) "
                            "FILTER (WHERE told_level>=2) FROM alerts WHERE "
                            "create_time>=? AND create_time<? AND "
                            "suppression_id=0 AND ") +
                    kOfDuty + " GROUP BY severity ORDER BY 1",
                from, to));
  std::vector<SlaCount> counts;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return counts;
    counts.push_back({row.Text(0), row.Int(1), row.Int(2), row.Int(3),
                      row.Int(4), row.Int(5)});
  }
}

namespace {

// By his name, and by those of the person he is in the register.
Result<bool> Concerns(Connection& db, const std::string& author,
                      const Alert& alert) {
  const auto is_about = [&](std::string_view name) {
    return ShareName(name, alert.person) || ShareName(name, alert.account);
  };
  if (is_about(author)) return true;
  ASSIGN_OR_RETURN(const auto names, NamesOfUser(db, author));
  return std::ranges::any_of(names, is_about);
}

}  // namespace

// Nobody keeps back what is about himself, nor what is critical.
Result<int64_t> SuppressionFor(Connection& db, const Alert& alert) {
  if (alert.severity == "critical") return 0;
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT suppression_id, created_by FROM suppressions WHERE "
               "over_time IS NULL AND end_time>?1 AND kind=?2 AND (person='' "
               "OR person=?3) AND (device_id='' OR device_id=?4) AND "
               "(terminal='' OR terminal=?5) AND (rule='' OR rule=?6) "
               "ORDER BY suppression_id",
               alert.create_time, alert.kind, alert.person, alert.device_id,
               alert.terminal, alert.rule));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return 0;
    ASSIGN_OR_RETURN(const bool his, Concerns(db, row.Text(1), alert));
    if (!his) return row.Int(0);
  }
}

Result<int64_t> SqliteStore::AddSuppression(const Suppression& row) {
  int64_t id = 0;
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(
        Statement next,
        db.Query(
            "SELECT coalesce(max(suppression_id), 0) + 1 FROM suppressions"));
    RETURN_IF_ERROR(next.Step());
    id = next.Int(0);
    return db.Run("INSERT INTO suppressions VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                  id, row.kind, row.person, row.device_id, row.terminal,
                  row.rule, row.reason, row.created_by, row.create_time,
                  row.end_time, row.over_time, row.ended_by, row.end_reason);
  });
  RETURN_IF_ERROR(written);
  return id;
}

Result<std::vector<Suppression>> SqliteStore::ListSuppressions(
    WhichSuppressions which, WallTime now, const Scope& scope) {
  ASSIGN_OR_RETURN(Reading db, Read());
  Where where;
  where.SeenTerminal("s.terminal", scope);
  if (which == WhichSuppressions::kRunning) {
    where.And("s.over_time IS NULL AND s.end_time>?",
              {now.time_since_epoch().count()});
  }
  ASSIGN_OR_RETURN(Statement row,
                   db->Prepare(std::string("SELECT ") + kSuppressionColumns +
                               " FROM suppressions s" + where.sql() +
                               " ORDER BY s.suppression_id DESC LIMIT " +
                               std::to_string(kMaxListed)));
  where.BindTo(row);
  std::vector<Suppression> rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return rows;
    rows.push_back(SuppressionFrom(row));
  }
}

Result<Suppression> SqliteStore::EndSuppression(int64_t id,
                                                const std::string& by,
                                                const std::string& reason,
                                                WallTime now) {
  Suppression ended;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE suppressions SET over_time=?2, ended_by=?3, "
               "end_reason=?4 WHERE suppression_id=?1 AND over_time IS NULL "
               "AND end_time>?2",
               id, now, by, reason));
    if (db.Changes() == 0) {
      return Fail(Code::kNotFound,
                  "no suppression " + std::to_string(id) + " is in force");
    }
    ASSIGN_OR_RETURN(Statement row,
                     db.Query(std::string("SELECT ") + kSuppressionColumns +
                                  " FROM suppressions s WHERE "
                                  "s.suppression_id=?",
                              id));
    RETURN_IF_ERROR(row.Step());
    ended = SuppressionFrom(row);
    return {};
  });
  RETURN_IF_ERROR(written);
  return ended;
}

}  // namespace sekisho::store
