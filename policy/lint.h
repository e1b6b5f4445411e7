// What a policy that parses may still get wrong: rules that nothing reaches,
// and enforcement that would take keyboards or hubs away.
#pragma once

#include <vector>

#include "policy/parser.h"

namespace sekisho::policy {

// Warnings by line; column is 1 where the model knows none.
std::vector<Problem> Lint(const Policy& policy, std::string_view file_name);

}  // namespace sekisho::policy
