// A stored event as policy can judge it again.
#pragma once

#include "policy/history.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::replay {

policy::DeviceFacts FactsOf(const event::v1::Device& device);

// Fills all of `past` but the terminal; false for an event about which policy
// has nothing to say. Its buffers are used again.
bool FillPast(const event::v1::PublicPart& open,
              const event::v1::PersonalPart& personal, policy::PastEvent* past);

}  // namespace sekisho::replay
