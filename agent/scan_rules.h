// What a policy wants found in files, in the words of the scan worker.
#pragma once

#include "agent/ipc/scan_rules.h"
#include "policy/model.h"

namespace sekisho::agent {

// Sealed samples that an event keeps: what the worker's seal comes to at most.
inline constexpr size_t kMaxSealedSamplesBytes = 4186;

ipc::ScanRules ScanRulesOf(const policy::Policy& policy);

}  // namespace sekisho::agent
