// Text that stands within other text as base64 or hex: the values of a column,
// a data URL, a block of lines. It is looked into once: what it stands for is
// not decoded again. Files in it are not opened.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace sekisho::detect {

inline constexpr size_t kMinEncodedCell = 8;
// In running text. A shorter one is a word, a name, a hash.
inline constexpr size_t kMinEncodedRun = 64;
inline constexpr size_t kMaxEncodedRun = size_t{1} << 20;

// What `run` stands for, as UTF-8 into `out`, if that is text; else false and
// `out` is of no use.
bool DecodeText(std::string_view run, std::string* out);

// Finds long runs in lines as they come. Copyable.
class EncodedRuns {
 public:
  // Appends the text of what has ended to `out`, with a line end.
  void Line(std::string_view line, std::string* out);
  void Flush(std::string* out);
  bool empty() const { return open_.empty(); }

 private:
  void Take(std::string_view run, std::string* out);

  std::string open_;  // lines of nothing but one run: it may go on
};

}  // namespace sekisho::detect
