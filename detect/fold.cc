#include "detect/fold.h"

#include <cstring>

#include "detect/tables.h"

namespace sekisho::detect {
namespace {

// Quotes, Excel's = and its leading apostrophe, line ends, and the brackets of
// a SQL tuple stand around values, never in them. A bracket is taken only where
// it has no partner in the cell.
std::string_view TrimOuter(std::string_view cell) {
  while (!cell.empty()) {
    const char first = cell.front();
    const char last = cell.back();
    if (IsOuter(first) ||
        (first == '(' && cell.find(')') == std::string_view::npos)) {
      cell.remove_prefix(1);
    } else if (IsOuter(last) ||
               (last == ')' && cell.find('(') == std::string_view::npos)) {
      cell.remove_suffix(1);
    } else {
      break;
    }
  }
  return cell;
}

// What people type for '-' that NFKC does not turn into it: hyphens and dashes,
// minus, box drawing, and the kana length mark.
bool LooksLikeHyphen(uint32_t cp) {
  return (cp >= 0x2010 && cp <= 0x2015) || cp == 0x2212 || cp == 0x30FC ||
         cp == 0x2500 || cp == 0x2501 || cp == 0xFE63 || cp == 0xFF0D ||
         cp == 0xFF70 || cp == 0x207B || cp == 0x02D7;
}

// Supplementary-plane kanji that stand in Japanese family names.
uint32_t FoldSupplementary(uint32_t cp) {
  switch (cp) {
    case 0x20BB7:  // 𠮷
      return 0x5409;
    case 0x2123D:  // 𡈽
      return 0x571F;
    case 0x2000B:  // 𠀋
      return 0x4E08;
    default:
      return cp;
  }
}

// Joins a voiced or semi-voiced mark to the kana at the end of `out`.
bool JoinMark(uint32_t mark, std::string* out) {
  if (out->size() < 3) {
    return false;
  }
  size_t at = out->size() - 3;
  uint32_t base = NextCodePoint(*out, &at);
  const uint32_t shift = base >= 0x30A0 ? 0x60 : 0;
  const uint32_t hira = base - shift;
  uint32_t joined = 0;
  const bool is_ka_to_to = hira >= 0x304B && hira <= 0x3069;
  const bool is_ha =
      hira >= 0x306F && hira <= 0x307D && (hira - 0x306F) % 3 == 0;
  if (mark == 0x3099) {
    if (is_ha) {
      joined = base + 1;
    } else if (is_ka_to_to &&
               (hira <= 0x3062 ? hira % 2 == 1 : hira % 2 == 0)) {
      joined = base + 1;
    } else if (base == 0x30A6) {
      joined = 0x30F4;
    }
  } else if (is_ha) {
    joined = base + 2;
  }
  if (joined == 0) {
    return false;
  }
  out->resize(out->size() - 3);
  AppendCodePoint(joined, out);
  return true;
}

void AppendFolded(uint32_t cp, std::string* out) {
  const bool after_digit =
      !out->empty() &&
      ((out->back() >= '0' && out->back() <= '9') || out->back() == ')');
  if (after_digit && LooksLikeHyphen(cp)) {
    out->push_back('-');
    return;
  }
  const Folded folded = FoldCodePoint(cp);
  if (!folded.changed) {
    if ((cp == 0x3099 || cp == 0x309A) && JoinMark(cp, out)) {
      return;
    }
    AppendCodePoint(FoldSupplementary(cp), out);
    return;
  }
  for (size_t at = 0; at < folded.text.size();) {
    const uint32_t part = NextCodePoint(folded.text, &at);
    if ((part != 0x3099 && part != 0x309A) || !JoinMark(part, out)) {
      AppendCodePoint(part, out);
    }
  }
}

}  // namespace

std::string_view Fold(std::string_view cell, std::string* out) {
  cell = TrimOuter(cell);
  // Whole runs are copied: most characters stay what they are.
  const auto ascii_end = [&](size_t at) {
    uint64_t word;
    while (at + 8 <= cell.size() && (std::memcpy(&word, cell.data() + at, 8),
                                     (word & 0x8080808080808080) == 0)) {
      at += 8;
    }
    while (at < cell.size() && static_cast<signed char>(cell[at]) >= 0) {
      ++at;
    }
    return at;
  };
  size_t copied = 0;
  bool changed = false;
  for (size_t at = 0; at < cell.size();) {
    if (static_cast<signed char>(cell[at]) >= 0) {
      at = ascii_end(at);
      continue;
    }
    const size_t start = at;
    const uint32_t cp = NextCodePoint(cell, &at);
    if (cp < 0x10000 && !NeedsFolding(cp)) {
      continue;
    }
    char before = '\0';
    if (start > copied) {
      before = cell[start - 1];
    } else if (changed && !out->empty()) {
      before = out->back();
    }
    const bool after_digit = (before >= '0' && before <= '9') || before == ')';
    const bool stays = cp < 0x10000 && !FoldCodePoint(cp).changed &&
                       !(after_digit && LooksLikeHyphen(cp)) && cp != 0x3099 &&
                       cp != 0x309A && cp != 0xFFFD;
    if (stays) {
      continue;
    }
    if (!changed) {
      out->clear();
      changed = true;
    }
    out->append(cell.substr(copied, start - copied));
    AppendFolded(cp, out);
    copied = at;
  }
  if (!changed) {
    return cell;
  }
  out->append(cell.substr(copied));
  return TrimOuter(*out);
}

void ToKatakana(std::string_view folded, std::string* out) {
  out->clear();
  size_t copied = 0;
  for (size_t at = 0; at < folded.size();) {
    const size_t start = at;
    const auto lead = static_cast<unsigned char>(folded[at]);
    if (lead != ' ' && lead != 0xE3) {
      ++at;
      continue;
    }
    const uint32_t cp = NextCodePoint(folded, &at);
    const bool is_hiragana = cp >= 0x3041 && cp <= 0x3096;
    if (cp == ' ' || is_hiragana) {
      out->append(folded.substr(copied, start - copied));
      copied = at;
      if (is_hiragana) {
        AppendCodePoint(cp + 0x60, out);
      }
    }
  }
  out->append(folded.substr(copied));
}

namespace {

bool AddUnit(uint32_t cp, NameKey* key) {
  const size_t needed = cp >= 0x10000 ? 2 : 1;
  if (key->size + needed > key->units.size()) {
    return false;
  }
  if (cp >= 0x10000) {
    key->units[key->size++] = static_cast<char16_t>(0xD7C0 + (cp >> 10));
    cp = 0xDC00 | (cp & 0x3FF);
  }
  key->units[key->size++] = static_cast<char16_t>(cp);
  return true;
}

void DropHonorific(NameKey* key) {
  const char16_t last = key->size >= 3 ? key->units[key->size - 1] : u' ';
  key->size -= last == u'様' || last == u'殿' ? 1u : 0u;
}

// The characters that one table look-up does not settle.
NameKey ReadNameSlowly(std::string_view cell, std::string* scratch) {
  NameKey key;
  const std::string_view folded = Fold(cell, scratch);
  for (size_t at = 0; at < folded.size();) {
    const uint32_t cp = NextCodePoint(folded, &at);
    const uint16_t unit = cp < 0x10000 ? NameUnit(cp) : kNotSimple;
    if (unit != 0 && !AddUnit(unit == kNotSimple ? cp : unit, &key)) {
      return {};
    }
  }
  DropHonorific(&key);
  return key;
}

}  // namespace

NameKey ReadName(std::string_view cell, std::string* scratch) {
  NameKey key;
  for (size_t at = 0; at < cell.size();) {
    const uint32_t cp = NextCodePoint(cell, &at);
    const uint16_t unit = cp < 0x10000 ? NameUnit(cp) : kNotSimple;
    if (unit == kNotSimple) {
      return ReadNameSlowly(cell, scratch);
    }
    if (unit == 0) {
      continue;
    }
    if (key.size == key.units.size()) {
      return {};
    }
    key.units[key.size++] = static_cast<char16_t>(unit);
  }
  key.simple = true;
  DropHonorific(&key);
  return key;
}

}  // namespace sekisho::detect
