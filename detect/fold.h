// Brings a cell of text to one form, so that the same value written in
// different ways is the same value: NFKC and what it misses.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "detect/utf8.h"

namespace sekisho::detect {

// Quotes, blanks and marks that stand around values, never in them.
inline constexpr auto kOuter = [] {
  std::array<bool, 256> table{};
  for (char c : {' ', '\t', '"', '\'', '=', '\r', '\n', ';', '`'}) {
    table[static_cast<unsigned char>(c)] = true;
  }
  return table;
}();
inline bool IsOuter(char c) { return kOuter[static_cast<unsigned char>(c)]; }

// Folds `cell` (UTF-8) into `out`: NFKC, variant kanji to the standard form,
// zero-width characters dropped, separated voiced marks joined, look-alikes of
// the hyphen after a digit to '-', wrapping quotes and Excel's ="..." taken
// off, outer spaces trimmed. Returns a view of `out`, or of `cell` itself when
// there is nothing to fold.
std::string_view Fold(std::string_view cell, std::string* out);

// The form of a name in which all its spellings are equal: folded, without
// spaces and 様, katakana for hiragana, lower case; as UTF-16.
struct NameKey {
  std::array<char16_t, 32> units;
  size_t size = 0;      // 0: nothing, or too long for a name
  bool simple = false;  // nothing but letters and spaces went in
  std::string_view bytes() const {
    return {reinterpret_cast<const char*>(units.data()), 2 * size};
  }
};
// `cell` is raw or folded, UTF-8.
NameKey ReadName(std::string_view cell, std::string* scratch);

// Hiragana to katakana, spaces dropped; `folded` is what Fold gave.
void ToKatakana(std::string_view folded, std::string* out);

}  // namespace sekisho::detect
