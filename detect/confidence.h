// How sure a finding is. Of a column: kHigh, its values prove what they are (a
// check digit, a table, the column beside it); kMedium, its header and the form
// of its values say so; kLow, many a thing looks like it. Of a count of people:
// kHigh, names with another value or numbers that are a person's; kMedium,
// names or e-mail addresses alone, or running text; kLow, nothing but mobile
// numbers or member ids.
#pragma once

#include <cstdint>
#include <string_view>

namespace sekisho::detect {

enum class Confidence : uint8_t { kLow, kMedium, kHigh };
inline constexpr size_t kConfidenceCount = 3;

inline constexpr std::string_view Name(Confidence confidence) {
  return confidence == Confidence::kHigh     ? "high"
         : confidence == Confidence::kMedium ? "medium"
                                             : "low";
}

struct Column;
Confidence ConfidenceOf(const Column& column);

}  // namespace sekisho::detect
