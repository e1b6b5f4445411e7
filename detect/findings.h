// What an inspection found out about one file, and its JSON.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/confidence.h"
#include "detect/data_type.h"
#include "detect/people.h"
#include "detect/samples.h"

namespace sekisho::detect {

enum class Inspection : uint8_t { kNone, kPartial, kFull };
inline constexpr std::string_view Name(Inspection inspection) {
  return inspection == Inspection::kFull      ? "full"
         : inspection == Inspection::kPartial ? "partial"
                                              : "none";
}

// How the values of a column went with those of another, of a sample.
struct ColumnAgreement {
  int column = -1;   // from 0
  std::string name;  // its header; may be empty
  int64_t compared = 0;
  int64_t agreed = 0;
};

struct ColumnFinding {
  std::string part;  // of a document or archive: "顧客.xlsx/Sheet1"; else empty
  std::string name;  // header as it stands, UTF-8; "#4" without one
  int index = 0;     // from 0
  DataType type = DataType::kPersonName;
  std::string custom;  // id of an administrator's type, which then counts
  int64_t rows = 0;    // values that are of the type
  double share = 0.0;  // of the values that are not empty
  Confidence confidence = Confidence::kLow;
  ColumnAgreement agreement;
};

struct CustomCount {
  std::string id;
  int64_t values = 0;
};

struct Findings {
  std::string format = "unknown";
  std::string encoding;  // empty when the format has none
  int64_t bytes = 0;     // seen by the inspector
  int64_t persons = 0;
  Confidence confidence = Confidence::kMedium;  // of `persons`
  std::array<int64_t, kDataTypeCount> data{};   // values, by DataType
  std::vector<CustomCount> custom;  // values of administrators' types
  std::vector<ColumnFinding> columns;
  int64_t media = 0;  // pictures, sounds, films: recognised, not read
  Inspection inspection = Inspection::kNone;
  // Empty when inspected whole, else encrypted, bomb, damaged, unknown,
  // limit:<name>, timeout or crash.
  std::string reason = "unknown";
  PeopleSketch people;
  MaskedSamples samples;  // where Options wish for them

  int64_t of(DataType type) const { return data[Index(type)]; }
};

// "custom:<id>", as policies and reports call it.
std::string CustomName(std::string_view id);
std::string TypeName(const ColumnFinding& column);

// The members "format" to "inspection" of `sekisho scan`'s object, without
// braces; the caller puts path before and verdict, rule, reason, seconds after.
std::string JsonMembers(const Findings& findings);

// Why the count is what it is, for people: one line for the persons, one a
// column: "column 4 `個人番号`: my_number, 9,981 of 10,000 pass the check
// digit; confidence high".
std::vector<std::string> Explain(const Findings& findings);

}  // namespace sekisho::detect
