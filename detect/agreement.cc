#include "detect/agreement.h"

#include <array>
#include <cstdio>
#include <string>
#include <vector>

#include "detect/characters.h"
#include "detect/fold.h"
#include "detect/tables.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMaxSurname = 5;  // kanji

bool KnowsPart(std::string_view part) {
  return IsSurname(part) || IsGivenName(part);
}

bool IsReading(std::string_view part, std::string_view kana) {
  std::array<char, 96> pair;
  if (part.size() + kana.size() + 1 > pair.size()) {
    return false;
  }
  char* end = std::copy(part.begin(), part.end(), pair.begin());
  *end++ = '\t';
  end = std::copy(kana.begin(), kana.end(), end);
  return Contains(WordSet::kNameReading,
                  {pair.data(), static_cast<size_t>(end - pair.data())});
}

std::string WithoutSpaces(std::string_view text) {
  std::string out(text);
  std::erase(out, ' ');
  return out;
}

// The name cut behind its `cut`th character: does some beginning of the kana
// read the first part, and what is left the second?
Agreement ReadsCut(const Chars& kana, std::string_view all_kana,
                   std::string_view surname, std::string_view given) {
  if (!KnowsPart(surname)) {
    return Agreement::kUnknown;
  }
  const bool knows_given = KnowsPart(given);
  for (size_t at = 1; at < kana.size; ++at) {
    const std::string_view first = all_kana.substr(0, kana.offset[at]);
    const std::string_view rest = all_kana.substr(kana.offset[at]);
    // A given name that no dictionary has is read as its parents liked.
    if (IsReading(surname, first) && (!knows_given || IsReading(given, rest))) {
      return Agreement::kAgrees;
    }
  }
  return knows_given ? Agreement::kDiffers : Agreement::kUnknown;
}

void Add(Agreement agreement, Column* a, Column* b) {
  if (agreement == Agreement::kUnknown) {
    return;
  }
  for (Column* column : {a, b}) {
    ++column->compared;
    column->agreed += agreement == Agreement::kAgrees ? 1 : 0;
  }
}

using Compare = Agreement (*)(std::string_view, std::string_view);

Agreement CompareArea(std::string_view postal, std::string_view address) {
  return LiesInArea(ParsePostal(postal), address);
}

struct Pair {
  size_t first;
  size_t second;
  Compare compare;
};

// The n-th kana column reads the n-th name column; a code stands beside its
// address.
std::vector<Pair> Counterparts(std::span<const Column> columns) {
  std::vector<size_t> names;
  std::vector<size_t> kana;
  std::vector<size_t> codes;
  std::vector<size_t> addresses;
  for (size_t c = 0; c < columns.size(); ++c) {
    switch (columns[c].role) {
      case Role::kFullName:
      case Role::kSurname:
      case Role::kGivenName:
        names.push_back(c);
        break;
      case Role::kKana:
        kana.push_back(c);
        break;
      case Role::kPostal:
        codes.push_back(c);
        break;
      case Role::kAddress:
      case Role::kAddressPart:
        addresses.push_back(c);
        break;
      default:
        break;
    }
  }
  std::vector<Pair> pairs;
  for (size_t i = 0; i < names.size() && i < kana.size(); ++i) {
    const bool whole = columns[names[i]].role == Role::kFullName;
    pairs.push_back({kana[i], names[i], whole ? &ReadsName : &ReadsPart});
  }
  for (const size_t code : codes) {
    // The first part of an address that is split, behind the code or before.
    for (const size_t address : addresses) {
      if (address > code || address == addresses.back()) {
        pairs.push_back({code, address, &CompareArea});
        break;
      }
    }
  }
  return pairs;
}

}  // namespace

Agreement ReadsPart(std::string_view kana, std::string_view part) {
  if (!KnowsPart(part)) {
    return Agreement::kUnknown;
  }
  std::string katakana;
  ToKatakana(kana, &katakana);
  return IsReading(part, katakana) ? Agreement::kAgrees : Agreement::kDiffers;
}

Agreement ReadsName(std::string_view kana, std::string_view name) {
  std::string katakana;
  ToKatakana(kana, &katakana);  // and no spaces
  const Chars sounds = Cut(katakana);
  if (!sounds.fits || sounds.size < 2) {
    return Agreement::kUnknown;
  }
  if (const size_t space = name.find(' '); space != std::string_view::npos) {
    return ReadsCut(sounds, katakana, name.substr(0, space),
                    WithoutSpaces(name.substr(space)));
  }
  const Chars chars = Cut(name);
  Agreement best = Agreement::kUnknown;
  for (size_t cut = 1; chars.fits && cut < chars.size && cut <= kMaxSurname;
       ++cut) {
    const Agreement found =
        ReadsCut(sounds, katakana, name.substr(0, chars.offset[cut]),
                 name.substr(chars.offset[cut]));
    if (found == Agreement::kAgrees) {
      return found;
    }
    best = found == Agreement::kDiffers ? found : best;
  }
  return best;
}

Agreement LiesInArea(const Postal& postal, std::string_view address) {
  const Chars chars = Cut(address.substr(0, 48));
  if (!postal.in_use || chars.size < 2) {
    return Agreement::kUnknown;
  }
  char area[8];
  std::snprintf(area, sizeof area, "%03u", postal.code / 10000);
  std::string key;
  const auto lies = [&](size_t characters) {
    key.assign(area);
    key += address.substr(0, chars.offset[characters]);
    return Contains(WordSet::kAreaPlace, key);
  };
  // 都道府県 is the third character, or the fourth.
  for (size_t end = 3; end <= 4 && end < chars.size; ++end) {
    const uint32_t last = chars.code[end - 1];
    if (last == 0x90FD || last == 0x9053 || last == 0x5E9C || last == 0x770C) {
      return lies(end) ? Agreement::kAgrees : Agreement::kDiffers;
    }
  }
  bool known = false;
  for (size_t end = 2; end < chars.size && end <= 12; ++end) {
    if (lies(end)) {
      return Agreement::kAgrees;
    }
    known |=
        Contains(WordSet::kMunicipality, address.substr(0, chars.offset[end]));
  }
  return known ? Agreement::kDiffers : Agreement::kUnknown;
}

void CompareColumns(const Rows& rows, size_t step, std::span<Column> columns) {
  std::string first_buffer;
  std::string second_buffer;
  for (const Pair& pair : Counterparts(columns)) {
    Column* first = &columns[pair.first];
    Column* second = &columns[pair.second];
    first->counterpart = static_cast<int>(pair.second);
    second->counterpart = static_cast<int>(pair.first);
    for (size_t row = 0; row < rows.size(); row += step) {
      const std::string_view a =
          Fold(rows.Cell(row, pair.first), &first_buffer);
      const std::string_view b =
          Fold(rows.Cell(row, pair.second), &second_buffer);
      if (!a.empty() && !b.empty()) {
        Add(pair.compare(a, b), first, second);
      }
    }
  }
}

}  // namespace sekisho::detect
