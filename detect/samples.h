// A few rows of what was found, masked: enough to tell a list of customers
// from a false alarm, never a whole value. Rows whose people were counted, the
// first three of them. The rule, by what a value is (docs/policy.md):
//
//   names         all but the last word; of that its first character; of a
//                 name without a space the first half: 山田 太*, 山田**
//   phones        the first three and the last four digits: 090-****-1234
//   e-mail        the first character and the domain: t***@example.jp
//   birth dates   the year: 1985/**/**, 昭和60年*月*日
//   My Number     nothing
//   sex, age      nothing
//   other numbers, ids, postal codes   the last two characters: ******42
//   addresses and what was not judged  half of it, at most six characters,
//                 and no digit: 東京都千代田*****-*-*
//   running text  of each word the first letter, and no digit
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "detect/role.h"

namespace sekisho::detect {

inline constexpr size_t kMaxSampleRows = 3;
inline constexpr size_t kMaxSampleColumns = 16;
inline constexpr size_t kMaxSampleChars = 32;       // of a value
inline constexpr size_t kMaxSampleLineChars = 120;  // of running text
// As JSON; a seal takes no more.
inline constexpr size_t kMaxSamplesBytes = 4096;

enum class SampleWish : uint8_t { kNone, kMasked };

struct MaskedSamples {
  struct Header {
    std::string name;
    std::string type;  // as reports call it; empty: not judged
  };
  std::string part;  // of a document or archive; else empty
  std::vector<Header> columns;
  std::vector<std::vector<std::string>> rows;  // masked
  bool full() const { return rows.size() >= kMaxSampleRows; }
};

// `folded` as a value of a column with that role.
std::string MaskValue(Role role, std::string_view folded);
// `folded` as a line of running text.
std::string MaskLine(std::string_view folded);

// {"part","columns":[{"name","type"}],"rows":[[...]]}, of at most
// kMaxSamplesBytes: the last columns are left out until it fits. Empty without
// rows.
std::string SamplesJson(const MaskedSamples& samples);

}  // namespace sekisho::detect
