#include "detect/values.h"

#include <algorithm>
#include <array>
#include <span>

#include "detect/fold.h"
#include "detect/tables.h"

namespace sekisho::detect {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsUpper(char c) { return c >= 'A' && c <= 'Z'; }
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsAlpha(char c) { return IsUpper(c) || IsLower(c); }
char Lower(char c) { return IsUpper(c) ? static_cast<char>(c + 32) : c; }
unsigned Value(char c) { return static_cast<unsigned>(c - '0'); }

bool IsKanji(uint32_t cp) {
  return (cp >= 0x4E00 && cp <= 0x9FFF) || (cp >= 0x3400 && cp <= 0x4DBF) ||
         cp == 0x3005 /* 々 */ || cp == 0x3006 /* 〆 */ ||
         cp == 0x30F6 /* ヶ */ || (cp >= 0x20000 && cp <= 0x3FFFF) ||
         (cp >= 0xF900 && cp <= 0xFAFF);
}
bool IsKatakana(uint32_t cp) {
  return (cp >= 0x30A1 && cp <= 0x30FA) || cp == 0x30FC;
}
bool IsHiragana(uint32_t cp) { return cp >= 0x3041 && cp <= 0x3096; }

// A short text cut into code points, with the byte offset of each.
struct Chars {
  static constexpr size_t kMax = 16;
  std::array<uint32_t, kMax> code{};
  std::array<uint8_t, kMax + 1> offset{};
  size_t size = 0;
  bool fits = false;
};

Chars Cut(std::string_view text) {
  Chars chars;
  if (text.size() > 4 * Chars::kMax) {
    return chars;
  }
  size_t at = 0;
  while (at < text.size()) {
    if (chars.size == Chars::kMax) {
      return chars;
    }
    chars.offset[chars.size] = static_cast<uint8_t>(at);
    chars.code[chars.size++] = NextCodePoint(text, &at);
  }
  chars.offset[chars.size] = static_cast<uint8_t>(at);
  chars.fits = true;
  return chars;
}

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

// Lengths of the area code (with the 0) in the numbering plan are 2 to 5; a
// landline number has 10 digits and its second digit is 1-9.
// Source: Ministry of Internal Affairs, 電気通信番号計画 (2019), table 1.
PhoneKind KindOf(std::string_view n) {
  if (n.size() < 10 || n.size() > 11 || n[0] != '0' || n[1] == '0') {
    return PhoneKind::kNone;
  }
  if (n.size() == 11) {
    // 060 joined the mobile numbers in 2024-12; the digit after 0x0 is 1-9.
    if (n[2] == '0' && n[1] >= '6' && n[3] != '0') {
      return PhoneKind::kMobile;
    }
    if (n[2] == '0' && n[1] == '5' && n[3] != '0') {
      return PhoneKind::kIp;
    }
    return n.starts_with("0800") ? PhoneKind::kShared : PhoneKind::kNone;
  }
  if (n.starts_with("0120") || n.starts_with("0570") || n.starts_with("0990") ||
      n.starts_with("0180") || n.starts_with("0170")) {
    return PhoneKind::kShared;
  }
  // 050, 060, 070, 080, 090 have 11 digits.
  if (n[2] == '0' && n[1] >= '5') {
    return PhoneKind::kNone;
  }
  return PhoneKind::kLandline;
}

// Group sizes people write: 3-4-4, 2-4-4, 3-3-4, 4-2-4, 5-1-4, 4-3-3, 4-3-4.
bool GroupsFit(const std::array<uint8_t, 4>& groups, size_t count) {
  if (count == 1) {
    return true;
  }
  if (count == 2) {
    return groups[0] >= 2 && groups[0] <= 7 && groups[1] >= 4;
  }
  return count == 3 && groups[0] >= 2 && groups[0] <= 5 && groups[1] >= 1 &&
         groups[1] <= 4 && groups[2] >= 3 && groups[2] <= 4;
}

bool StartsWithPrefecture(std::string_view text, size_t* end) {
  // All end in 都 道 府 県 at the third or fourth character.
  static constexpr std::array<std::string_view, 47> kPrefectures = {
      "北海道", "青森県",   "岩手県", "宮城県",   "秋田県", "山形県",
      "福島県", "茨城県",   "栃木県", "群馬県",   "埼玉県", "千葉県",
      "東京都", "神奈川県", "新潟県", "富山県",   "石川県", "福井県",
      "山梨県", "長野県",   "岐阜県", "静岡県",   "愛知県", "三重県",
      "滋賀県", "京都府",   "大阪府", "兵庫県",   "奈良県", "和歌山県",
      "鳥取県", "島根県",   "岡山県", "広島県",   "山口県", "徳島県",
      "香川県", "愛媛県",   "高知県", "福岡県",   "佐賀県", "長崎県",
      "熊本県", "大分県",   "宮崎県", "鹿児島県", "沖縄県"};
  const auto ends_at = [&](size_t byte) {
    const std::string_view last = text.substr(std::min(byte, text.size()), 3);
    return last == "県" || last == "都" || last == "府" || last == "道";
  };
  if (!ends_at(6) && !ends_at(9)) {
    return false;
  }
  for (std::string_view name : kPrefectures) {
    // Folding turns 埼 into 崎: both readings are tried.
    if (text.starts_with(name) ||
        (name == "埼玉県" && text.starts_with("崎玉県"))) {
      *end = name.size();
      return true;
    }
  }
  return false;
}

// Length in bytes of the municipality `text` starts with, or 0.
size_t MunicipalityPrefix(std::string_view text) {
  size_t best = 0;
  size_t at = 0;
  for (size_t count = 1; at < text.size() && count <= 12; ++count) {
    const uint32_t cp = NextCodePoint(text, &at);
    const bool is_end = cp == 0x5E02 /* 市 */ || cp == 0x533A /* 区 */ ||
                        cp == 0x753A /* 町 */ || cp == 0x6751 /* 村 */;
    if (cp < 0x80) {
      break;
    }
    if (is_end && count >= 2 &&
        Contains(WordSet::kMunicipality, text.substr(0, at))) {
      best = at;
    }
  }
  return best;
}

struct Era {
  std::string_view kanji;
  std::string_view short_kanji;
  char letter;
  int first_year;
  int last;  // number of its last year
};
// 昭和64 ended on 1989-01-07, 平成31 on 2019-04-30 (政令 of each change).
constexpr std::array<Era, 5> kEras = {{{"明治", "明", 'M', 1868, 45},
                                       {"大正", "大", 'T', 1912, 15},
                                       {"昭和", "昭", 'S', 1926, 64},
                                       {"平成", "平", 'H', 1989, 31},
                                       {"令和", "令", 'R', 2019, 99}}};

const Era* TakeEra(std::string_view* text) {
  for (const Era& era : kEras) {
    for (std::string_view name : {era.kanji, era.short_kanji}) {
      if (text->starts_with(name)) {
        text->remove_prefix(name.size());
        return &era;
      }
    }
    if (text->size() >= 3 && Lower(text->front()) == Lower(era.letter) &&
        (IsDigit((*text)[1]) || (*text)[1] == '.')) {
      text->remove_prefix((*text)[1] == '.' ? 2 : 1);
      return &era;
    }
  }
  return nullptr;
}

int TakeNumber(std::string_view* text, size_t max_digits) {
  int value = 0;
  size_t count = 0;
  while (!text->empty() && IsDigit(text->front()) && count < max_digits) {
    value = value * 10 + static_cast<int>(Value(text->front()));
    text->remove_prefix(1);
    ++count;
  }
  return count == 0 ? -1 : value;
}

bool TakeSeparator(std::string_view* text, std::string_view kanji) {
  while (!text->empty() && text->front() == ' ') {
    text->remove_prefix(1);
  }
  bool found = false;
  if (text->starts_with(kanji)) {
    text->remove_prefix(kanji.size());
    found = true;
  } else if (!text->empty() && (text->front() == '/' || text->front() == '-' ||
                                text->front() == '.')) {
    text->remove_prefix(1);
    found = true;
  }
  while (!text->empty() && text->front() == ' ') {
    text->remove_prefix(1);
  }
  return found;
}

bool IsCalendarDay(int year, int month, int day) {
  constexpr std::array<int, 12> kDays = {31, 29, 31, 30, 31, 30,
                                         31, 31, 30, 31, 30, 31};
  return year >= 1868 && year <= 2100 && month >= 1 && month <= 12 &&
         day >= 1 && day <= kDays[static_cast<size_t>(month - 1)];
}

}  // namespace

