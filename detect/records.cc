#include "detect/records.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sekisho::detect {
namespace {

// Finds every '\n' and every `mark`, 64 bytes at a time: the bits of a word are
// taken one by one, so a field costs a few cycles whatever its length.
class Scanner {
 public:
  Scanner(std::string_view text, char mark) : text_(text), mark_(mark) {}

  // First hit at or after the position of Seek or behind the last hit;
  // text.size() if none.
  size_t Next() {
    while (hits_ == 0) {
      if (tail_) {
        return text_.size();
      }
      Load(base_ + 64);
    }
    const size_t at = base_ + static_cast<size_t>(std::countr_zero(hits_));
    hits_ &= hits_ - 1;
    return at;
  }

  void Seek(size_t at) {
    if (at < base_ || at >= base_ + 64 || !loaded_) {
      Load(at);
    } else {
      hits_ &= ~uint64_t{0} << (at - base_);
    }
  }

 private:
  void Load(size_t at) {
    loaded_ = true;
    base_ = at;
    hits_ = 0;
    tail_ = at + 64 >= text_.size();
    if (at >= text_.size()) {
      return;
    }
#if defined(__x86_64__)
    if (at + 64 <= text_.size()) {
      const __m128i line = _mm_set1_epi8('\n');
      const __m128i mark = _mm_set1_epi8(mark_);
      for (unsigned part = 0; part < 4; ++part) {
        const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(
            text_.data() + at + size_t{16} * part));
        const int found = _mm_movemask_epi8(_mm_or_si128(
            _mm_cmpeq_epi8(bytes, line), _mm_cmpeq_epi8(bytes, mark)));
        hits_ |= uint64_t{static_cast<unsigned>(found)} << (16 * part);
      }
      return;
    }
#endif
    const std::string_view rest = text_.substr(at, 64);
    for (size_t i = 0; i < rest.size(); ++i) {
      const bool hit = rest[i] == '\n' || rest[i] == mark_;
      hits_ |= uint64_t{hit} << i;
    }
  }

  std::string_view text_;
  char mark_;
  bool loaded_ = false;
  bool tail_ = false;
  size_t base_ = 0;
  uint64_t hits_ = 0;
};

enum class QuoteEnd { kClosed, kOpen, kStray };

// From behind an opening quote to behind its closing one.
QuoteEnd SkipQuoted(std::string_view text, size_t* at, Ending ending) {
  const size_t start = *at;
  const std::string_view reach = text.substr(0, start + kMaxQuotedBytes + 1);
  size_t lines = 0;
  Scanner scanner(reach, '"');
  scanner.Seek(start);
  for (;;) {
    const size_t i = scanner.Next();
    if (i == reach.size()) {
      const bool cut = reach.size() < text.size() || ending == Ending::kLast;
      return cut ? QuoteEnd::kStray : QuoteEnd::kOpen;
    }
    if (text[i] == '\n') {
      if (++lines > kMaxQuotedLines) {
        return QuoteEnd::kStray;
      }
      continue;
    }
    // With a backslash before it the quote belongs to the value, unless what
    // follows can only be the end of the field.
    const bool escaped = i > start && text[i - 1] == '\\';
    if (escaped && i + 1 < text.size() &&
        std::string_view(",;\t\r\n|").find(text[i + 1]) ==
            std::string_view::npos) {
      continue;
    }
    if (i + 1 < text.size() && text[i + 1] == '"') {
      scanner.Seek(i + 2);
      continue;
    }
    if (i + 1 == text.size() && ending == Ending::kMoreFollows) {
      return QuoteEnd::kOpen;  // the next byte may double this quote
    }
    *at = i + 1;
    return QuoteEnd::kClosed;
  }
}

Field MakeField(size_t begin, size_t end, std::string_view text) {
  size_t size = end - begin;
  if (size > 0 && text[begin + size - 1] == '\r') {
    --size;
  }
  return {static_cast<uint32_t>(begin), static_cast<uint32_t>(size)};
}

