// A scope as conditions of SQL. The groups are parameters: `first` is the
// number of the first of them, or 0 where parameters have none ("?"). Each
// condition has the groups once, in their order, unless it says otherwise.
#pragma once

#include <string>
#include <string_view>

#include "server/store/scope.h"
#include "server/store/sql.h"

namespace sekisho::store {

// "SELECT terminal ..." and "SELECT agent_no ..." of the terminals that are
// seen; not for the whole fleet.
std::string TerminalsSql(const Scope& scope, int first = 0);
std::string AgentsSql(const Scope& scope, int first = 0);

// " AND ..."; empty for the whole fleet. The column is kept from choosing an
// index: newest first is what lists are asked for.
std::string AndTerminal(std::string_view column, const Scope& scope, int first);
std::string AndAgent(std::string_view column, const Scope& scope, int first);
void BindScope(Statement& statement, const Scope& scope, int first);

// Of the case in `id` (an SQL expression): something is in it, and all of it is
// seen. The groups twice, without numbers.
std::string CaseIsSeenSql(std::string_view id, const Scope& scope);

}  // namespace sekisho::store
