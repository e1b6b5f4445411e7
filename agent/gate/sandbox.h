// What the gate gives up once it has its descriptors.
#pragma once

#include "common/result.h"

namespace sekisho::gate {

// no_new_privs, resource limits, and a seccomp allow-list for every thread.
// Anything else than the list fails with EPERM. Failure to set it up is an
// error: the caller must not serve.
Status EnterSandbox();

}  // namespace sekisho::gate
