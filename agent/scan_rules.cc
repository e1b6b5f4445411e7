#include "agent/scan_rules.h"

#include "common/bytes.h"
#include "policy/samples_key.h"

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
  if (const auto point = policy::ParseSamplesKey(policy.samples_key)) {
    rules.samples_key = AsText(*point);
  }
  return rules;
}

}  // namespace sekisho::agent
