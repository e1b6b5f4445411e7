#include "server/store/scope_sql.h"

namespace sekisho::store {
namespace {

std::string GroupMarks(const Scope& scope, int first) {
  std::string marks;
  for (size_t i = 0; i < scope.groups().size(); ++i) {
    marks += i == 0 ? "?" : ",?";
    if (first > 0) marks += std::to_string(first++);
  }
  // Of no group nothing is seen.
  return marks.empty() ? "NULL" : marks;
}

}  // namespace

std::string TerminalsSql(const Scope& scope, int first) {
  return "SELECT g.terminal FROM terminal_groups g WHERE g.group_name IN (" +
         GroupMarks(scope, first) + ")";
}

std::string AgentsSql(const Scope& scope, int first) {
  return "SELECT x.agent_no FROM terminal_groups g JOIN agents x ON "
         "x.terminal=g.terminal WHERE g.group_name IN (" +
         GroupMarks(scope, first) + ")";
}

std::string AndTerminal(std::string_view column, const Scope& scope,
                        int first) {
  if (scope.IsWholeFleet()) return "";
  return " AND " + std::string(column) + " IN (" + TerminalsSql(scope, first) +
         ")";
}

std::string AndAgent(std::string_view column, const Scope& scope, int first) {
  if (scope.IsWholeFleet()) return "";
  return " AND +" + std::string(column) + " IN (" + AgentsSql(scope, first) +
         ")";
}

void BindScope(Statement& statement, const Scope& scope, int first) {
  for (const std::string& group : scope.groups()) {
    statement.Bind(first++, group);
  }
}

std::string CaseIsSeenSql(std::string_view id, const Scope& scope) {
  const std::string is = "case_id=" + std::string(id);
  return "(EXISTS (SELECT 1 FROM case_alerts y WHERE y." + is +
         ") OR EXISTS (SELECT 1 FROM case_events z WHERE z." + is +
         ")) AND NOT EXISTS (SELECT 1 FROM case_alerts y JOIN alerts w ON "
         "w.alert_id=y.alert_id WHERE y." +
         is + " AND w.terminal NOT IN (" + TerminalsSql(scope) +
         ")) AND NOT EXISTS (SELECT 1 FROM case_events z JOIN event_index v ON "
         "v.row_id=z.event_row_id WHERE z." +
         is + " AND v.agent_no NOT IN (" + AgentsSql(scope) + "))";
}

}  // namespace sekisho::store
