// Gives up everything the scanner does not need before it reads a byte of
// input: no file can be opened, no socket made, no program run.
#pragma once

#include "common/result.h"

namespace sekisho::scan {

// Address space of the scanner: 64 MiB of inspection, the program, its tables.
inline constexpr size_t kMaxAddressSpaceBytes = size_t{512} << 20;

// Closes every descriptor above 2, then applies resource limits, no_new_privs,
// Landlock (no path at all) and a seccomp allow list that kills the process on
// anything else. Cannot be undone. On an error the caller must exit: nothing
// may be inspected outside the sandbox. A kernel without Landlock is no error;
// seccomp alone refuses every path.
Status EnterSandbox();

// Lowest priority for processor and disk, for good. Allowed in the sandbox.
Status GoToTheBackground();

}  // namespace sekisho::scan
