// Numbers that other countries give to people.
#include <algorithm>
#include <array>
#include <span>

#include "detect/characters.h"
#include "detect/fold.h"
#include "detect/tables.h"
#include "detect/values.h"

namespace sekisho::detect {

// ISO 13616: country, check digits, up to 30 characters; modulo 97 is 1.
bool IsMod97(std::string_view text) {
  std::array<char, 34> compact{};
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
  unsigned remainder = 0;
  for (size_t i = 0; i < size; ++i) {
    const char c = compact[(i + 4) % size];
    remainder =
        IsDigit(c)
            ? (remainder * 10 + Value(c)) % 97
            : (remainder * 100 + static_cast<unsigned>(c - 'A' + 10)) % 97;
  }
  return size > 4 && remainder == 1;
}

bool IsIban(std::string_view text) {
  return text.size() >= 15 && IsUpper(text[0]) && IsUpper(text[1]) &&
         IsDigit(text[2]) && IsDigit(text[3]) && IsMod97(text);
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

// Jacobus Verhoeff, Error Detecting Decimal Codes (1969).
bool IsVerhoeff(std::string_view digits) {
  static constexpr std::array<std::array<uint8_t, 10>, 10> kMultiply = {
      {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9},
       {1, 2, 3, 4, 0, 6, 7, 8, 9, 5},
       {2, 3, 4, 0, 1, 7, 8, 9, 5, 6},
       {3, 4, 0, 1, 2, 8, 9, 5, 6, 7},
       {4, 0, 1, 2, 3, 9, 5, 6, 7, 8},
       {5, 9, 8, 7, 6, 0, 4, 3, 2, 1},
       {6, 5, 9, 8, 7, 1, 0, 4, 3, 2},
       {7, 6, 5, 9, 8, 2, 1, 0, 4, 3},
       {8, 7, 6, 5, 9, 3, 2, 1, 0, 4},
       {9, 8, 7, 6, 5, 4, 3, 2, 1, 0}}};
  static constexpr std::array<uint8_t, 10> kPermute = {1, 5, 7, 6, 2,
                                                       8, 3, 0, 9, 4};
  unsigned check = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    unsigned digit = Value(digits[digits.size() - 1 - i]);
    for (size_t k = 0; k < i % 8; ++k) {
      digit = kPermute[digit];
    }
    check = kMultiply[check][digit];
  }
  return !digits.empty() && check == 0;
}

namespace {

unsigned Sum(std::string_view digits, std::span<const unsigned> weights) {
  unsigned sum = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    sum += Value(digits[i]) * weights[i];
  }
  return sum;
}

