// What a policy wants found in files, in the words of the scan worker.
#pragma once

#include "agent/ipc/scan_rules.h"
#include "policy/model.h"

namespace sekisho::agent {

ipc::ScanRules ScanRulesOf(const policy::Policy& policy);

}  // namespace sekisho::agent
