// The name, address and character tables that make_tables.py builds from
// packaged data. They are linked in: a sandboxed process opens no file.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace sekisho::detect {

// Sets of folded words (fold.h).
enum class WordSet {
  kSurname,
  kGivenName,
  kKanaSurname,
  kKanaGivenName,
  kMunicipality
};

// False positives: one in 100,000 (32-bit hashes).
bool Contains(WordSet set, std::string_view folded_word);

// In use according to Japan Post. `code` is below 10,000,000.
bool IsPostalCode(uint32_t code);

// What folding makes of a BMP code point: nullopt-like flag when unchanged.
struct Folded {
  bool changed = false;
  std::string_view text;
};
Folded FoldCodePoint(uint32_t code_point);

// 0 where the pair means nothing. CP932 with NEC and IBM extensions.
char16_t FromCp932(uint8_t lead, uint8_t trail);
// JIS X 0212, the three-byte plane of EUC-JP; bytes 0xA1..0xFE.
char16_t FromJis0212(uint8_t lead, uint8_t trail);

}  // namespace sekisho::detect
