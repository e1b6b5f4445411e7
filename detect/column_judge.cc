#include "detect/column_judge.h"

#include <algorithm>

#include "detect/characters.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

void TakeNumbers(std::string_view cell, Sample* s) {
  char buffer[20];
  const std::string_view digits = BareDigits(cell, buffer, 19);
  if (digits.empty()) {
    return;
  }
  s->my_number += IsMyNumber(digits);
  s->license += IsDriversLicense(digits);
  s->insurer += IsInsurerNumber(digits);
  s->card += IsCardNumber(digits);
  s->digits10 += digits.size() == 10;
  s->account += digits.size() >= 4 && digits.size() <= 8;
  s->yucho_symbol += IsYuchoSymbol(digits);
  s->yucho_number += IsYuchoNumber(digits);
}

void TakeDate(const Date& date, Sample* s) {
  if (date.year != 0) {
    s->date_before_2010 += date.year < 2010;
    s->first_year = std::min(s->first_year, date.year);
    s->last_year = std::max(s->last_year, date.year);
  }
}

void TakeNarrow(std::string_view cell, Sample* s) {
  const bool digits = std::any_of(cell.begin(), cell.end(), IsDigit);
  if (!digits) {
    const Match roman = MatchRomanName(cell);
    s->roman += roman != Match::kNone;
    s->roman_strong += roman == Match::kStrong;
    s->email += IsEmail(cell);
    return;
  }
  TakeNumbers(cell, s);
  s->email += IsEmail(cell);
  s->identifier += IsIdentifier(cell);
  s->iban += IsIban(cell);
  s->ssn += IsUsSsn(cell);
  s->residence_card += IsResidenceCard(cell);
  s->passport += IsJapanesePassport(cell);
  const NationalId national = ParseNationalId(cell);
  s->national += national.kind != NationalIdKind::kNone;
  s->national_checked += national.checked;
  const Date compact = ParseCompactEra(cell);
  s->era7 += compact.year != 0;
  TakeDate(compact, s);
}

void TakeWide(std::string_view cell, Sample* s) {
  const Match name = MatchFullName(cell);
  s->name_strong += name == Match::kStrong;
  s->name_weak += name == Match::kWeak;
  s->name_spaced +=
      name != Match::kNone && cell.find(' ') != std::string_view::npos;
  s->health += IsHealthWord(cell);
  s->surname += IsSurname(cell);
  s->given += IsGivenName(cell);
  s->kana_strong += MatchKanaName(cell) == Match::kStrong;
  s->kana += IsKana(cell);
  s->address += IsAddress(cell);
  s->address_part += IsAddressPart(cell);
  s->organisation += IsOrganisation(cell);
}

}  // namespace

DataType TypeOf(Role role) {
  switch (role) {
    case Role::kKana:
      return DataType::kNameKana;
    case Role::kAddress:
    case Role::kAddressPart:
      return DataType::kAddress;
    case Role::kPostal:
      return DataType::kPostalCode;
    case Role::kPhone:
      return DataType::kPhone;
    case Role::kEmail:
      return DataType::kEmail;
    case Role::kBirthDate:
      return DataType::kBirthDate;
    case Role::kSex:
      return DataType::kSex;
    case Role::kAge:
      return DataType::kAge;
    case Role::kMyNumber:
      return DataType::kMyNumber;
    case Role::kDriversLicense:
      return DataType::kDriversLicense;
    case Role::kPassport:
      return DataType::kPassport;
    case Role::kResidenceCard:
      return DataType::kResidenceCard;
    case Role::kHealthInsurance:
      return DataType::kHealthInsurance;
    case Role::kBasicPension:
      return DataType::kBasicPension;
    case Role::kBankAccount:
      return DataType::kBankAccount;
    case Role::kCard:
      return DataType::kCreditCard;
    case Role::kHealthRecord:
      return DataType::kHealthRecord;
    case Role::kMemberId:
      return DataType::kMemberId;
    case Role::kIban:
      return DataType::kIban;
    case Role::kUsSsn:
      return DataType::kUsSsn;
    case Role::kNationalId:
      return DataType::kNationalId;
    case Role::kNone:
    case Role::kFullName:
    case Role::kSurname:
    case Role::kGivenName:
      break;
  }
  return DataType::kPersonName;
}

