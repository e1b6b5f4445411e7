// Which delimiter a text has: the one that stands in most lines the same number
// of times.
#include <algorithm>
#include <array>
#include <vector>

#include "detect/byte_set.h"
#include "detect/records.h"

namespace sekisho::detect {
namespace {

constexpr std::array<char, 7> kMarks = {',', '\t', ';', '|', '^', '\1', ':'};
constexpr uint8_t kQuote = 7;
constexpr uint8_t kLineEnd = 8;
constexpr uint8_t kPlain = 9;
// Index into kMarks, or one of the above.
constexpr auto kClass = [] {
  std::array<uint8_t, 256> table{};
  table.fill(kPlain);
  table['"'] = kQuote;
  table['\n'] = kLineEnd;
  for (size_t k = 0; k < kMarks.size(); ++k) {
    table[static_cast<unsigned char>(kMarks[k])] = static_cast<uint8_t>(k);
  }
  return table;
}();

// All that is not plain.
constexpr ByteSet kAllMarks = [] {
  ByteSet set("\"\n");
  for (const char mark : kMarks) {
    set.Add(mark);
  }
  return set;
}();

// How often a mark stands in each line.
struct Counts {
  std::array<size_t, 64> histogram{};
  size_t lines = 0;
  size_t run = 0;
  size_t longest_run = 0;
  size_t previous = 0;

  void Add(size_t count) {
    ++lines;
    run = count > 0 && count == previous ? run + 1 : 1;
    previous = count;
    ++histogram[std::min<size_t>(count, 63)];
    if (count >= 2) {
      longest_run = std::max(longest_run, run);
    }
  }
  // 0 where the mark is no delimiter.
  size_t Score(bool strict) const {
    const auto mode = std::max_element(histogram.begin() + 1, histogram.end());
    const auto fields = static_cast<size_t>(mode - histogram.begin());
    const bool mostly = *mode * 10 >= lines * (strict ? 8 : 6);
    const bool enough = strict ? fields >= 2 && *mode >= 3 : true;
    if (*mode == 0 || !enough || (!mostly && (strict || longest_run < 4))) {
      return 0;
    }
    return *mode * std::min<size_t>(fields, 8);
  }
};

// Lines cut at two spaces and more; indentation is none.
bool LooksAligned(std::string_view text) {
  if (FindTwoBlanks(text) == text.size()) {
    return false;
  }
  Counts gaps;
  for (size_t at = 0; at < text.size();) {
    const size_t found = text.find('\n', at);
    std::string_view line = text.substr(at, found - at);
    at = found == std::string_view::npos ? text.size() : found + 1;
    line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
    while (!line.empty() && (line.back() == ' ' || line.back() == '\r')) {
      line.remove_suffix(1);
    }
    if (line.empty() || (at == text.size() && gaps.lines >= 2)) {
      continue;
    }
    size_t count = 0;
    for (size_t gap = line.find("  "); gap != std::string_view::npos;
         gap = line.find("  ", line.find_first_not_of(' ', gap))) {
      ++count;
    }
    gaps.Add(count);
  }
  // One gap a line is a list of two columns; a row may lack a cell.
  size_t filled = 0;
  for (size_t i = 1; i < gaps.histogram.size(); ++i) {
    filled += gaps.histogram[i];
  }
  const auto mode =
      std::max_element(gaps.histogram.begin() + 1, gaps.histogram.end());
  return filled * 10 >= gaps.lines * 8 && *mode * 10 >= gaps.lines * 5;
}

}  // namespace

char GuessDelimiter(std::string_view text) {
  std::array<Counts, kMarks.size()> counts;
  for (size_t at = 0, line = 0; at < text.size(); ++line) {
    std::array<uint16_t, kMarks.size()> seen{};
    bool quoted = false;
    size_t joined = 0;
    size_t i = kAllMarks.Find(text, at);
    for (; i < text.size(); i = kAllMarks.Find(text, i + 1)) {
      const uint8_t mark = kClass[static_cast<unsigned char>(text[i])];
      if (mark == kQuote) {
        quoted = !quoted;
      } else if (mark == kLineEnd) {
        if (!quoted || ++joined > kMaxQuotedLines) {
          break;
        }
      } else if (!quoted) {
        ++seen[mark];
      }
    }
    const bool blank = i == at || (i == at + 1 && text[at] == '\r');
    // The last line may be cut off.
    const bool whole = i < text.size() || line < 2;
    for (size_t k = 0; k < kMarks.size() && !blank && whole; ++k) {
      counts[k].Add(seen[k]);
    }
    at = i + 1;
  }
  char best = 0;
  size_t best_score = 0;
  for (size_t k = 0; k < kMarks.size(); ++k) {
    // Colons and the like stand in many a text: only where there is no other.
    const bool rare = k >= 4;
    if (rare && best != 0) {
      break;
    }
    const size_t score = counts[k].Score(rare);
    if (score > best_score) {
      best_score = score;
      best = kMarks[k];
    }
  }
  if ((best == 0 || best == ':') && LooksAligned(text)) {
    return kAligned;
  }
  return best;
}

}  // namespace sekisho::detect
