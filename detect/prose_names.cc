#include "detect/prose_names.h"

#include <algorithm>
#include <array>

#include "detect/characters.h"
#include "detect/headers.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

constexpr size_t kMaxNameKanji = 6;
constexpr std::array<std::string_view, 6> kHonorifics = {"様",   "氏",   "殿",
                                                         "さん", "さま", "君"};
// Kanji before 様 and the like that are no name.
constexpr std::array<std::string_view, 14> kNotNames = {
    "皆", "各",   "客",   "貴",     "御社", "弊社",   "神",
    "王", "先方", "同様", "関係者", "仕",   "担当者", "代理店"};
// Words that a name follows without a gap.
constexpr std::array<std::string_view, 10> kTitles = {
    "契約者", "担当者", "申込者", "利用者", "加入者",
    "担当",   "会員",   "顧客",   "患者",   "氏名"};

// A run of kanji in the line.
struct Run {
  size_t begin = 0;
  size_t end = 0;
  size_t kanji = 0;
};

// The run at or after `at`; empty at the end of the line.
Run NextRun(std::string_view line, size_t at) {
  Run run;
  while (at < line.size()) {
    const size_t start = at;
    const uint32_t cp = NextCodePoint(line, &at);
    if (IsKanji(cp)) {
      run.begin = run.kanji == 0 ? start : run.begin;
      run.end = at;
      ++run.kanji;
    } else if (run.kanji > 0) {
      break;
    }
  }
  return run;
}

size_t Characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Up to four kana at the start of `text`: a given name like さくら.
std::string_view KanaGiven(std::string_view text) {
  std::string_view best;
  size_t at = 0;
  for (size_t count = 1; at < text.size() && count <= 4; ++count) {
    const uint32_t cp = NextCodePoint(text, &at);
    if (!IsHiragana(cp) && !IsKatakana(cp)) {
      break;
    }
    if (count >= 2 && IsGivenName(text.substr(0, at))) {
      best = text.substr(0, at);
    }
  }
  return best;
}

// What stands right before a run: "契約者は", "氏名:", "担当の".
bool IsPointedAt(std::string_view before) {
  for (std::string_view particle : {"は", "の", ":", "が"}) {
    if (before.ends_with(particle)) {
      before.remove_suffix(particle.size());
      size_t begin = before.size();
      while (begin > 0 && before.size() - begin < 18 &&
             static_cast<unsigned char>(before[begin - 1]) >= 0x80) {
        --begin;
      }
      for (std::string_view word = before.substr(begin); word.size() >= 6;
           word.remove_prefix(3)) {
        if (HintOf(word) == HeaderHint::kFullName) {
          return true;
        }
      }
      return false;
    }
  }
  return false;
}

// 山田町店, 田中課: a shop or an office.
bool EndsLikeAPlace(std::string_view text) {
  constexpr std::array<std::string_view, 20> kEnds = {
      "店", "部", "課", "局", "社", "駅", "室", "係", "院", "所",
      "会", "組", "町", "市", "区", "県", "校", "園", "館", "号"};
  return std::any_of(kEnds.begin(), kEnds.end(),
                     [&](std::string_view end) { return text.ends_with(end); });
}

// The word that `line` has from `begin` on goes on behind `end` and ends soon,
// like a place: 東洋の沢店.
bool IsPartOfAPlace(std::string_view line, size_t begin, size_t end) {
  constexpr size_t kMaxMore = 6;
  size_t at = end;
  for (size_t more = 0; at < line.size() && more <= kMaxMore; ++more) {
    size_t next = at;
    const uint32_t cp = NextCodePoint(line, &next);
    if (!IsKanji(cp) && !IsHiragana(cp) && !IsKatakana(cp) &&
        (cp < '0' || cp > '9')) {
      break;
    }
    at = next;
  }
  return at > end && EndsLikeAPlace(line.substr(begin, at - begin));
}

// What stands behind a name is the number of a house: 町綱子4-2. A phone number
// begins with 0, an age ends with 歳.
bool IsBeforeAHouse(std::string_view behind) {
  if (behind.empty() || behind[0] < '1' || behind[0] > '9') {
    return false;
  }
  behind.remove_prefix(
      std::min(behind.find_first_not_of("0123456789"), behind.size()));
  return !behind.starts_with("歳") && !behind.starts_with("才");
}

constexpr int kUnsure = 1;

class NameFinder {
 public:
  explicit NameFinder(std::string_view line) : line_(line) {}

  FoundName Find() {
    for (Run run = NextRun(line_, 0); run.kanji > 0;
         run = NextRun(line_, run.end)) {
      if (run.kanji <= 2 * kMaxNameKanji) {
        Weigh(run);
      }
    }
    return best_;
  }

