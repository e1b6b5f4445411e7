// What is on a block device or partition: filesystem, volume, encryption,
// partition table. Every byte read is the device's word and may be a lie; the
// caller sits in a sandbox with one descriptor and a clock that ends it.
#pragma once

#include <cstdint>

#include "agent/ipc/messages.h"

namespace sekisho::probe {

// A value longer than this is cut.
inline constexpr size_t kMaxTextBytes = 256;

// `fd` is read with pread only. A broken or empty device is an answer too: ok,
// with filesystem "". Not ok: the device could not be read at all.
ipc::ProbeAnswer Probe(int fd, int64_t size_bytes);

// "luks", "bitlocker" or "none", from the device's first sector. A BitLocker
// volume whose signature was changed by its driver still says -FVE-FS-.
const char* EncryptionOf(ByteSpan first_sector);

}  // namespace sekisho::probe