Phone ParsePhone(std::string_view text) {
  Phone phone;
  if (text.size() < 9 || text.size() > 24) {
    return phone;
  }
  if (text.starts_with("TEL") || text.starts_with("tel") ||
      text.starts_with("Tel")) {
    text.remove_prefix(3);
    while (!text.empty() &&
           (text[0] == ':' || text[0] == ' ' || text[0] == '.')) {
      text.remove_prefix(1);
    }
  }
  std::array<uint8_t, 4> groups{};
  size_t group = 0;
  if (text.starts_with("+81")) {
    text.remove_prefix(3);
    phone.separated = true;
    while (!text.empty() && (text[0] == '-' || text[0] == ' ')) {
      text.remove_prefix(1);
    }
    if (text.starts_with("(0)")) {
      text.remove_prefix(3);
    }
    if (!text.starts_with('0')) {
      phone.national[phone.size++] = '0';
      groups[0] = 1;
    }
  }
  bool pending = false;
  for (char c : text) {
    if (IsDigit(c)) {
      if (phone.size == 11) {
        return {};
      }
      if (pending && groups[group] > 0) {
        if (++group == groups.size()) {
          return {};
        }
      }
      pending = false;
      phone.national[phone.size++] = c;
      ++groups[group];
    } else if ((c == '-' || c == '(' || c == ')' || c == ' ' || c == '.') &&
               !(pending && c == '-')) {
      pending = true;
      phone.separated = true;
    } else {
      return {};
    }
  }
  phone.kind = KindOf(phone.digits());
  if (phone.kind != PhoneKind::kNone && !GroupsFit(groups, group + 1)) {
    phone.kind = PhoneKind::kNone;
  }
  return phone;
}

