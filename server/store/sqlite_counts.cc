// What the console counts. Transfers and plugs are counted from their covering
// indexes event_index_transfers and event_index_plugs, a range of time each.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

// The index's own condition, word for word; then the range.
constexpr const char* kTransfersBetween =
    " FROM event_index INDEXED BY event_index_transfers "
    "WHERE kind=6 AND repeats=0 AND receive_time>=?1 AND receive_time<?2";
constexpr const char* kPlugsBetween =
    " FROM event_index INDEXED BY event_index_plugs "
    "WHERE kind=1 AND repeats=0 AND receive_time>=?1 AND receive_time<?2";

// A value that this program does not know is a refusal, as everywhere.
constexpr const char* kCounts =
    "count(*), "
    "count(*) FILTER (WHERE outcome NOT IN (0,1,2) AND observe_only=0), "
    "count(*) FILTER (WHERE outcome NOT IN (0,1,2) AND observe_only<>0), "
    "count(*) FILTER (WHERE outcome=2), "
    "sum(persons), "
    "sum(CASE WHEN outcome NOT IN (0,1,2) AND observe_only=0 "
    "THEN persons ELSE 0 END), "
    "sum(persons_written)";
constexpr int kCountColumns = 7;
constexpr int kFirstGroup = 3;  // after the range of time

// Sums over no rows are NULL and read as 0.
TransferCounts CountsFrom(const Statement& row, int first) {
  return {row.Int(first),     row.Int(first + 1), row.Int(first + 2),
          row.Int(first + 3), row.Int(first + 4), row.Int(first + 5),
          row.Int(first + 6)};
}

const char* ColumnOf(TopBy by) {
  switch (by) {
    case TopBy::kDevice:
      return "device_id";
    case TopBy::kTerminal:
      return "agent_no";
    case TopBy::kPerson:
      return "person";
  }
  return "person";
}

std::string CountBySql(TopBy by, const Scope& scope) {
  const std::string counted =
      std::string("SELECT ") + ColumnOf(by) + " AS value, " + kCounts +
      kTransfersBetween + (by == TopBy::kDevice ? " AND device_id<>''" : "") +
      AndAgent("agent_no", scope, kFirstGroup) + " GROUP BY 1";
  switch (by) {
    case TopBy::kDevice:
      return "SELECT t.*, coalesce(d.name, '') FROM (" + counted +
             ") t LEFT JOIN devices d ON d.device_id = t.value";
    case TopBy::kTerminal:
      return "SELECT t.*, a.terminal FROM (" + counted +
             ") t JOIN agents a ON a.agent_no = t.value";
    case TopBy::kPerson:
      break;
  }
  return counted;
}

}  // namespace

Result<std::vector<DayCounts>> SqliteStore::CountDays(
    const std::vector<WallTime>& bounds, const Scope& scope) {
  const std::string seen = AndAgent("agent_no", scope, kFirstGroup);
  ASSIGN_OR_RETURN(Reading db, Read());
  std::vector<DayCounts> days;
  for (size_t i = 0; i + 1 < bounds.size(); ++i) {
    DayCounts& day = days.emplace_back();
    day.from = bounds[i];
    {
      ASSIGN_OR_RETURN(Statement row,
                       db->Query(std::string("SELECT ") + kCounts +
                                     ", count(DISTINCT nullif(person, ''))" +
                                     kTransfersBetween + seen,
                                 bounds[i], bounds[i + 1]));
      BindScope(row, scope, kFirstGroup);
      RETURN_IF_ERROR(row.Step());
      day.counts = CountsFrom(row, 0);
      day.operators = row.Int(kCountColumns);
    }
    ASSIGN_OR_RETURN(
        Statement row,
        db->Query(std::string("SELECT count(*), count(*) FILTER (WHERE "
                              "outcome NOT IN (0,1,2) AND observe_only=0)") +
                      kPlugsBetween + seen,
                  bounds[i], bounds[i + 1]));
    BindScope(row, scope, kFirstGroup);
    RETURN_IF_ERROR(row.Step());
    day.plugs = row.Int(0);
    day.plugs_blocked = row.Int(1);
  }
  return days;
}

Result<std::vector<TopRow>> SqliteStore::CountBy(TopBy by, WallTime from,
                                                 WallTime to,
                                                 const Scope& scope) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row, db->Query(CountBySql(by, scope), from, to));
  BindScope(row, scope, kFirstGroup);
  std::vector<TopRow> rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return rows;
    }
    TopRow& top = rows.emplace_back();
    top.counts = CountsFrom(row, 1);
    top.value = row.Text(by == TopBy::kTerminal ? kCountColumns + 1 : 0);
    if (by == TopBy::kDevice) {
      top.name = row.Text(kCountColumns + 1);
    }
  }
}

// By alerts_state: what is open is few, however long the history.
Result<OpenAlerts> SqliteStore::CountOpenAlerts(const Scope& scope) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(
          std::string(
              "SELECT severity, kind='approval_request', count(*), "
              "count(*) FILTER (WHERE assignee=''), min(CASE WHEN state=1 "
              "THEN create_time END) "
              "FROM alerts WHERE state IN (1,2,3) AND suppression_id=0") +
          AndTerminal("terminal", scope, 1) + " GROUP BY 1, 2"));
  BindScope(row, scope, 1);
  OpenAlerts open;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return open;
    }
    if (row.Int(1) != 0) {
      open.requests += row.Int(2);
      continue;
    }
    open.by_severity[row.Text(0)] += row.Int(2);
    open.unassigned += row.Int(3);
    const auto oldest = row.MaybeTime(4);
    if (oldest && (!open.oldest_time || *oldest < *open.oldest_time)) {
      open.oldest_time = oldest;
    }
  }
}

}  // namespace sekisho::store
