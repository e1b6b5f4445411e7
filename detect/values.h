// What one folded cell can be. Pure checks of single values; whether a column
// is what its values look like is for column_judge.h.
//
// Every function takes text that Fold() made. "Normal" outputs are the form in
// which two spellings of a value are equal.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::detect {

enum class PhoneKind : uint8_t {
  kNone,
  kMobile,
  kLandline,
  kIp,
  kShared,
  kInternational
};
// kShared: toll-free and navigation numbers, which are never a person's.
struct Phone {
  PhoneKind kind = PhoneKind::kNone;
  bool separated = false;  // written with hyphens, brackets or +81
  // From the leading 0; of other countries from the country code.
  char national[16] = {};
  uint8_t size = 0;
  std::string_view digits() const { return {national, size}; }
};
Phone ParsePhone(std::string_view text);

bool IsEmail(std::string_view text);
// info@, support@, no-reply@...: a desk or a machine, not a person.
bool IsRoleEmail(std::string_view text);

struct Postal {
  uint32_t code = 0;
  bool shaped = false;     // NNN-NNNN or 7 digits
  bool in_use = false;     // according to Japan Post's table
  bool separated = false;  // with hyphen or 〒
};
Postal ParsePostal(std::string_view text);

// kWeak: could be one; kStrong: the dictionary knows both parts.
enum class Match : uint8_t { kNone, kWeak, kStrong };
Match MatchFullName(std::string_view text);  // kanji, 姓 名 or 姓名
bool IsSurname(std::string_view text);
bool IsGivenName(std::string_view text);
Match MatchKanaName(std::string_view text);
// One or two words of nothing but kana.
bool IsKana(std::string_view text);
// Letters only, two or three capitalised words.
bool IsRomanName(std::string_view text);
// kStrong: the Japanese names in it are in the dictionary, in either order.
Match MatchRomanName(std::string_view text);
bool IsRomanSurname(std::string_view word);
bool IsRomanGivenName(std::string_view word);
// What a cell under the header 氏名 must look like to count as a person.
bool CouldBeName(std::string_view text);
bool IsOrganisation(std::string_view text);

// Prefecture or municipality and something behind it.
bool IsAddress(std::string_view text);
// A prefecture or municipality alone (columns that split an address).
bool IsAddressPart(std::string_view text);

struct Date {
  int year = 0;  // Gregorian; 0: no date
  int month = 0;
  int day = 0;
};
// Four bytes in which equal dates are equal.
inline std::array<char, 4> PackDate(const Date& date) {
  return {static_cast<char>(date.year / 100),
          static_cast<char>(date.year % 100), static_cast<char>(date.month),
          static_cast<char>(date.day)};
}
// Western and era forms, with separators, kanji, or 8 digits.
Date ParseDate(std::string_view text);

// 7 digits: era and yymmdd. Apart from ParseDate: many a number looks like one.
Date ParseCompactEra(std::string_view text);

bool IsSex(std::string_view text);
bool IsAge(std::string_view text);
// The name of an illness or the result of an examination.
bool IsHealthWord(std::string_view text);

// Digits of `text` without single spaces and hyphens between them; empty if
// anything else is there or more than `cap` digits.
// A number or code that somebody is known by: letters, digits, - and _.
bool IsIdentifier(std::string_view text);
// As ParsePhone, also where a spreadsheet dropped the leading 0.
Phone ParsePhoneCell(std::string_view text);
// Letters of some script, and not only numbers and dots.
bool CouldBeAddress(std::string_view text);
std::string_view BareDigits(std::string_view text, char* buffer, size_t cap);

// Check digits of any length; the arguments are digits (and upper-case letters
// for IsMod97).
bool IsLuhn(std::string_view digits);
bool IsMod11(std::string_view digits);  // weights 2 to 7, as My Number
bool IsMod97(std::string_view text);    // as IBAN
bool IsVerhoeff(std::string_view digits);

bool IsMyNumber(std::string_view digits);
bool IsDriversLicense(std::string_view digits);
bool IsInsurerNumber(std::string_view digits);
bool IsCardNumber(std::string_view digits);
bool IsResidenceCard(std::string_view text);
bool IsJapanesePassport(std::string_view text);
bool IsIban(std::string_view text);
bool IsUsSsn(std::string_view text);
bool IsYuchoSymbol(std::string_view digits);
bool IsYuchoNumber(std::string_view digits);

enum class NationalIdKind : uint8_t {
  kNone,
  kBritain,
  kKorea,
  kChina,
  kTaiwan,
  kIndia,
  kFrance
};
struct NationalId {
  NationalIdKind kind = NationalIdKind::kNone;
  bool checked = false;  // a check digit agrees
};
NationalId ParseNationalId(std::string_view text);

}  // namespace sekisho::detect