// The part of RFC 5322's addr-spec that people have: dot-atom on both sides, a
// top-level domain of letters. Old Japanese carriers allowed "..", so we do.
bool IsEmail(std::string_view text) {
  const size_t at = text.find('@');
  if (at == std::string_view::npos || at == 0 || at > 64 || text.size() > 254 ||
      text.size() - at < 5) {
    return false;
  }
  for (char c : text.substr(0, at)) {
    if (!IsAlpha(c) && !IsDigit(c) &&
        std::string_view(".!#$%&'*+/=?^_`{|}~-").find(c) ==
            std::string_view::npos) {
      return false;
    }
  }
  const std::string_view domain = text.substr(at + 1);
  const size_t dot = domain.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || domain.size() - dot < 3) {
    return false;
  }
  for (char c : domain) {
    if (!IsAlpha(c) && !IsDigit(c) && c != '.' && c != '-') {
      return false;
    }
  }
  return std::all_of(domain.begin() + static_cast<ptrdiff_t>(dot) + 1,
                     domain.end(), IsAlpha);
}

// RFC 2142 mailbox names and what Japanese companies add.
bool IsRoleEmail(std::string_view text) {
  static constexpr std::array<std::string_view, 34> kRoles = {
      "info",         "support",    "sales",    "admin",      "administrator",
      "root",         "noreply",    "no-reply", "postmaster", "webmaster",
      "abuse",        "contact",    "help",     "hostmaster", "security",
      "office",       "mail",       "inquiry",  "recruit",    "soumu",
      "jinji",        "eigyo",      "toiawase", "customer",   "cs",
      "shop",         "news",       "daemon",   "nobody",     "mailer-daemon",
      "do-not-reply", "donotreply", "service",  "press"};
  const std::string_view local = text.substr(0, text.find('@'));
  return std::any_of(kRoles.begin(), kRoles.end(), [&](std::string_view role) {
    return local.size() == role.size() &&
           std::equal(local.begin(), local.end(), role.begin(),
                      [](char a, char b) { return Lower(a) == b; });
  });
}

