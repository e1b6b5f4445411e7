// The area codes of Japanese landlines.
#pragma once

#include <cstddef>
#include <string_view>

namespace sekisho::detect {

// `number`: ten digits, the 0 among them. False where the numbering plan has no
// landlines.
bool IsLandline(std::string_view number);

// Is the area code of this landline as long as that, the 0 counted?
bool HasAreaCodeOf(std::string_view number, size_t size);

}  // namespace sekisho::detect
