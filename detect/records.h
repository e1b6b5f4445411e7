// Cuts text into records and fields: delimited text of any common dialect, or
// lines. One pass, no copies: fields are offsets into the text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace sekisho::detect {

// A quoted field longer than this, or with more lines, has lost its closing
// quote: the quote is then an ordinary character. Otherwise one stray quote
// would hide all that follows.
inline constexpr size_t kMaxQuotedBytes = size_t{32} * 1024;
inline constexpr size_t kMaxQuotedLines = 64;
inline constexpr size_t kMaxFields = 512;  // a record; the rest is one field

struct Field {
  uint32_t begin = 0;
  uint32_t size = 0;
};

struct Records {
  std::vector<Field> fields;
  std::vector<uint32_t> first;  // index of each record's first field
  size_t consumed = 0;          // bytes; what follows is an unfinished record
  std::vector<uint32_t> marks;  // CutRecords': where fields end

  size_t size() const { return first.size(); }
  void Clear() {
    fields.clear();
    first.clear();
    consumed = 0;
  }
  std::span<const Field> of(size_t record) const {
    const size_t end =
        record + 1 < first.size() ? first[record + 1] : fields.size();
    return std::span(fields).subspan(first[record], end - first[record]);
  }
};

// The delimiter of columns that are aligned by two spaces and more.
inline constexpr char kAligned = ' ';

// The delimiter of columns that have a place of their own (fixed_width.h).
inline constexpr char kFixed = '\2';

enum class Ending { kMoreFollows, kLast };

// `delimiter` 0: every line is one field. `text` is below 4 GiB.
void CutRecords(std::string_view text, char delimiter, Ending ending,
                Records* out);

// The delimiter of `text` (',', '\t', ';', '|', '^', U+0001, ':' or kAligned),
// or 0 for plain lines.
char GuessDelimiter(std::string_view text);

}  // namespace sekisho::detect
