// Characters, for the files that implement values.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "detect/utf8.h"

namespace sekisho::detect {

inline bool IsDigit(char c) { return c >= '0' && c <= '9'; }
inline bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
inline bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
inline bool IsAlpha(char c) { return IsUpper(c) || IsLower(c); }
inline char Lower(char c) { return IsUpper(c) ? static_cast<char>(c + 32) : c; }
inline unsigned Value(char c) { return static_cast<unsigned>(c - '0'); }

inline bool AllDigits(std::string_view text) {
  return std::all_of(text.begin(), text.end(), IsDigit);
}

inline bool IsKanji(uint32_t cp) {
  return (cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0x3400 && cp <= 0x4DBF) ||
         cp == 0x3005 /* 々 */ || cp == 0x3006 /* 〆 */ ||
         cp == 0x30F6 /* ヶ */ || (cp >= 0x20000 && cp <= 0x3FFFF) ||
         (cp >= 0xF900 && cp <= 0xFAFF);
}
inline bool IsKatakana(uint32_t cp) {
  return (cp >= 0x30A1 && cp <= 0x30FA) || cp == 0x30FC;
}
inline bool IsHiragana(uint32_t cp) { return cp >= 0x3041 && cp <= 0x3096; }

// A short text cut into code points, with the byte offset of each.
struct Chars {
  static constexpr size_t kMax = 16;
  std::array<uint32_t, kMax> code{};
  std::array<uint8_t, kMax + 1> offset{};
  size_t size = 0;
  bool fits = false;
};

inline Chars Cut(std::string_view text) {
  Chars chars;
  if (text.size() > 4 * Chars::kMax) {
    return chars;
  }
  size_t at = 0;
  while (at < text.size()) {
    if (chars.size == Chars::kMax) {
      return chars;
    }
    chars.offset[chars.size] = static_cast<uint8_t>(at);
    chars.code[chars.size++] = NextCodePoint(text, &at);
  }
  chars.offset[chars.size] = static_cast<uint8_t>(at);
  chars.fits = true;
  return chars;
}

}  // namespace sekisho::detect
