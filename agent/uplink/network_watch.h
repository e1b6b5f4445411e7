// Hears from the kernel that an interface, address or route changed, so that a
// cable that is back is tried at once.
#pragma once

#include <functional>

#include "common/event_loop.h"
#include "common/unique_fd.h"

namespace sekisho::uplink {

// The callback runs on the loop, once for a burst of changes. The returned
// descriptor must be removed from the loop before it is closed.
Result<UniqueFd> WatchNetwork(EventLoop& loop, std::function<void()> changed);

}  // namespace sekisho::uplink
