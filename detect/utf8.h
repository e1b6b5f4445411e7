// Characters of UTF-8 text.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace sekisho::detect {

// Next code point of `text` from `*at`, which moves on; U+FFFD for a malformed
// byte.
inline uint32_t NextCodePoint(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text.data()[i]));
  };
  const size_t i = *at;
  const uint32_t lead = static_cast<unsigned char>(text[i]);
  const size_t left = text.size() - i;
  const auto trail = [&](size_t k) { return (byte(i + k) & 0xC0) == 0x80; };
  if (lead < 0x80) {
    *at = i + 1;
    return lead;
  }
  if (lead >= 0xE0 && lead < 0xF0 && left >= 3 && trail(1) && trail(2)) {
    *at = i + 3;
    return (lead & 0xF) << 12 | (byte(i + 1) & 0x3F) << 6 |
           (byte(i + 2) & 0x3F);
  }
  if (lead >= 0xC2 && lead < 0xE0 && left >= 2 && trail(1)) {
    *at = i + 2;
    return (lead & 0x1F) << 6 | (byte(i + 1) & 0x3F);
  }
  if (lead >= 0xF0 && lead < 0xF5 && left >= 4 && trail(1) && trail(2) &&
      trail(3)) {
    *at = i + 4;
    return (lead & 0x7) << 18 | (byte(i + 1) & 0x3F) << 12 |
           (byte(i + 2) & 0x3F) << 6 | (byte(i + 3) & 0x3F);
  }
  *at = i + 1;
  return 0xFFFD;
}

void AppendCodePoint(uint32_t code_point, std::string* out);

// RFC 3629: no overlong forms, surrogates or code points above U+10FFFF.
bool IsStrictUtf8(ByteSpan block);

inline constexpr uint32_t kMalformed = 0xFFFFFFFF;
// As NextCodePoint, strictly; kMalformed for what RFC 3629 forbids.
uint32_t NextStrictUtf8(std::string_view text, size_t* at);

bool IsAllAscii(std::string_view text);

}  // namespace sekisho::detect
