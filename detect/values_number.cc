// Numbers that Japan gives to people, and payment cards.
#include <algorithm>
#include <array>
#include <span>

#include "detect/characters.h"
#include "detect/fold.h"
#include "detect/tables.h"
#include "detect/values.h"

namespace sekisho::detect {

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
  return digits.size() == 12 && !AllSame(digits) && IsMod11(digits);
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

bool IsIdentifier(std::string_view cell) {
  return cell.size() >= 3 && cell.size() <= 32 &&
         std::any_of(cell.begin(), cell.end(), IsDigit) &&
         std::all_of(cell.begin(), cell.end(), [](char c) {
           return IsDigit(c) || (c >= 'a' && c <= 'z') ||
                  (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
         });
}

bool IsLuhn(std::string_view digits) {
  unsigned sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    unsigned digit = Value(digits[digits.size() - 1 - i]);
    if (i % 2 == 1) {
      digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
    }
    sum += digit;
  }
  return !digits.empty() && sum % 10 == 0;
}

bool IsMod11(std::string_view digits) {
  unsigned sum = 0;
  for (size_t i = 1; i < digits.size(); ++i) {
    sum += Value(digits[digits.size() - 1 - i]) *
           static_cast<unsigned>((i - 1) % 6 + 2);
  }
  const unsigned r = sum % 11;
  return digits.size() >= 2 && Value(digits.back()) == (r <= 1 ? 0 : 11 - r);
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
  return IsLuhn(digits);
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

// Japan Post Bank: 記号 is 1, three digits, 0 (or with a re-issue digit
// behind), 番号 up to 8 digits, the last 1.
bool IsYuchoSymbol(std::string_view digits) {
  return (digits.size() == 5 || digits.size() == 6) &&
         (digits[0] == '1' || digits[0] == '0') && digits[4] == '0';
}
bool IsYuchoNumber(std::string_view digits) {
  return digits.size() >= 4 && digits.size() <= 8 && digits.back() == '1';
}

}  // namespace sekisho::detect
