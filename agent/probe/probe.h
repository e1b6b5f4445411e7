// What is on a block device or partition: filesystem, volume, encryption,
// partition table. Every byte read is the device's word and may be a lie; the
// caller sits in a sandbox with one descriptor and a clock that ends it.
#pragma once

#include <cstdint>
#include <vector>

#include "agent/ipc/messages.h"
#include "common/unique_fd.h"

namespace sekisho::probe {

// A value longer than this is cut.
inline constexpr size_t kMaxTextBytes = 256;

// `fd` is read with pread only. A broken or empty device is an answer too: ok,
// with filesystem "". Not ok: the device could not be read at all.
ipc::ProbeAnswer Probe(int fd, int64_t size_bytes);

// True for an answer that names a filesystem or an encrypted volume.
bool HoldsVolume(const ipc::ProbeAnswer& answer);

struct Node {
  UniqueFd fd;
  int64_t size_bytes = 0;
};

// The answer of the first node that holds a volume, else that of the first
// node; a node that cannot be read ends the search. `nodes` is not empty.
ipc::ProbeAnswer ProbeAll(const std::vector<Node>& nodes);

// "luks", "bitlocker" or "none", from the device's first sector. A BitLocker
// volume whose signature was changed by its driver still says -FVE-FS-.
const char* EncryptionOf(ByteSpan first_sector);

}  // namespace sekisho::probe