Postal ParsePostal(std::string_view text) {
  Postal postal;
  if (text.starts_with("〒")) {
    text.remove_prefix(3);
    postal.separated = true;
    while (!text.empty() && text.front() == ' ') {
      text.remove_prefix(1);
    }
  }
  const bool hyphen = text.size() == 8 && text[3] == '-';
  if (!hyphen && text.size() != 7) {
    return {};
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (hyphen && i == 3) {
      continue;
    }
    if (!IsDigit(text[i])) {
      return {};
    }
    postal.code = postal.code * 10 + Value(text[i]);
  }
  postal.separated |= hyphen;
  postal.shaped = true;
  postal.in_use = IsPostalCode(postal.code);
  return postal;
}

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
    return knows_surname && knows_given   ? Match::kStrong
           : knows_surname || knows_given ? Match::kWeak
                                          : Match::kNone;
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
    if (!PlausibleGivenName(chars, cut, chars.size) ||
        !Contains(WordSet::kSurname, text.substr(0, chars.offset[cut]))) {
      continue;
    }
    if (Contains(WordSet::kGivenName, text.substr(chars.offset[cut]))) {
      return Match::kStrong;
    }
    best = Match::kWeak;
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

bool IsAddress(std::string_view text) {
  if (text.size() < 12 || text.size() > 400 ||
      static_cast<unsigned char>(text[0]) < 0xE3) {
    return false;
  }
  if (text.starts_with("〒") && text.size() > 12) {
    text.remove_prefix(3);
    while (!text.empty() && (IsDigit(text.front()) || text.front() == '-' ||
                             text.front() == ' ')) {
      text.remove_prefix(1);
    }
  }
  size_t end = 0;
  if (StartsWithPrefecture(text, &end)) {
    return text.size() >= end + 6;
  }
  end = MunicipalityPrefix(text);
  return end > 0 && text.size() >= end + 3;
}

bool IsAddressPart(std::string_view text) {
  size_t end = 0;
  return text.size() <= 40 &&
         ((StartsWithPrefecture(text, &end) && end == text.size()) ||
          MunicipalityPrefix(text) == text.size());
}

Date ParseDate(std::string_view text) {
  if (text.size() < 6 || text.size() > 40) {
    return {};
  }
  const Era* era = nullptr;
  int year = -1;
  if (IsDigit(text[0])) {
    const bool bare =
        text.size() == 8 && std::all_of(text.begin(), text.end(), IsDigit);
    year = TakeNumber(&text, 4);
    if (bare) {
      const int month = TakeNumber(&text, 2);
      const int day = TakeNumber(&text, 2);
      return IsCalendarDay(year, month, day) ? Date{year, month, day} : Date{};
    }
    if (year < 1868) {
      return {};
    }
  } else {
    era = TakeEra(&text);
    if (era == nullptr) {
      return {};
    }
    if (text.starts_with("元")) {
      text.remove_prefix(3);
      year = 1;
    } else {
      year = TakeNumber(&text, 2);
    }
    if (year < 1 || year > era->last) {
      return {};
    }
    year += era->first_year - 1;
  }
  if (!TakeSeparator(&text, "年")) {
    return {};
  }
  const int month = TakeNumber(&text, 2);
  if (!TakeSeparator(&text, "月")) {
    return {};
  }
  const int day = TakeNumber(&text, 2);
  if (text.starts_with("日")) {
    text.remove_prefix(3);
  }
  // A time of day may follow midnight exports ("1980/01/02 0:00:00").
  if (!text.empty() && text[0] != ' ' && text[0] != 'T') {
    return {};
  }
  return IsCalendarDay(year, month, day) ? Date{year, month, day} : Date{};
}

