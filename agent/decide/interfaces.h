// Which interfaces of a device get a driver when policy lets the device in:
// those that an allowing rule covers. Pure.
//
// The first rule that matches the device decides whether it comes in at all. Of
// that device it covers what it names: with `interfaces_any` (and no
// `interfaces_all`) only those; and an access for media (read_only, inspect,
// audit) covers only the storage of a device that has some. What is left is
// asked for again, as if it were all of the device, and an answer counts only
// if its rule fits the whole device too. So a keyboard that hides in a stick
// gets nothing from the rule for keyboards.
#pragma once

#include <functional>
#include <optional>

#include "agent/decide/effects.h"
#include "policy/model.h"

namespace sekisho::decide {

// What policy says of a device with these facts.
using Decide =
    std::function<policy::DeviceDecision(const policy::DeviceFacts&)>;

struct InterfaceChoice {
  Interfaces opened;
  Interfaces closed;  // not empty: the device is let in in part
  // Of the storage interfaces, if the device has any: what their rule says.
  // Unset: no rule lets them in.
  std::optional<policy::DeviceDecision> storage;
};

// `whole`: what was decided for the device, which does not block it.
InterfaceChoice ChooseInterfaces(const policy::DeviceFacts& facts,
                                 const policy::DeviceDecision& whole,
                                 const policy::Policy& policy,
                                 const Decide& decide);

Interfaces Sorted(Interfaces interfaces);  // each kind once

// "08/06/50, 03/01/01"
std::string NamesOf(const Interfaces& interfaces);

bool IsStorage(const policy::UsbInterface& interface);
// Whether storage interfaces are among what gets drivers.
bool ReachesStorage(Authorization reach, const Interfaces& listed);
// Audio, HID, smart card, video, hub: nothing leaves through these.
bool IsQuiet(const policy::UsbInterface& interface);

// The rule with that id; nullptr: none, so it was the default.
const policy::DeviceRule* RuleOf(const policy::Policy& policy,
                                 const std::string& id);

}  // namespace sekisho::decide