 private:
  void Weigh(Run run) {
    std::string_view text = line_.substr(run.begin, run.end - run.begin);
    bool pointed = IsPointedAt(line_.substr(0, run.begin));
    for (std::string_view title : kTitles) {
      if (text.size() > title.size() + 3 && text.starts_with(title)) {
        text.remove_prefix(title.size());
        pointed = true;
        break;
      }
    }
    std::string_view behind = line_.substr(run.end);
    const bool honorific = TakeHonorific(&text, behind);
    if (text.empty() || std::find(kNotNames.begin(), kNotNames.end(), text) !=
                            kNotNames.end()) {
      return;
    }
    pointed |= honorific;
    if (!honorific && behind.starts_with(' ')) {
      if (WeighPair(text, behind.substr(1), pointed)) {
        return;
      }
    }
    if (IsSurname(text)) {
      if (const std::string_view kana = KanaGiven(behind); !kana.empty()) {
        Offer(4, {text, kana, true});
        return;
      }
    }
    const size_t size = Characters(text);
    if (size < 2 || size > kMaxNameKanji) {
      return;
    }
    if (!pointed &&
        (IsPartOfAPlace(line_, run.begin, run.end) || IsBeforeAHouse(behind))) {
      return;
    }
    const Match match = MatchFullName(text);
    const bool is_word = HintOf(text) != HeaderHint::kNone;
    if (match == Match::kStrong) {
      Offer(pointed ? 5 : 4, {text, {}, true});
    } else if (pointed && !is_word) {
      Offer(match == Match::kWeak || IsSurname(text) ? 3 : 2, {text, {}, true});
    } else if (match == Match::kWeak && !is_word && size >= 3) {
      if (!EndsLikeAPlace(text)) {
        Offer(kUnsure, {text, {}, false});
      }
    }
  }

  // "山田 花子", also before "様".
  bool WeighPair(std::string_view surname, std::string_view rest,
                 bool pointed) {
    const Run next = NextRun(rest, 0);
    std::string_view given = next.kanji > 0 && next.begin == 0
                                 ? rest.substr(0, next.end)
                                 : KanaGiven(rest);
    pointed |= TakeHonorific(&given, rest.substr(given.size()));
    if (given.empty() || Characters(given) > 4 || Characters(surname) > 5) {
      return false;
    }
    const bool knows_surname = IsSurname(surname);
    const bool knows_given = IsGivenName(given);
    if (knows_surname && knows_given) {
      Offer(pointed ? 5 : 4, {surname, given, true});
    } else if (pointed || knows_surname || knows_given) {
      Offer(pointed ? 3 : 2, {surname, given, true});
    }
    return knows_surname || knows_given || pointed;
  }

  // At the end of the kanji or in the kana behind them.
  static bool TakeHonorific(std::string_view* text, std::string_view behind) {
    for (std::string_view word : kHonorifics) {
      if (text->ends_with(word)) {
        text->remove_suffix(word.size());
        return true;
      }
      if (behind.starts_with(word) ||
          behind.starts_with(" " + std::string(word))) {
        return true;
      }
    }
    return false;
  }

  void Offer(int weight, FoundName name) {
    if (weight > weight_) {
      weight_ = weight;
      best_ = name;
      best_.sure = weight > kUnsure;
    }
  }

  std::string_view line_;
  FoundName best_;
  int weight_ = 0;
};

bool IsWordChar(char c) { return IsAlpha(c) || c == '\'' || c == '-'; }

char LowerOf(char c) { return Lower(c); }

// Every part of a name in the address before the '@' is proof enough.
bool IsInEmail(std::string_view word, std::string_view line) {
  const size_t at = line.find('@');
  if (at == std::string_view::npos || word.size() < 2) {
    return false;
  }
  const std::string_view local =
      line.substr(at - std::min<size_t>(at, 40), std::min<size_t>(at, 40));
  return std::search(local.begin(), local.end(), word.begin(), word.end(),
                     [](char a, char b) { return LowerOf(a) == LowerOf(b); }) !=
         local.end();
}

// "Taro Yamada <taro@...>", as in mail headers and AUTHORS.
FoundName BeforeAngle(std::string_view line) {
  const size_t angle = line.find('<');
  if (angle == std::string_view::npos ||
      line.find('@', angle) == std::string_view::npos) {
    return {};
  }
  std::string_view before = line.substr(0, angle);
  while (!before.empty() && (before.back() == ' ' || before.back() == '"')) {
    before.remove_suffix(1);
  }
  const size_t start = before.find_last_of(":;,\"");
  if (start != std::string_view::npos) {
    before.remove_prefix(start + 1);
  }
  while (!before.empty() && !IsAlpha(before.front()) &&
         static_cast<signed char>(before.front()) >= 0) {
    before.remove_prefix(1);
  }
  if (IsRomanName(before) || MatchFullName(before) != Match::kNone) {
    return {before, {}, true};
  }
  return {};
}

// Two capitalised words in a row that the dictionary or an address knows.
FoundName RomanPair(std::string_view line) {
  std::string_view previous;
  for (size_t at = 0; at < line.size();) {
    while (at < line.size() && !IsWordChar(line[at])) {
      previous = line[at] == ' ' ? previous : std::string_view();
      ++at;
    }
    const size_t begin = at;
    while (at < line.size() && IsWordChar(line[at])) {
      ++at;
    }
    const std::string_view word = line.substr(begin, at - begin);
    if (word.size() < 2 || !IsUpper(word[0])) {
      previous = {};
      continue;
    }
    const bool adjacent = !previous.empty() &&
                          previous.data() + previous.size() + 1 == word.data();
    const bool known =
        adjacent && ((IsRomanSurname(previous) && IsRomanGivenName(word)) ||
                     (IsRomanGivenName(previous) && IsRomanSurname(word)) ||
                     (IsInEmail(previous, line) && IsInEmail(word, line)));
    if (known) {
      return {previous, word, true};
    }
    previous = word;
  }
  return {};
}

}  // namespace

FoundName FindNameIn(std::string_view line) {
  FoundName found = BeforeAngle(line);
  if (found.first.empty() && !IsAllAscii(line)) {
    found = NameFinder(line).Find();
  }
  return found.first.empty() ? RomanPair(line) : found;
}

}  // namespace sekisho::detect
