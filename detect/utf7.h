// UTF-7 (RFC 2152): 7-bit text in which "+MEIwRA-" is Japanese. Mail programs
// of long ago write it, and nothing else looks into it.
#pragma once

#include <string>
#include <string_view>

namespace sekisho::detect {

// Two runs and more of nothing but Japanese. `ascii` is 7-bit.
bool HasUtf7Runs(std::string_view ascii);

// Appends `ascii` with its runs as UTF-8. What is no good run stays as it is.
void DecodeUtf7(std::string_view ascii, std::string* out);

}  // namespace sekisho::detect
