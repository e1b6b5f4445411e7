#include "detect/tables.h"

#include <array>
#include <cstddef>
#include <cstring>

// The file is made by make_tables.py; its path comes from CMake.
__asm__(
    ".section .rodata.sekisho_tables,\"a\",@progbits\n"
    ".balign 16\n"
    ".global sekisho_detect_tables\n"
    ".hidden sekisho_detect_tables\n"
    "sekisho_detect_tables:\n"
    ".incbin \"" SEKISHO_DETECT_TABLES
    "\"\n"
    ".balign 16\n"
    ".previous\n");

extern "C" {
extern const unsigned char sekisho_detect_tables[];
}

namespace sekisho::detect {
namespace {

enum Section : uint32_t {
  kPostalCodes = 5,
  kFoldPages = 6,
  kFoldCells = 7,
  kFoldPool = 8,
  kCp932 = 9,
  kJis0212 = 10,
  kNameUnits = 13,
  kUnfolded = 14,
};

// Where each WordSet is.
constexpr std::array<uint32_t, 9> kWordSets = {0, 1, 2, 3, 4, 11, 12, 15, 16};

uint32_t Directory(uint32_t section, uint32_t field) {
  uint32_t value;
  std::memcpy(&value, &sekisho_detect_tables[8 + 8 * section + 4 * field],
              sizeof value);
  return value;
}

const unsigned char* Start(uint32_t section) {
  return &sekisho_detect_tables[Directory(section, 0)];
}

uint32_t Size(uint32_t section) { return Directory(section, 1); }

uint16_t Cell16(const unsigned char* table, size_t index) {
  uint16_t value;
  std::memcpy(&value, table + 2 * index, sizeof value);
  return value;
}

}  // namespace

bool Contains(WordSet set, std::string_view folded_word) {
  uint64_t hash = 0xCBF29CE484222325;  // FNV-1a, as in make_tables.py
  for (char c : folded_word) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3;
  }
  uint32_t wanted = static_cast<uint32_t>(hash ^ hash >> 32);
  if (wanted == 0) {
    wanted = 1;
  }
  const uint32_t section = kWordSets[static_cast<size_t>(set)];
  const unsigned char* slots = Start(section);
  const uint32_t mask = Size(section) / 4 - 1;
  for (uint32_t i = wanted & mask;; i = (i + 1) & mask) {
    uint32_t slot;
    std::memcpy(&slot, slots + 4 * size_t{i}, sizeof slot);
    if (slot == wanted) {
      return true;
    }
    if (slot == 0) {
      return false;
    }
  }
}

bool IsPostalCode(uint32_t code) {
  return code < 10'000'000 &&
         (Start(kPostalCodes)[code >> 3] >> (code & 7) & 1) != 0;
}

Folded FoldCodePoint(uint32_t code_point) {
  if (code_point >= 0x10000) {
    return {};
  }
  static const unsigned char* const pages = Start(kFoldPages);
  static const unsigned char* const cells = Start(kFoldCells);
  const unsigned char page = pages[code_point >> 8];
  if (page == 0) {
    return {};
  }
  const uint16_t at = Cell16(cells, size_t{page} * 256 + (code_point & 0xFF));
  if (at == 0) {
    return {};
  }
  const unsigned char* entry = Start(kFoldPool) + at;
  return {true, {reinterpret_cast<const char*>(entry + 1), entry[0]}};
}

bool NeedsFolding(uint32_t code_point) {
  return (Start(kUnfolded)[code_point >> 3] >> (code_point & 7) & 1) != 0;
}

uint16_t NameUnit(uint32_t code_point) {
  return Cell16(Start(kNameUnits), code_point);
}

char16_t FromCp932(uint8_t lead, uint8_t trail) {
  if (lead < 0x81 || lead > 0xFC || trail < 0x40 || trail > 0xFC) {
    return 0;
  }
  return Cell16(Start(kCp932),
                size_t{lead - 0x81u} * (0xFD - 0x40) + (trail - 0x40u));
}

const unsigned char* Cp932Cells() { return Start(kCp932); }

char16_t FromJis0212(uint8_t lead, uint8_t trail) {
  if (lead < 0xA1 || lead > 0xFE || trail < 0xA1 || trail > 0xFE) {
    return 0;
  }
  return Cell16(Start(kJis0212), size_t{lead - 0xA1u} * 94 + (trail - 0xA1u));
}

}  // namespace sekisho::detect
