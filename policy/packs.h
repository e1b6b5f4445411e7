// The policies that ship with Sekisho, embedded in the program.
#pragma once

#include <string_view>
#include <vector>

namespace sekisho::policy {

// "observe", "appi", "gdpr", "call-center-maintenance", "lockdown".
std::vector<std::string_view> PackNames();
// The YAML of one pack; empty for a name that is none.
std::string_view PackText(std::string_view name);

}  // namespace sekisho::policy
