// What the probe gives up before it reads a byte of a device.
#pragma once

#include "common/result.h"

namespace sekisho::probe {

// No paths (Landlock, where the kernel has it), no new descriptors but what a
// message brings, no network, bounded memory and processor time, an end after
// `seconds` whatever happens. A failure is an error: the caller must not probe.
Status EnterSandbox(unsigned seconds);

}  // namespace sekisho::probe
