// The policy language as a JSON Schema (draft 2020-12), for editors. Made from
// the word lists that the parser uses; docs/api/policy.schema.json is its
// output, which a test compares.
#pragma once

#include <string>

namespace sekisho::policy {

std::string PolicySchema();

}  // namespace sekisho::policy