bool IsSex(std::string_view text) {
  static constexpr std::array<std::string_view, 16> kWords = {
      "男", "女", "男性", "女性",   "1",    "2",      "M",      "F",
      "m",  "f",  "male", "female", "Male", "Female", "その他", "9"};
  return std::find(kWords.begin(), kWords.end(), text) != kWords.end();
}

bool IsAge(std::string_view text) {
  if (text.ends_with("歳") || text.ends_with("才")) {
    text.remove_suffix(3);
  }
  const bool is_number = !text.empty() && text.size() <= 3 &&
                         std::all_of(text.begin(), text.end(), IsDigit);
  return is_number && TakeNumber(&text, 3) <= 120;
}

std::string_view BareDigits(std::string_view text, char* buffer, size_t cap) {
  size_t size = 0;
  bool after_digit = false;
  for (char c : text) {
    if (IsDigit(c)) {
      if (size == cap) {
        return {};
      }
      buffer[size++] = c;
      after_digit = true;
    } else if ((c == '-' || c == ' ') && after_digit) {
      after_digit = false;
    } else {
      return {};
    }
  }
  return after_digit ? std::string_view(buffer, size) : std::string_view();
}

namespace {
bool AllSame(std::string_view digits) {
  return std::all_of(digits.begin(), digits.end(),
                     [&](char c) { return c == digits[0]; });
}

unsigned WeightedSum(std::string_view digits,
                     std::span<const unsigned> weights) {
  unsigned sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    sum += Value(digits[i]) * weights[i];
  }
  return sum;
}
}  // namespace

// 総務省令 第85号 (2014) article 5: remainder of the weighted sum by 11; 0 and
// 1 give 0, else 11 minus it.
bool IsMyNumber(std::string_view digits) {
  static constexpr std::array<unsigned, 11> kWeights = {6, 5, 4, 3, 2, 7,
                                                        6, 5, 4, 3, 2};
  if (digits.size() != 12 || AllSame(digits)) {
    return false;
  }
  const unsigned r = WeightedSum(digits, kWeights) % 11;
  return Value(digits[11]) == (r <= 1 ? 0 : 11 - r);
}

// 12 digits: public safety commission (2), year of first issue (2), serial (6),
// check, times reissued. Where the sum leaves 0, samples exist with 0 and with
// 1: both pass.
bool IsDriversLicense(std::string_view digits) {
  static constexpr std::array<unsigned, 10> kWeights = {5, 4, 3, 2, 7,
                                                        6, 5, 4, 3, 2};
  if (digits.size() != 12 || AllSame(digits)) {
    return false;
  }
  const unsigned office = Value(digits[0]) * 10 + Value(digits[1]);
  const bool known =
      (office >= 10 && office <= 14) || (office >= 20 && office <= 25) ||
      office == 30 || (office >= 40 && office <= 55) ||
      (office >= 60 && office <= 65) || (office >= 70 && office <= 74) ||
      (office >= 80 && office <= 83) || (office >= 90 && office <= 97);
  const unsigned r = WeightedSum(digits, kWeights) % 11;
  const unsigned check = Value(digits[10]);
  return known && (r == 0 ? check <= 1 : check == (11 - r) % 10);
}

// 保険者番号: last digit makes the sum of the digits, every second doubled with
// its digits added, a multiple of 10; prefecture 01-47.
bool IsInsurerNumber(std::string_view digits) {
  if (digits.size() != 8 && digits.size() != 6) {
    return false;
  }
  const size_t at = digits.size() - 6;
  const unsigned prefecture = Value(digits[at]) * 10 + Value(digits[at + 1]);
  unsigned sum = 0;
  for (size_t i = 0; i + 1 < digits.size(); ++i) {
    const unsigned weight = (digits.size() - 2 - i) % 2 == 0 ? 2u : 1u;
    const unsigned product = Value(digits[i]) * weight;
    sum += product / 10 + product % 10;
  }
  return prefecture >= 1 && prefecture <= 47 &&
         Value(digits.back()) == (10 - sum % 10) % 10;
}

