// Brings a cell of text to one form, so that the same value written in
// different ways is the same value: NFKC and what it misses.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::detect {

// Next code point of `text` from `*at`, which moves on; U+FFFD for a malformed
// byte.
uint32_t NextCodePoint(std::string_view text, size_t* at);
void AppendCodePoint(uint32_t code_point, std::string* out);

// Folds `cell` (UTF-8) into `out`: NFKC, variant kanji to the standard form,
// zero-width characters dropped, separated voiced marks joined, look-alikes of
// the hyphen after a digit to '-', wrapping quotes and Excel's ="..." taken
// off, outer spaces trimmed. Returns a view of `out`, or of `cell` itself when
// there is nothing to fold.
std::string_view Fold(std::string_view cell, std::string* out);

// Hiragana to katakana, spaces dropped; `folded` is what Fold gave.
void ToKatakana(std::string_view folded, std::string* out);

}  // namespace sekisho::detect
