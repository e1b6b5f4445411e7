#include "detect/fold.h"

#include "detect/tables.h"

namespace sekisho::detect {
namespace {

bool IsOuter(char c) {
  return c == ' ' || c == '\t' || c == '"' || c == '\'' || c == '=' ||
         c == '\r' || c == '\n' || c == ';' || c == '`';
}

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

uint32_t NextCodePoint(std::string_view text, size_t* at) {
  const auto byte = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const size_t i = *at;
  const uint32_t lead = byte(i);
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

void AppendCodePoint(uint32_t cp, std::string* out) {
  const auto put = [&](uint32_t byte) {
    out->push_back(static_cast<char>(static_cast<unsigned char>(byte)));
  };
  if (cp < 0x80) {
    put(cp);
  } else if (cp < 0x800) {
    put(0xC0 | cp >> 6);
    put(0x80 | (cp & 0x3F));
  } else if (cp < 0x10000) {
    put(0xE0 | cp >> 12);
    put(0x80 | (cp >> 6 & 0x3F));
    put(0x80 | (cp & 0x3F));
  } else {
    put(0xF0 | cp >> 18);
    put(0x80 | (cp >> 12 & 0x3F));
    put(0x80 | (cp >> 6 & 0x3F));
    put(0x80 | (cp & 0x3F));
  }
}

std::string_view Fold(std::string_view cell, std::string* out) {
  cell = TrimOuter(cell);
  // Whole runs are copied: most characters stay what they are.
  size_t copied = 0;
  bool changed = false;
  for (size_t at = 0; at < cell.size();) {
    if (static_cast<signed char>(cell[at]) >= 0) {
      ++at;
      continue;
    }
    const size_t start = at;
    const uint32_t cp = NextCodePoint(cell, &at);
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

}  // namespace sekisho::detect
