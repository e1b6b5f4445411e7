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

// First '\n' or `delimiter` at or after `at`; text.size() if none.
size_t FindEnd(std::string_view text, size_t at, char delimiter) {
#if defined(__SSE2__)
  const __m128i line = _mm_set1_epi8('\n');
  const __m128i mark = _mm_set1_epi8(delimiter);
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes =
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const int hits = _mm_movemask_epi8(
        _mm_or_si128(_mm_cmpeq_epi8(bytes, line), _mm_cmpeq_epi8(bytes, mark)));
    if (hits != 0) {
      return at +
             static_cast<size_t>(std::countr_zero(static_cast<unsigned>(hits)));
    }
  }
#endif
  while (at < text.size() && text[at] != '\n' && text[at] != delimiter) {
    ++at;
  }
  return at;
}

constexpr std::array<char, 4> kMarks = {',', '\t', ';', '|'};
constexpr uint8_t kQuote = 4;
constexpr uint8_t kLineEnd = 5;
constexpr uint8_t kPlain = 6;
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

enum class QuoteEnd { kClosed, kOpen, kStray };

// From behind an opening quote to behind its closing one.
QuoteEnd SkipQuoted(std::string_view text, size_t* at, Ending ending) {
  const size_t start = *at;
  size_t lines = 0;
  for (size_t i = start; i < text.size(); ++i) {
    if (i - start > kMaxQuotedBytes || lines > kMaxQuotedLines) {
      return QuoteEnd::kStray;
    }
    if (text[i] == '\n') {
      ++lines;
    } else if (text[i] == '"') {
      if (i + 1 < text.size() && text[i + 1] == '"') {
        ++i;
        continue;
      }
      if (i + 1 == text.size() && ending == Ending::kMoreFollows) {
        return QuoteEnd::kOpen;  // the next byte may double this quote
      }
      *at = i + 1;
      return QuoteEnd::kClosed;
    }
  }
  return ending == Ending::kLast ? QuoteEnd::kStray : QuoteEnd::kOpen;
}

}  // namespace

void CutRecords(std::string_view text, char delimiter, Ending ending,
                Records* out) {
  out->fields.clear();
  out->first.clear();
  out->consumed = 0;
  const char mark = delimiter == 0 ? '\n' : delimiter;
  size_t at = 0;
  while (at < text.size()) {
    const size_t first = out->fields.size();
    size_t end = 0;
    for (;;) {
      size_t begin = at;
      end = begin;
      if (delimiter != 0 && text[begin] == '"') {
        size_t closed = begin + 1;
        const QuoteEnd quote = SkipQuoted(text, &closed, ending);
        if (quote == QuoteEnd::kOpen) {
          out->fields.resize(first);
          return;
        }
        end = quote == QuoteEnd::kClosed ? closed : begin;
      }
      end = FindEnd(text, end, mark);
      while (end < text.size() && text[end] != '\n' &&
             out->fields.size() - first + 1 >= kMaxFields) {
        end = FindEnd(text, end + 1, '\n');
      }
      size_t size = end - begin;
      if (size > 0 && text[begin + size - 1] == '\r') {
        --size;
      }
      out->fields.push_back(
          {static_cast<uint32_t>(begin), static_cast<uint32_t>(size)});
      if (end == text.size() || text[end] == '\n') {
        break;
      }
      at = end + 1;
      if (at == text.size()) {
        out->fields.push_back({static_cast<uint32_t>(at), 0});
        end = at;
        break;
      }
    }
    if (end == text.size() && ending == Ending::kMoreFollows) {
      out->fields.resize(first);
      return;
    }
    at = std::min(end + 1, text.size());
    out->first.push_back(static_cast<uint32_t>(first));
    out->consumed = at;
  }
}

char GuessDelimiter(std::string_view text) {
  std::array<std::vector<uint16_t>, 4> counts;
  for (size_t at = 0, line = 0; at < text.size(); ++line) {
    std::array<uint16_t, 4> seen{};
    bool quoted = false;
    size_t joined = 0;
    size_t i = at;
    for (; i < text.size(); ++i) {
      const uint8_t mark = kClass[static_cast<unsigned char>(text[i])];
      if (mark == kPlain) {
        continue;
      }
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
      counts[k].push_back(seen[k]);
    }
    at = i + 1;
  }
  char best = 0;
  size_t best_score = 0;
  for (size_t k = 0; k < kMarks.size(); ++k) {
    size_t run = 0;
    size_t longest_run = 0;
    std::array<size_t, 64> histogram{};
    uint16_t previous = 0;
    for (uint16_t count : counts[k]) {
      run = count > 0 && count == previous ? run + 1 : 1;
      previous = count;
      ++histogram[std::min<size_t>(count, 63)];
      if (count >= 2) {
        longest_run = std::max(longest_run, run);
      }
    }
    const auto mode = std::max_element(histogram.begin() + 1, histogram.end());
    const size_t lines = counts[k].size();
    const bool mostly = *mode * 10 >= lines * 6;
    const bool long_run = longest_run >= 4;
    if (*mode == 0 || (!mostly && !long_run)) {
      continue;
    }
    const size_t fields = static_cast<size_t>(mode - histogram.begin());
    const size_t score = *mode * std::min<size_t>(fields, 8);
    if (score > best_score) {
      best_score = score;
      best = kMarks[k];
    }
  }
  return best;
}

}  // namespace sekisho::detect
