// What the gate gives up once it has its descriptors.
#pragma once

#include "common/result.h"

namespace sekisho::gate {

// What a thread may give itself: the lowest priority for the processor and,
// as in linux/ioprio.h, which Debian 12 does not install, for the disk.
inline constexpr int kGoesLast = 19;
inline constexpr int kIoprioWhoProcess = 1;
inline constexpr unsigned kIoprioIdle = 3U << 13U;

// no_new_privs, resource limits, and a seccomp allow-list for every thread.
// Anything else than the list fails with EPERM. Failure to set it up is an
// error: the caller must not serve.
Status EnterSandbox();

}  // namespace sekisho::gate
