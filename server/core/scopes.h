// What of the desk somebody may reach who sees some terminal groups only: one
// table with a row for every method, beside the one of roles (roles.h). A
// method is refused to him until its row says that it keeps to his scope.
#pragma once

#include <span>

#include "common/result.h"
#include "server/core/roles.h"
#include "server/store/scope.h"

namespace sekisho::core {

enum class Reach {
  kWholeFleet,  // not with a scope
  kScoped,      // shows and changes what is of the scope's terminals
  kNoTerminal,  // is about no terminal: himself, or nothing that is stored
};

struct ReachRow {
  Method method;
  Reach reach = Reach::kWholeFleet;
  const char* why = "";  // what it keeps to, or why it does not
};

// In the order of Method.
std::span<const ReachRow> Reaches();

// kPermissionDenied, naming what he sees.
Status CheckReach(const store::Scope& scope, Method method);

}  // namespace sekisho::core
