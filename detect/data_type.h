// The kinds of personal data, named exactly as reports and policies name them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace sekisho::detect {

enum class DataType : uint8_t {
  kPersonName,
  kNameKana,
  kAddress,
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
  kHealthInsurance,
  kBasicPension,
  kBankAccount,
  kCreditCard,
  kHealthRecord,
  kMemberId,
  kIban,
  kUsSsn,
  kNationalId,
};
inline constexpr size_t kDataTypeCount = 22;

inline constexpr std::array<std::string_view, kDataTypeCount> kDataTypeNames = {
    "person_name",
    "name_kana",
    "address",
    "postal_code",
    "phone",
    "email",
    "birth_date",
    "sex",
    "age",
    "my_number",
    "drivers_license",
    "passport",
    "residence_card",
    "health_insurance",
    "basic_pension",
    "bank_account",
    "credit_card",
    "health_record",
    "member_id",
    "iban",
    "us_ssn",
    "national_id",
};

inline constexpr size_t Index(DataType type) {
  return static_cast<size_t>(type);
}
inline constexpr std::string_view Name(DataType type) {
  return kDataTypeNames[Index(type)];
}
inline constexpr std::optional<DataType> DataTypeFromName(
    std::string_view name) {
  for (size_t i = 0; i < kDataTypeCount; ++i) {
    if (kDataTypeNames[i] == name) {
      return static_cast<DataType>(i);
    }
  }
  return std::nullopt;
}

}  // namespace sekisho::detect
