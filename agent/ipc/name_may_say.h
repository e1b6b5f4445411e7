// Which names of files and directories are worth looking into.
#pragma once

#include <algorithm>
#include <string_view>

namespace sekisho::ipc {

// Could `name` hold a person? Without digits, an @ and any letter but ASCII it
// is a name at most, and a name alone is nobody.
inline bool NameMaySay(std::string_view name) {
  return std::ranges::any_of(name, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte >= 0x80 || c == '@' || (c >= '0' && c <= '9');
  });
}

}  // namespace sekisho::ipc
