// Which alerts one event makes. Pure: an event in, alerts out. Titles carry no
// names and no paths: those stay in the event, where they can be erased.
#pragma once

#include <vector>

#include "server/store/store.h"

namespace sekisho::alert {

std::vector<store::NewAlert> AlertsFor(const store::Event& event);

}  // namespace sekisho::alert
