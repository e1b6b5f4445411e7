// What happened before, as far as policy can judge it again: for `policy
// simulate` and `policy suggest`. Filled from stored events by the command.
#pragma once

#include <string>

#include "policy/model.h"

namespace sekisho::policy {

struct PastEvent {
  enum class Kind { kDevice, kTransfer };
  Kind kind = Kind::kDevice;
  WallTime time;
  TerminalFacts terminal;
  PersonFacts person;
  DeviceFacts device;
  ContentFacts content;      // transfers
  bool was_blocked = false;  // nothing is, while a terminal observes
};

}  // namespace sekisho::policy
