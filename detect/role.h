// What a column of a table holds, and the table as a whole.
#pragma once

#include <cstdint>
#include <string>

#include "detect/confidence.h"
#include "detect/data_type.h"
#include "detect/headers.h"

namespace sekisho::detect {

// Finer than DataType: kFullName to kGivenName are one type there.
enum class Role : uint8_t {
  kNone,
  kFullName,
  kSurname,
  kGivenName,
  kKana,
  kAddress,
  kAddressPart,
  kPostal,
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
  kCard,
  kHealthRecord,
  kMemberId,
  kIban,
  kUsSsn,
  kNationalId,
};
DataType TypeOf(Role role);

struct Column {
  HeaderHint hint = HeaderHint::kNone;
  std::string name;  // folded
  Role role = Role::kNone;
  int custom = -1;  // index of the administrator's type it holds
  // Of the last sample.
  bool organisations = false;
  bool names_known = false;  // half of the values are in the dictionaries
  bool mobile = false;       // four in five are mobile numbers
  bool varied = false;       // one in three values is distinct
  bool encoded = false;      // base64 or hex of text
  // The column that it was compared with (agreement.h), and how that went.
  int counterpart = -1;
  int64_t compared = 0;
  int64_t agreed = 0;
  // Values so far, for the report.
  int64_t filled = 0;
  int64_t passed = 0;
  int64_t custom_passed = 0;
  // Of the last block: nine in ten values passed, so the role stands.
  bool steady = false;
};

// What the columns together say about the rows of a block.
struct TableJudgement {
  bool people = false;       // rows are people
  bool name_counts = false;  // a name makes a person with one more value
  bool name_alone = false;   // a name makes a person by itself
  bool email_counts = false;
  bool phone_counts = false;
  bool member_counts = false;
  bool companies = false;  // a list of companies
  Confidence confidence = Confidence::kLow;
};

}  // namespace sekisho::detect
