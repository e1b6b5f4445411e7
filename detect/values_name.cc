// What can be a name, of a person or of an organisation.
#include <algorithm>
#include <array>

#include "detect/characters.h"
#include "detect/fold.h"
#include "detect/tables.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

struct Words {
  std::string_view first;
  std::string_view second;
};

// Two words at the only space; `second` is empty without one.
Words SplitAtSpace(std::string_view text) {
  const size_t space = text.find(' ');
  if (space == std::string_view::npos) {
    return {text, {}};
  }
  std::string_view second = text.substr(space + 1);
  while (!second.empty() && second.front() == ' ') {
    second.remove_prefix(1);
  }
  return {text.substr(0, space), second};
}

template <typename Predicate>
bool All(const Chars& chars, size_t from, size_t to, Predicate predicate) {
  for (size_t i = from; i < to; ++i) {
    if (!predicate(chars.code[i])) {
      return false;
    }
  }
  return to > from;
}

bool PlausibleGivenName(const Chars& chars, size_t from, size_t to) {
  const size_t size = to - from;
  return size >= 1 && ((size <= 3 && All(chars, from, to, IsKanji)) ||
                       (size <= 5 && size >= 2 &&
                        (All(chars, from, to, IsHiragana) ||
                         All(chars, from, to, IsKatakana))) ||
                       (size <= 4 && All(chars, from, to, [](uint32_t cp) {
                          return IsKanji(cp) || IsHiragana(cp) ||
                                 IsKatakana(cp);
                        })));
}

}  // namespace

Match MatchFullName(std::string_view text) {
  if (text.size() < 6 || text.size() > 40 ||
      static_cast<unsigned char>(text[0]) < 0xE3) {
    return Match::kNone;
  }
  const Words words = SplitAtSpace(text);
  if (!words.second.empty()) {
    const Chars first = Cut(words.first);
    const Chars second = Cut(words.second);
    if (!first.fits || !second.fits || first.size > 5 ||
        !All(first, 0, first.size, IsKanji) ||
        !PlausibleGivenName(second, 0, second.size)) {
      return Match::kNone;
    }
    const bool knows_surname = Contains(WordSet::kSurname, words.first);
    const bool knows_given = Contains(WordSet::kGivenName, words.second);
    return knows_surname && knows_given ? Match::kStrong : Match::kWeak;
  }
  const Chars chars = Cut(text);
  if (!chars.fits || chars.size < 2 || chars.size > 8) {
    return Match::kNone;
  }
  Match best = Match::kNone;
  for (size_t cut = 1; cut < chars.size && cut <= 5; ++cut) {
    if (!IsKanji(chars.code[cut - 1])) {
      break;
    }
    if (!PlausibleGivenName(chars, cut, chars.size)) {
      continue;
    }
    const bool knows_surname =
        Contains(WordSet::kSurname, text.substr(0, chars.offset[cut]));
    const bool knows_given =
        Contains(WordSet::kGivenName, text.substr(chars.offset[cut]));
    if (knows_surname && knows_given) {
      return Match::kStrong;
    }
    // A given name of one character ends many a word.
    if (knows_surname || (knows_given && chars.size - cut >= 2)) {
      best = Match::kWeak;
    }
  }
  return best;
}

bool IsSurname(std::string_view text) {
  return text.size() >= 3 && text.size() <= 18 &&
         Contains(WordSet::kSurname, text);
}

bool IsGivenName(std::string_view text) {
  return text.size() >= 3 && text.size() <= 18 &&
         Contains(WordSet::kGivenName, text);
}

Match MatchKanaName(std::string_view text) {
  if (text.size() < 6 || text.size() > 60) {
    return Match::kNone;
  }
  const Words words = SplitAtSpace(text);
  for (std::string_view word : {words.first, words.second}) {
    for (size_t at = 0; at < word.size();) {
      const uint32_t cp = NextCodePoint(word, &at);
      if (!IsKatakana(cp) && !IsHiragana(cp)) {
        return Match::kNone;
      }
    }
  }
  std::string first;
  std::string second;
  ToKatakana(words.first, &first);
  if (!words.second.empty()) {
    ToKatakana(words.second, &second);
    const bool knows_surname = Contains(WordSet::kKanaSurname, first);
    const bool knows_given = Contains(WordSet::kKanaGivenName, second);
    return knows_surname && knows_given ? Match::kStrong : Match::kWeak;
  }
  const Chars chars = Cut(first);
  if (!chars.fits || chars.size < 3 || chars.size > 12) {
    return Match::kNone;
  }
  for (size_t cut = 1; cut < chars.size; ++cut) {
    const std::string_view whole = first;
    if (Contains(WordSet::kKanaSurname, whole.substr(0, chars.offset[cut])) &&
        Contains(WordSet::kKanaGivenName, whole.substr(chars.offset[cut]))) {
      return Match::kStrong;
    }
  }
  return Match::kNone;
}

