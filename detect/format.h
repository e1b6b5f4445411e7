// What a file is, by its content and never by its name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace sekisho::detect {

enum class FormatClass : uint8_t {
  kText,       // goes to the text pipeline
  kMedia,      // audio, video, image
  kContainer,  // document, archive, disk image: not opened yet
  kEncrypted,
  kUnknown,  // binary of no known kind
};

struct Format {
  FormatClass kind = FormatClass::kText;
  std::string name;  // "xlsx", "png", ...; "" for text
};

// How many first bytes SniffFormat wants to see.
inline constexpr size_t kSniffBytes = 65536;

// `head` is the start of the file, kSniffBytes or all of it.
Format SniffFormat(ByteSpan head);

}  // namespace sekisho::detect
