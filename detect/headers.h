// What the header of a column says about its values, in Japanese and English.
#pragma once

#include <cstdint>
#include <string_view>

namespace sekisho::detect {

enum class HeaderHint : uint8_t {
  kNone,
  kFullName,
  kSurname,
  kGivenName,
  kNameKana,
  kAmbiguousName,  // "name": of a person, a host, a product
  kAddress,
  kAddressPart,
  kPostalCode,
  kPhone,
  kEmail,
  kBirthDate,
  kSex,
  kAge,
  kMyNumber,
  kDriversLicense,
  kPassport,
  kResidenceCard,
  kInsurerNumber,
  kHealthInsurance,
  kBasicPension,
  kBankAccount,
  kCreditCard,
  kHealthRecord,
  kMemberId,
  kUsSsn,
  kIban,
  kNationalId,
  kYuchoSymbol,
  kYuchoNumber,
  kOrganisation,    // 会社名, 店舗名: the rows may be companies
  kRepresentative,  // 代表者: belongs to the company's entry
  kNotPersonal,     // 商品名, IMEI, ファイル名 ...
};

// `folded` is a header cell after Fold().
HeaderHint HintOf(std::string_view folded);

}  // namespace sekisho::detect
