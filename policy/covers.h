// Does one condition hold wherever another does? For `policy check`: a rule
// behind one that takes all it could match is never asked. Says yes only where
// that can be proven from the words.
#pragma once

#include "policy/model.h"

namespace sekisho::policy {

bool Covers(const DeviceMatch& wide, const DeviceMatch& narrow);
bool Covers(const ContentRule& wide, const ContentRule& narrow);

}  // namespace sekisho::policy