// Lines of cells that stand two spaces and more apart.
void CutAligned(std::string_view text, Ending ending, Records* out) {
  for (size_t at = 0; at < text.size();) {
    const size_t found = text.find('\n', at);
    if (found == std::string_view::npos && ending == Ending::kMoreFollows) {
      return;
    }
    const size_t end = std::min(found, text.size());
    out->first.push_back(static_cast<uint32_t>(out->fields.size()));
    const size_t first = out->fields.size();
    size_t begin = at;
    while (begin < end && text[begin] == ' ') {
      ++begin;
    }
    while (out->fields.size() - first + 1 < kMaxFields) {
      const size_t gap = std::min(text.find("  ", begin), end);
      if (gap == end) {
        break;
      }
      out->fields.push_back(MakeField(begin, gap, text));
      begin = std::min(text.find_first_not_of(' ', gap), end);
    }
    out->fields.push_back(MakeField(begin, end, text));
    at = std::min(end + 1, text.size());
    out->consumed = at;
  }
}

#if defined(__x86_64__)
// Appends where the bits of `hits` are, eight at a time whether there are so
// many or not: what comes of it is cut off by the size, and nothing depends on
// how many there were.
inline void AppendPositions(uint64_t hits, uint32_t base, uint32_t** out) {
  uint32_t* at = *out;
  *out += std::popcount(hits);
  while (hits != 0) {
    for (int i = 0; i < 8; ++i) {
      at[i] = base + static_cast<uint32_t>(std::countr_zero(hits));
      hits &= hits - 1;
    }
    at += 8;
  }
}

// Where `text` has line ends and delimiters. False if a quote stands in it.
__attribute__((target("avx2"))) bool FindMarksAvx2(
    std::string_view text, char delimiter, std::vector<uint32_t>* marks) {
  const __m256i line = _mm256_set1_epi8('\n');
  const __m256i mark = _mm256_set1_epi8(delimiter == 0 ? '\n' : delimiter);
  const __m256i quote = _mm256_set1_epi8('"');
  size_t count = 0;
  size_t at = 0;
  for (; at + 64 <= text.size(); at += 64) {
    const auto* p = reinterpret_cast<const __m256i*>(text.data() + at);
    const __m256i low = _mm256_loadu_si256(p);
    const __m256i high = _mm256_loadu_si256(p + 1);
    const __m256i quotes = _mm256_or_si256(_mm256_cmpeq_epi8(low, quote),
                                           _mm256_cmpeq_epi8(high, quote));
    if (delimiter != 0 && _mm256_testz_si256(quotes, quotes) == 0) {
      return false;
    }
    const auto in_low =
        static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(
            _mm256_cmpeq_epi8(low, line), _mm256_cmpeq_epi8(low, mark))));
    const auto in_high =
        static_cast<uint32_t>(_mm256_movemask_epi8(_mm256_or_si256(
            _mm256_cmpeq_epi8(high, line), _mm256_cmpeq_epi8(high, mark))));
    const uint64_t hits = uint64_t{in_low} | uint64_t{in_high} << 32;
    if (marks->size() < count + 72) {
      marks->resize(2 * count + 4096);
    }
    uint32_t* next = marks->data() + count;
    AppendPositions(hits, static_cast<uint32_t>(at), &next);
    count = static_cast<size_t>(next - marks->data());
  }
  marks->resize(count);
  for (; at < text.size(); ++at) {
    if (delimiter != 0 && text[at] == '"') {
      return false;
    }
    if (text[at] == '\n' || (delimiter != 0 && text[at] == delimiter)) {
      marks->push_back(static_cast<uint32_t>(at));
    }
  }
  return true;
}
#endif