// Luhn (ISO/IEC 7812-1 annex B) and the issuer ranges of the schemes, with
// JCB 3528-3589.
bool IsCardNumber(std::string_view digits) {
  if (digits.size() < 13 || digits.size() > 19 || AllSame(digits)) {
    return false;
  }
  unsigned prefix = 0;
  for (size_t i = 0; i < 6; ++i) {
    prefix = prefix * 10 + Value(digits[i]);
  }
  const unsigned p4 = prefix / 100;
  const unsigned p3 = prefix / 1000;
  const unsigned p2 = prefix / 10000;
  const size_t size = digits.size();
  const bool known =
      (p2 / 10 == 4 && (size == 13 || size == 16 || size == 19)) ||
      (p2 >= 51 && p2 <= 55 && size == 16) ||
      (prefix >= 222100 && prefix <= 272099 && size == 16) ||
      ((p2 == 34 || p2 == 37) && size == 15) ||
      (p4 >= 3528 && p4 <= 3589 && size == 16) ||
      (((p3 >= 300 && p3 <= 305) || p4 == 3095 || p2 == 36 || p2 == 38 ||
        p2 == 39) &&
       (size == 14 || size == 16)) ||
      ((p4 == 6011 || (p3 >= 644 && p3 <= 649) || p2 == 65) && size == 16) ||
      (p2 == 62 && size >= 16);
  if (!known) {
    return false;
  }
  unsigned sum = 0;
  for (size_t i = 0; i < size; ++i) {
    unsigned digit = Value(digits[size - 1 - i]);
    if (i % 2 == 1) {
      digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    }
    sum += digit;
  }
  return sum % 10 == 0;
}

// Immigration Services Agency: two letters, eight digits, two letters.
bool IsResidenceCard(std::string_view text) {
  return text.size() == 12 && IsUpper(text[0]) && IsUpper(text[1]) &&
         IsUpper(text[10]) && IsUpper(text[11]) &&
         std::all_of(text.begin() + 2, text.begin() + 10, IsDigit);
}

bool IsJapanesePassport(std::string_view text) {
  return text.size() == 9 && IsUpper(text[0]) && IsUpper(text[1]) &&
         std::all_of(text.begin() + 2, text.end(), IsDigit);
}

// ISO 13616: country, check digits, up to 30 characters; modulo 97 is 1.
bool IsIban(std::string_view text) {
  std::array<char, 34> compact;
  size_t size = 0;
  for (char c : text) {
    if (c == ' ') {
      continue;
    }
    if (size == compact.size() || (!IsUpper(c) && !IsDigit(c))) {
      return false;
    }
    compact[size++] = c;
  }
  if (size < 15 || !IsUpper(compact[0]) || !IsUpper(compact[1]) ||
      !IsDigit(compact[2]) || !IsDigit(compact[3])) {
    return false;
  }
  unsigned remainder = 0;
  for (size_t i = 0; i < size; ++i) {
    const char c = compact[(i + 4) % size];
    remainder =
        IsDigit(c)
            ? (remainder * 10 + Value(c)) % 97
            : (remainder * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
  }
  return remainder == 1;
}

// Social Security Administration: area not 000, 666 or 9xx, group not 00,
// serial not 0000. Only the hyphenated form.
bool IsUsSsn(std::string_view text) {
  if (text.size() != 11 || text[3] != '-' || text[6] != '-') {
    return false;
  }
  for (size_t i = 0; i < text.size(); ++i) {
    if (i != 3 && i != 6 && !IsDigit(text[i])) {
      return false;
    }
  }
  const std::string_view area = text.substr(0, 3);
  return area != "000" && area != "666" && area[0] != '9' &&
         text.substr(4, 2) != "00" && text.substr(7) != "0000";
}

}  // namespace sekisho::detect
