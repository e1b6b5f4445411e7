#include "detect/records.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
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
#if defined(__SSE2__)
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

}  // namespace

void CutRecords(std::string_view text, char delimiter, Ending ending,
                Records* out) {
  out->Clear();
  if (delimiter == kAligned) {
    CutAligned(text, ending, out);
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