void Take(std::string_view cell, Sample* s) {
  ++s->filled;
  if (IsAllAscii(cell)) {
    TakeNarrow(cell, s);
  } else {
    TakeWide(cell, s);
  }
  s->could_be_name += CouldBeName(cell);
  s->could_be_address += CouldBeAddress(cell);
  const Postal postal = ParsePostal(cell);
  s->postal += postal.shaped;
  s->postal_in_use += postal.in_use;
  s->postal_separated += postal.separated && postal.in_use;
  const Phone phone = ParsePhoneCell(cell);
  s->phone += phone.kind != PhoneKind::kNone;
  s->phone_separated += phone.kind != PhoneKind::kNone && phone.separated;
  s->mobile += phone.kind == PhoneKind::kMobile && cell.size() >= 11;
  const Date date = ParseDate(cell);
  s->date += date.year != 0;
  TakeDate(date, s);
  s->sex += IsSex(cell);
  s->sex_word += IsSex(cell) && static_cast<signed char>(cell[0]) < 0;
  s->age += IsAge(cell);
}

Role RoleByHeader(HeaderHint hint, const Sample& s) {
  const auto when = [](bool agrees, Role role) {
    return agrees ? role : Role::kNone;
  };
  const int names = s.name_strong + s.name_weak;
  switch (hint) {
    case HeaderHint::kFullName:
      return when(
          s.Share(s.could_be_name, 0.6) && !s.Share(s.organisation, 0.5),
          Role::kFullName);
    case HeaderHint::kAmbiguousName:
      return when(s.Share(names, 0.5) || s.Share(s.roman, 0.6),
                  Role::kFullName);
    case HeaderHint::kSurname:
      return when(s.Share(s.could_be_name, 0.6),
                  s.Share(s.name_strong, 0.5) && !s.Share(s.surname, 0.5)
                      ? Role::kFullName
                      : Role::kSurname);
    case HeaderHint::kGivenName:
      return when(s.Share(s.could_be_name, 0.6), Role::kGivenName);
    case HeaderHint::kNameKana:
      return when(s.Share(s.kana, 0.6), Role::kKana);
    case HeaderHint::kAddress:
      return when(s.Share(s.could_be_address, 0.5), s.Share(s.address, 0.4)
                                                        ? Role::kAddress
                                                        : Role::kAddressPart);
    case HeaderHint::kAddressPart:
      return when(
          s.Share(s.could_be_address, 0.5) || s.Share(s.address_part, 0.5),
          Role::kAddressPart);
    case HeaderHint::kPostalCode:
      return when(s.Share(s.postal, 0.5), Role::kPostal);
    case HeaderHint::kPhone:
      return when(s.Share(s.phone, 0.5), Role::kPhone);
    case HeaderHint::kEmail:
      return when(s.Share(s.email, 0.5), Role::kEmail);
    case HeaderHint::kBirthDate:
      return when(s.Share(s.date, 0.5) || s.Share(s.era7, 0.8),
                  Role::kBirthDate);
    case HeaderHint::kSex:
      return when(s.Share(s.sex, 0.7), Role::kSex);
    case HeaderHint::kAge:
      return when(s.Share(s.age, 0.7), Role::kAge);
    case HeaderHint::kMyNumber:
      return when(s.Share(s.my_number, 0.5), Role::kMyNumber);
    case HeaderHint::kDriversLicense:
      return when(s.Share(s.license, 0.5), Role::kDriversLicense);
    case HeaderHint::kPassport:
      return when(s.Share(s.passport, 0.5) || s.Share(s.identifier, 0.8),
                  Role::kPassport);
    case HeaderHint::kResidenceCard:
      return when(s.Share(s.residence_card, 0.5), Role::kResidenceCard);
    case HeaderHint::kInsurerNumber:
      return when(s.Share(s.insurer, 0.5), Role::kHealthInsurance);
    case HeaderHint::kHealthInsurance:
      return when(s.filled > 0, Role::kHealthInsurance);
    case HeaderHint::kBasicPension:
      return when(s.Share(s.digits10, 0.5), Role::kBasicPension);
    case HeaderHint::kBankAccount:
      return when(s.Share(s.account, 0.5), Role::kBankAccount);
    case HeaderHint::kCreditCard:
      return when(s.Share(s.card, 0.5), Role::kCard);
    case HeaderHint::kHealthRecord:
      return when(s.filled > 0, Role::kHealthRecord);
    case HeaderHint::kMemberId:
      return when(s.Share(s.identifier, 0.6), Role::kMemberId);
    case HeaderHint::kYuchoSymbol:
      return when(s.Share(s.yucho_symbol, 0.5), Role::kBankAccount);
    case HeaderHint::kYuchoNumber:
      return when(s.Share(s.yucho_number, 0.5), Role::kBankAccount);
    case HeaderHint::kIban:
      return when(s.Share(s.iban, 0.5), Role::kIban);
    case HeaderHint::kNationalId:
      return when(s.Share(s.national, 0.5), Role::kNationalId);
    case HeaderHint::kUsSsn:
      return when(s.Share(s.ssn, 0.5), Role::kUsSsn);
    case HeaderHint::kNone:
    case HeaderHint::kOrganisation:
    case HeaderHint::kRepresentative:
    case HeaderHint::kNotPersonal:
      break;
  }
  return Role::kNone;
}

