// Binary files that are no document, archive or picture: programs, fonts,
// captures, disk images. Told by more than a magic number, since they are read
// for their text only.
#pragma once

#include <string_view>

namespace sekisho::detect {

// The kind of the file that begins with `head`, as "elf"; empty if none.
std::string_view SniffBinary(std::string_view head);

}  // namespace sekisho::detect
