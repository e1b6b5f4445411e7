// How much of a USB device the kernel may use, as the decider says it and as
// sysfs has it, interface by interface.
#pragma once

#include <string>

#include "agent/decide/effects.h"
#include "agent/enforce/usb_authorizer.h"

namespace sekisho::agent {

struct Authorized {
  decide::Authorization reach = decide::Authorization::kNone;
  decide::Interfaces listed;  // kListed
};

// All interfaces or none are easy; some is what the early boot leaves, or a
// run before this one. Whatever cannot be read counts as closed.
Authorized AuthorizedNow(const enforce::UsbDevice& device);

// Blocks: for Jobs. The device, then each interface: allowed, or without a
// driver. An interface counts by its active setting. Failure: what was not
// reached yet stays closed where the bus starts interfaces closed; a driver
// that should go may still be bound.
Status Authorize(enforce::UsbDevice& device, const Authorized& wanted);

}  // namespace sekisho::agent
