// The name, address and character tables that make_tables.py builds from
// packaged data. They are linked in: a sandboxed process opens no file.
#pragma once

#include <cstddef>
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
  kMunicipality,
  kRomanSurname,  // as KnowsRoman of values_name.cc brings them to one form
  kRomanGivenName,
  kNameReading,  // "佐藤\tサトウ"
  kAreaPlace,    // "100東京都", "100千代田区": three digits of a postal code
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

// False: Fold leaves the BMP code point as it is, wherever it stands.
bool NeedsFolding(uint32_t code_point);

// The UTF-16 unit that stands for a BMP code point in a name's normal form:
// folded, katakana for hiragana, lower case. 0: dropped.
inline constexpr uint16_t kNotSimple = 0xFFFF;  // ask Fold
uint16_t NameUnit(uint32_t code_point);

// 0 where the pair means nothing. CP932 with NEC and IBM extensions.
char16_t FromCp932(uint8_t lead, uint8_t trail);
// The same as a table: two bytes a cell, kCp932Trails cells for each lead byte
// from kCp932FirstLead to 0xFC, the first for the trail byte kCp932FirstTrail.
inline constexpr uint8_t kCp932FirstLead = 0x81;
inline constexpr uint8_t kCp932FirstTrail = 0x40;
inline constexpr size_t kCp932Trails = 0xFD - 0x40;
const unsigned char* Cp932Cells();
// JIS X 0212, the three-byte plane of EUC-JP; bytes 0xA1..0xFE.
char16_t FromJis0212(uint8_t lead, uint8_t trail);

}  // namespace sekisho::detect
