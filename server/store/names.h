// People go by several names: "root (tanaka)" is tanaka and root, "op01
// (yamada)" is yamada and op01.
#pragma once

#include <string_view>

namespace sekisho::store {

// Whether the two have a name in common; "unknown" is nobody's.
bool ShareName(std::string_view a, std::string_view b);

}  // namespace sekisho::store