namespace {

// Numbers with a check digit: it passes by chance for 1 value in 10, for 20 in
// a row never.
Role NumberByValues(const Sample& s, bool varied) {
  if (s.filled >= 5 && varied && s.Share(s.card, 0.9)) {
    return Role::kCard;
  }
  if (s.filled >= 10 && varied && s.Share(s.my_number, 0.9)) {
    return Role::kMyNumber;
  }
  if (s.filled >= 10 && varied && s.Share(s.license, 0.9)) {
    return Role::kDriversLicense;
  }
  if (s.filled >= 3 && s.Share(s.residence_card, 0.9)) {
    return Role::kResidenceCard;
  }
  if (s.filled >= 3 && s.Share(s.iban, 0.9)) {
    return Role::kIban;
  }
  if (s.filled >= 3 && varied && s.Share(s.ssn, 0.9)) {
    return Role::kUsSsn;
  }
  if (s.filled >= 10 && varied &&
      (s.Share(s.national_checked, 0.9) || s.Share(s.national, 0.97))) {
    return Role::kNationalId;
  }
  return Role::kNone;
}

bool LookLikeNames(const Sample& s, bool varied) {
  const int names = s.name_strong + s.name_weak;
  if (s.Share(s.organisation, 0.2) || s.Share(s.address, 0.2)) {
    return false;
  }
  return (s.Share(s.name_strong, 0.4) && s.Share(names, 0.7)) ||
         (varied && s.Share(s.name_strong, 0.15) && s.Share(names, 0.6) &&
          s.Share(s.name_spaced, 0.6)) ||
         (varied && s.filled >= 8 && s.Share(s.name_strong, 0.2) &&
          s.Share(names, 0.6)) ||
         (varied && s.Share(s.roman_strong, 0.4) && s.Share(s.roman, 0.8));
}

// Birth dates spread over a generation; order dates do not.
bool LookLikeBirthDates(const Sample& s) {
  const bool spread = s.filled < 4 || s.last_year - s.first_year >= 15;
  return spread && s.Share(s.date_before_2010, 0.5) &&
         (s.Share(s.date, 0.8) || (s.filled >= 10 && s.Share(s.era7, 0.95)));
}

}  // namespace

Role RoleByValues(const Sample& s) {
  const bool varied = s.distinct * 3 >= s.filled;
  if (s.Share(s.email, 0.7)) {
    return Role::kEmail;
  }
  if (const Role role = NumberByValues(s, varied); role != Role::kNone) {
    return role;
  }
  if (s.Share(s.phone, 0.6) &&
      (s.phone_separated * 2 >= s.phone || s.Share(s.mobile, 0.8))) {
    return Role::kPhone;
  }
  if (s.Share(s.postal_separated, 0.7) ||
      (s.filled >= 5 && s.Share(s.postal_in_use, 0.9))) {
    return Role::kPostal;
  }
  if (s.Share(s.address, 0.5)) {
    return Role::kAddress;
  }
  if (LookLikeNames(s, varied)) {
    return Role::kFullName;
  }
  if (s.Share(s.kana_strong, 0.4) && s.Share(s.kana, 0.8)) {
    return Role::kKana;
  }
  if (LookLikeBirthDates(s)) {
    return Role::kBirthDate;
  }
  if (s.filled >= 3 && s.Share(s.health, 0.6)) {
    return Role::kHealthRecord;
  }
  if (s.filled >= 2 && s.Share(s.sex_word, 0.9)) {
    return Role::kSex;
  }
  return Role::kNone;
}

}  // namespace sekisho::detect
