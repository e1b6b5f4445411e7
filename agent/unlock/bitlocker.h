// Where a BitLocker volume keeps its data: three metadata blocks lie within the
// volume and read as zeros, and its first sectors lie elsewhere. Layout after
// the libbde project's description of the format. Pure but for reading.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "agent/ipc/messages.h"
#include "common/result.h"

namespace sekisho::unlock {

inline constexpr int64_t kBitlockerMetadataBytes = int64_t{64} << 10;

struct BitlockerLayout {
  std::array<int64_t, 3> metadata_offsets{};  // bytes
  int64_t header_offset = 0;                  // of the moved first sectors
  int64_t header_bytes = 0;
  bool operator==(const BitlockerLayout&) const = default;
};

bool LooksLikeBitlocker(int fd);

// kFailedPrecondition: no BitLocker metadata that fits within `size_bytes`.
Result<BitlockerLayout> ReadBitlockerLayout(int fd, int64_t size_bytes);

// kFailedPrecondition: its parts overlap or leave the volume.
Result<std::vector<ipc::UnlockAnswer::Segment>> BitlockerSegments(
    const BitlockerLayout& layout, int64_t size_bytes);

}  // namespace sekisho::unlock
