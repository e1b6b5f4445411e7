#include "agent/scan_rules.h"

namespace sekisho::agent {

ipc::ScanRules ScanRulesOf(const policy::Policy& policy) {
  ipc::ScanRules rules;
  for (const policy::CustomType& type : policy.sets.types) {
    rules.types.push_back({.id = type.name,
                           .pattern = type.pattern,
                           .header_words = type.headers,
                           .check = policy::Name(type.check),
                           .values = type.values});
  }
  return rules;
}

}  // namespace sekisho::agent
