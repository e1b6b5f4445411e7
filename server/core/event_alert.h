// What an alert has from the event that makes it.
#pragma once

#include <string>

#include "server/store/store.h"

namespace sekisho::core {

// Who, where, which device and rule, escaped for people; key "<kind>:<row>", so
// once for each event.
store::NewAlert AlertOf(const store::Event& event, std::string kind,
                        std::string severity, std::string title);

}  // namespace sekisho::core