// Text without quotes, in which every mark ends a field: two passes without a
// branch that depends on it. False, with nothing done, if `text` is not so.
bool CutUnquoted(std::string_view text, char delimiter, Ending ending,
                 Records* out) {
#if defined(__x86_64__)
  std::vector<uint32_t>& marks = out->marks;
  if (!__builtin_cpu_supports("avx2") ||
      !FindMarksAvx2(text, delimiter, &marks)) {
    return false;
  }
  // What follows the last mark is a field as well.
  marks.push_back(static_cast<uint32_t>(text.size()));
  out->fields.resize(marks.size());
  out->first.resize(marks.size());
  uint32_t first = 0;  // field of the open record
  uint32_t most = 0;   // fields of a record
  uint32_t begin = 0;
  size_t records = 0;
  const auto count = static_cast<uint32_t>(marks.size()) - 1;
  // Not by the checked operators: they cost a third of this loop.
  const char* const bytes = text.data();
  const uint32_t* const ends = marks.data();
  Field* const cut = out->fields.data();
  uint32_t* const starts = out->first.data();
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t end = ends[i];
    const bool is_returned = end > begin && bytes[end - 1] == '\r';
    cut[i] = {begin, end - begin - (is_returned ? 1 : 0)};
    begin = end + 1;
    const bool is_line = bytes[end] == '\n';
    starts[records] = first;
    records += is_line ? 1 : 0;
    most = std::max(most, i + 1 - first);
    first = is_line ? i + 1 : first;
  }
  size_t fields = first;
  if (ending == Ending::kLast && (first < count || begin < text.size())) {
    out->fields[count] = MakeField(begin, text.size(), text);
    out->first[records++] = first;
    most = std::max(most, count + 1 - first);
    fields = count + 1;
  }
  if (most > kMaxFields) {
    out->Clear();
    return false;
  }
  out->fields.resize(fields);
  out->first.resize(records);
  if (records > 0) {
    out->consumed =
        ending == Ending::kLast ? text.size() : marks[fields - 1] + 1;
  }
  return true;
#else
  return false;
#endif
}

}  // namespace

void CutRecords(std::string_view text, char delimiter, Ending ending,
                Records* out) {
  out->Clear();
  if (delimiter == kAligned) {
    CutAligned(text, ending, out);
    return;
  }
  if (CutUnquoted(text, delimiter, ending, out)) {
    return;
  }
  Scanner scanner(text, delimiter == 0 ? '\n' : delimiter);
  scanner.Seek(0);
  // Written by index: the vector grows a few times a block, not for each field.
  std::vector<Field>& fields = out->fields;
  fields.resize(std::max<size_t>(fields.capacity(), text.size() / 16 + 16));
  size_t count = 0;
  const auto push = [&](const Field& field) {
    if (count == fields.size()) {
      fields.resize(2 * count);
    }
    fields[count++] = field;
  };
  size_t at = 0;
  size_t first = 0;
  while (at < text.size()) {
    const size_t begin = at;
    if (delimiter != 0 && text[begin] == '"') {
      size_t closed = begin + 1;
      const QuoteEnd quote = SkipQuoted(text, &closed, ending);
      if (quote == QuoteEnd::kOpen) {
        break;
      }
      scanner.Seek(quote == QuoteEnd::kClosed ? closed : begin);
    }
    size_t end = scanner.Next();
    while (end < text.size() && text[end] != '\n' &&
           count - first + 1 >= kMaxFields) {
      end = scanner.Next();
    }
    if (end == text.size() && ending == Ending::kMoreFollows) {
      break;
    }
    push(MakeField(begin, end, text));
    at = std::min(end + 1, text.size());
    if (end < text.size() && text[end] != '\n') {
      if (at < text.size()) {
        continue;
      }
      if (ending == Ending::kMoreFollows) {
        break;
      }
      push({static_cast<uint32_t>(at), 0});
    }
    out->first.push_back(static_cast<uint32_t>(first));
    out->consumed = at;
    first = count;
  }
  fields.resize(first);
}

}  // namespace sekisho::detect
