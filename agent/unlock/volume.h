// The key of an encrypted volume, found with its passphrase (of BitLocker also
// with its recovery password): LUKS 1 and 2, BitLocker. Only
// the header is read, from a copy in memory; nothing is opened by a path and
// nothing is mapped. Hostile headers are expected: run it without rights.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/ipc/messages.h"
#include "common/result.h"

namespace sekisho::unlock {

// Of a header, keyslots and all; LUKS2 with the largest areas that cryptsetup
// makes by itself needs 16 MiB.
inline constexpr int64_t kMaxHeaderBytes = int64_t{64} << 20;

// `fd`: the volume, readable; `size_bytes`: of the whole volume.
// kInvalidArgument: no keyslot opens with this passphrase. kFailedPrecondition:
// the volume is of a kind that is not mapped here (with the reason).
// kResourceExhausted: there is not enough memory for its key derivation.
Result<ipc::UnlockAnswer> FindKey(int fd, int64_t size_bytes,
                                  std::string_view passphrase);

}  // namespace sekisho::unlock