bool IsKana(std::string_view text) {
  if (text.size() < 3 || text.size() > 60) {
    return false;
  }
  for (size_t at = 0; at < text.size();) {
    const uint32_t cp = NextCodePoint(text, &at);
    if (!IsKatakana(cp) && !IsHiragana(cp) && cp != ' ' &&
        cp != 0x30FB /* ・ */) {
      return false;
    }
  }
  return true;
}

bool IsRomanName(std::string_view text) {
  if (text.size() < 5 || text.size() > 40) {
    return false;
  }
  int words = 0;
  bool in_word = false;
  for (char c : text) {
    if (IsAlpha(c)) {
      if (!in_word) {
        if (!IsUpper(c)) {
          return false;
        }
        ++words;
      }
      in_word = true;
    } else if (c == ' ' || c == ',') {
      in_word = false;
    } else if (c != '.' && c != '-' && c != '\'') {
      return false;
    }
  }
  return words == 2 || words == 3;
}

namespace {
// Lower case, long vowels short (Ohno, Satou, Yuuki: ono, sato, yuki), as
// make_tables.py wrote the words.
bool KnowsRoman(WordSet set, std::string_view word) {
  std::array<char, 24> plain;
  size_t size = 0;
  if (word.size() < 2 || word.size() > plain.size()) {
    return false;
  }
  for (char c : word) {
    const char lower = Lower(c);
    const char before = size > 0 ? plain[size - 1] : '\0';
    const bool vowel =
        std::string_view("aiueo").find(lower) != std::string_view::npos;
    if ((before == 'o' && (lower == 'u' || lower == 'o')) ||
        (before == 'u' && lower == 'u') || c == '\'' || c == '-') {
      continue;
    }
    if (size >= 2 && before == 'h' && plain[size - 2] == 'o' && !vowel) {
      --size;  // Ohno
    }
    plain[size++] = lower;
  }
  if (size >= 2 && plain[size - 1] == 'h' && plain[size - 2] == 'o') {
    --size;  // Satoh
  }
  return Contains(set, {plain.data(), size});
}
}  // namespace

bool IsRomanSurname(std::string_view word) {
  return KnowsRoman(WordSet::kRomanSurname, word);
}
bool IsRomanGivenName(std::string_view word) {
  return KnowsRoman(WordSet::kRomanGivenName, word);
}

bool CouldBeName(std::string_view text) {
  static constexpr std::array<std::string_view, 10> kNotNames = {
      "合計", "小計",   "総計", "以上", "該当なし",
      "なし", "未登録", "不明", "氏名", "計"};
  if (text.size() < 2 || text.size() > 60 ||
      std::find(kNotNames.begin(), kNotNames.end(), text) != kNotNames.end()) {
    return false;
  }
  size_t letters = 0;
  for (size_t at = 0; at < text.size();) {
    const uint32_t cp = NextCodePoint(text, &at);
    if (cp < 0x80) {
      const char c = static_cast<char>(cp);
      if (!IsAlpha(c) && c != ' ' && c != '.' && c != '-' && c != '\'' &&
          c != ',' && c != '(' && c != ')') {
        return false;
      }
      letters += IsAlpha(c) ? 1u : 0u;
    } else if (cp == 0x3002 || cp == 0x3001 || cp == 0xFFFD) {
      return false;  // a sentence, or rubble
    } else {
      ++letters;
    }
  }
  return letters >= 2 && letters <= 24;
}

bool IsOrganisation(std::string_view text) {
  static constexpr std::array<std::string_view, 20> kWords = {
      "株式会社", "有限会社",     "合同会社", "合資会社", "(株)",
      "(有)",     "財団法人",     "社団法人", "医療法人", "学校法人",
      "宗教法人", "社会福祉法人", "協同組合", "事務所",   "営業所",
      "支店",     "株)",          "法人",     "Inc.",     "Co., Ltd"};
  return std::any_of(kWords.begin(), kWords.end(), [&](std::string_view word) {
    return text.find(word) != std::string_view::npos;
  });
}

Match MatchRomanName(std::string_view text) {
  if (!IsRomanName(text)) {
    return Match::kNone;
  }
  std::array<std::string_view, 2> words;
  size_t count = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t start = at;
    while (at < text.size() && text[at] != ' ' && text[at] != ',') {
      ++at;
    }
    if (at > start) {
      if (count == words.size()) {
        return Match::kWeak;
      }
      words[count++] = text.substr(start, at - start);
    }
    ++at;
  }
  if (count < 2) {
    return Match::kWeak;
  }
  const auto known = [](std::string_view surname, std::string_view given) {
    return IsRomanSurname(surname) && IsRomanGivenName(given);
  };
  return known(words[0], words[1]) || known(words[1], words[0]) ? Match::kStrong
                                                                : Match::kWeak;
}

}  // namespace sekisho::detect
