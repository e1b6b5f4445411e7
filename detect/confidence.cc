#include "detect/confidence.h"

#include "detect/role.h"

namespace sekisho::detect {
namespace {

// Nine in ten, of enough values: chance gives one in ten.
bool NearlyAllPass(const Column& column) {
  return column.passed >= 10 && column.passed * 10 >= column.filled * 9;
}

bool Agrees(const Column& column) {
  return column.compared >= 5 && column.agreed * 10 >= column.compared * 7;
}

}  // namespace

Confidence ConfidenceOf(const Column& column) {
  if (Agrees(column)) {
    return Confidence::kHigh;
  }
  const bool said = column.hint != HeaderHint::kNone;
  switch (column.role) {
    case Role::kMyNumber:
    case Role::kDriversLicense:
    case Role::kCard:
    case Role::kIban:
    case Role::kNationalId:
    case Role::kEmail:
    case Role::kResidenceCard:
      return NearlyAllPass(column) ? Confidence::kHigh : Confidence::kMedium;
    case Role::kFullName:
    case Role::kSurname:
    case Role::kGivenName:
      return said && column.names_known ? Confidence::kHigh
                                        : Confidence::kMedium;
    case Role::kAddress:
    case Role::kKana:
    case Role::kPostal:
    case Role::kPhone:
    case Role::kBirthDate:
    case Role::kUsSsn:
      return said && NearlyAllPass(column) ? Confidence::kHigh
                                           : Confidence::kMedium;
    case Role::kMemberId:
      return Confidence::kLow;
    default:
      return said ? Confidence::kMedium : Confidence::kLow;
  }
}

}  // namespace sekisho::detect
