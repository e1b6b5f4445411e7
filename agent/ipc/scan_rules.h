// The sealed memory file of ScanRules, on its way from sekishod to the worker.
#pragma once

#include <memory>
#include <vector>

#include "agent/ipc/messages.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::ipc {

// Immutable, shared by whoever hands it on.
struct ScanRulesFile {
  UniqueFd fd;
  int64_t size_bytes = 0;
};
using SharedScanRules = std::shared_ptr<const ScanRulesFile>;  // null: none

// Nobody who gets the descriptor can change what others read. Null for rules
// without content; kResourceExhausted above kMaxScanRulesBytes.
Result<SharedScanRules> SealScanRules(const ScanRules& rules);
// Of a received descriptor. Checks size and seals: kInvalidArgument.
Result<SharedScanRules> TakeScanRules(UniqueFd fd, int64_t size_bytes);
Result<ScanRules> ReadScanRules(const ScanRulesFile& file);

// What goes beside a message that has a number of bytes for them.
inline int64_t SizeOf(const SharedScanRules& rules) {
  return rules ? rules->size_bytes : 0;
}
inline std::vector<int> FdsOf(const SharedScanRules& rules) {
  return rules ? std::vector<int>{rules->fd.get()} : std::vector<int>{};
}

}  // namespace sekisho::ipc