bool IsMonthDay(std::string_view mmdd) {
  const unsigned month = Value(mmdd[0]) * 10 + Value(mmdd[1]);
  const unsigned day = Value(mmdd[2]) * 10 + Value(mmdd[3]);
  return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

// HMRC manual NIM39110: two letters without D F I Q U V (nor O as the second)
// and not BG GB KN NK NT TN ZZ, six digits, A to D. No check digit.
bool IsNino(std::string_view text) {
  if (text.size() != 9 || !AllDigits(text.substr(2, 6)) || text[8] < 'A' ||
      text[8] > 'D') {
    return false;
  }
  constexpr std::string_view kFirst = "ABCEGHJKLMNOPRSTWXYZ";
  constexpr std::string_view kSecond = "ABCEGHJKLMNPRSTWXYZ";
  constexpr std::array<std::string_view, 7> kUnused = {"BG", "GB", "KN", "NK",
                                                       "NT", "TN", "ZZ"};
  return kFirst.find(text[0]) != std::string_view::npos &&
         kSecond.find(text[1]) != std::string_view::npos &&
         std::find(kUnused.begin(), kUnused.end(), text.substr(0, 2)) ==
             kUnused.end();
}

// 주민등록번호: yymmdd, digit for century and sex (1-8), and until 2020-10 a
// check digit over the first twelve; later ones are random.
NationalId KoreanId(std::string_view digits) {
  static constexpr std::array<unsigned, 12> kWeights = {2, 3, 4, 5, 6, 7,
                                                        8, 9, 2, 3, 4, 5};
  if (digits.size() != 13 || !IsMonthDay(digits.substr(2, 4)) ||
      digits[6] < '1' || digits[6] > '8') {
    return {};
  }
  const unsigned check = (11 - Sum(digits, kWeights) % 11) % 10;
  return {NationalIdKind::kKorea, check == Value(digits[12])};
}

// GB 11643-1999: region (6), birth date (8), serial (3), check by ISO 7064
// MOD 11-2.
bool IsChineseId(std::string_view text) {
  static constexpr std::array<unsigned, 17> kWeights = {
      7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  if (text.size() != 18 || !AllDigits(text.substr(0, 17)) || text[0] == '0' ||
      !IsMonthDay(text.substr(10, 4))) {
    return false;
  }
  const std::string_view century = text.substr(6, 2);
  constexpr std::string_view kChecks = "10X98765432";
  const char last = text[17] == 'x' ? 'X' : text[17];
  return (century == "19" || century == "20" || century == "18") &&
         last == kChecks[Sum(text, kWeights) % 11];
}

// 中華民國統一證號: letter for the place (A=10 ...), sex 1 or 2 (foreigners 8,
// 9), check digit by weights 1 9 8 7 6 5 4 3 2 1 1.
bool IsTaiwaneseId(std::string_view text) {
  constexpr std::string_view kOrder = "ABCDEFGHJKLMNPQRSTUVXYWZIO";
  if (text.size() != 10 || !IsUpper(text[0]) || !AllDigits(text.substr(1)) ||
      std::string_view("1289").find(text[1]) == std::string_view::npos) {
    return false;
  }
  const auto place = static_cast<unsigned>(kOrder.find(text[0])) + 10;
  static constexpr std::array<unsigned, 9> kWeights = {8, 7, 6, 5, 4,
                                                       3, 2, 1, 1};
  return (place / 10 + place % 10 * 9 + Sum(text.substr(1), kWeights)) % 10 ==
         0;
}

// UIDAI: 12 digits, the first 2 to 9, Verhoeff's check digit.
bool IsAadhaar(std::string_view digits) {
  return digits.size() == 12 && digits[0] >= '2' && IsVerhoeff(digits);
}

// Numéro d'inscription au répertoire (décret 82-103): sex, year, month,
// place, order, and 97 minus the rest by 97. Corsica's 2A and 2B are 19 and 18.
bool IsNir(std::string_view text) {
  if (text.size() != 15 || (text[0] != '1' && text[0] != '2')) {
    return false;
  }
  uint64_t body = 0;
  for (size_t i = 0; i < 13; ++i) {
    char c = text[i];
    if (i == 6 && text[5] == '2' && (c == 'A' || c == 'B')) {
      body = body / 10 * 10 + 1;
      c = c == 'A' ? '9' : '8';
    }
    if (!IsDigit(c)) {
      return false;
    }
    body = body * 10 + Value(c);
  }
  const unsigned month = Value(text[3]) * 10 + Value(text[4]);
  const bool known_month = (month >= 1 && month <= 12) || month >= 20;
  return known_month && IsDigit(text[13]) && IsDigit(text[14]) &&
         97 - body % 97 == Value(text[13]) * 10 + Value(text[14]);
}

}  // namespace

NationalId ParseNationalId(std::string_view text) {
  std::array<char, 18> compact{};
  size_t size = 0;
  for (char c : text) {
    if (c == ' ' || c == '-') {
      continue;
    }
    if (size == compact.size() || (!IsAlpha(c) && !IsDigit(c))) {
      return {};
    }
    compact[size++] = IsLower(c) ? static_cast<char>(c - 32) : c;
  }
  const std::string_view plain(compact.data(), size);
  const bool digits = AllDigits(plain);
  switch (size) {
    case 9:
      return {IsNino(plain) ? NationalIdKind::kBritain : NationalIdKind::kNone,
              false};
    case 10:
      return IsTaiwaneseId(plain) ? NationalId{NationalIdKind::kTaiwan, true}
                                  : NationalId{};
    case 12:
      return digits && IsAadhaar(plain)
                 ? NationalId{NationalIdKind::kIndia, true}
                 : NationalId{};
    case 13:
      return digits ? KoreanId(plain) : NationalId{};
    case 15:
      return IsNir(plain) ? NationalId{NationalIdKind::kFrance, true}
                          : NationalId{};
    case 18:
      return IsChineseId(plain) ? NationalId{NationalIdKind::kChina, true}
                                : NationalId{};
    default:
      return {};
  }
}

}  // namespace sekisho::detect
