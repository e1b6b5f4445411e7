// Characters of the Japanese encodings, one at a time.
#pragma once

#include <cstddef>
#include <cstdint>

#include "common/bytes.h"
#include "detect/tables.h"
#include "detect/utf8.h"

namespace sekisho::detect {

inline uint8_t At(ByteSpan bytes, size_t i) {
  return std::to_integer<uint8_t>(bytes[i]);
}

// One character from `*at`; kMalformed for a malformed one, which takes one
// byte.
inline uint32_t NextCp932(ByteSpan bytes, size_t* at) {
  const uint8_t lead = At(bytes, *at);
  ++*at;
  if (lead < 0x80) {
    return lead;
  }
  if (lead >= 0xA1 && lead <= 0xDF) {
    return 0xFF61u + (lead - 0xA1u);
  }
  if (*at == bytes.size()) {
    return kMalformed;
  }
  const char16_t cp = FromCp932(lead, At(bytes, *at));
  if (cp == 0) {
    return kMalformed;
  }
  ++*at;
  return cp;
}

// EUC-JP rows are JIS rows; CP932 holds the same rows shifted, with the NEC and
// IBM rows that Windows' EUC (CP51932) has too.
inline char16_t FromJis0208(uint8_t lead, uint8_t trail) {
  const unsigned row = lead - 0xA1u;
  const unsigned cell = trail - 0xA1u;
  unsigned sjis_lead = 0x81 + row / 2;
  if (sjis_lead > 0x9F) {
    sjis_lead += 0x40;
  }
  unsigned sjis_trail = 0;
  if (row % 2 == 0) {
    sjis_trail = 0x40 + cell + (cell >= 63 ? 1 : 0);
  } else {
    sjis_trail = 0x9F + cell;
  }
  return FromCp932(static_cast<uint8_t>(sjis_lead),
                   static_cast<uint8_t>(sjis_trail));
}

inline uint32_t NextEucJp(ByteSpan bytes, size_t* at) {
  const uint8_t lead = At(bytes, *at);
  const size_t left = bytes.size() - *at;
  ++*at;
  if (lead < 0x80) {
    return lead;
  }
  const auto in_plane = [](uint8_t b) { return b >= 0xA1 && b <= 0xFE; };
  if (lead == 0x8E && left >= 2) {
    const uint8_t trail = At(bytes, *at);
    if (trail >= 0xA1 && trail <= 0xDF) {
      ++*at;
      return 0xFF61u + (trail - 0xA1u);
    }
    return kMalformed;
  }
  if (lead == 0x8F && left >= 3 && in_plane(At(bytes, *at))) {
    const char16_t cp = FromJis0212(At(bytes, *at), At(bytes, *at + 1));
    if (cp == 0) {
      return kMalformed;
    }
    *at += 2;
    return cp;
  }
  if (!in_plane(lead) || left < 2 || !in_plane(At(bytes, *at))) {
    return kMalformed;
  }
  const char16_t cp = FromJis0208(lead, At(bytes, *at));
  if (cp == 0) {
    return kMalformed;
  }
  ++*at;
  return cp;
}

}  // namespace sekisho::detect
