// Text whose columns begin at the same place in every line and may touch, as
// mainframes and report writers make it. A column is as wide as it is shown (a
// kanji is two, as in CP932) or as many characters; whichever gives lines of
// one width.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "detect/records.h"

namespace sekisho::detect {

inline constexpr size_t kMinFixedLines = 4;
inline constexpr size_t kMaxFixedWidth = 1024;

enum class Measure : uint8_t { kShown, kCharacters };

struct FixedWidths {
  Measure measure = Measure::kShown;
  uint32_t width = 0;          // of a line
  std::vector<uint32_t> cuts;  // where fields begin, the first at 0
  bool empty() const { return cuts.empty(); }
};

// Empty where the lines are not of one width, or do not fall into three fields
// and more. `text` may end within a line.
FixedWidths GuessFixedWidths(std::string_view text);

// Lines of another width are one field each. As CutRecords.
void CutFixed(std::string_view text, const FixedWidths& widths, Ending ending,
              Records* out);

}  // namespace sekisho::detect
