#include "detect/encoding.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <span>

#include "detect/fold.h"
#include "detect/tables.h"

namespace sekisho::detect {
namespace {

uint8_t At(ByteSpan bytes, size_t i) {
  return std::to_integer<uint8_t>(bytes[i]);
}

constexpr uint32_t kBad = 0xFFFFFFFF;

// One character from `*at`; kBad for a malformed one, which takes one byte.
uint32_t NextCp932(ByteSpan bytes, size_t* at) {
  const uint8_t lead = At(bytes, *at);
  ++*at;
  if (lead < 0x80) {
    return lead;
  }
  if (lead >= 0xA1 && lead <= 0xDF) {
    return 0xFF61u + (lead - 0xA1u);
  }
  if (*at == bytes.size()) {
    return kBad;
  }
  const char16_t cp = FromCp932(lead, At(bytes, *at));
  if (cp == 0) {
    return kBad;
  }
  ++*at;
  return cp;
}

// EUC-JP rows are JIS rows; CP932 holds the same rows shifted, with the NEC and
// IBM rows that Windows' EUC (CP51932) has too.
char16_t FromJis0208(uint8_t lead, uint8_t trail) {
  const unsigned row = lead - 0xA1u;
  const unsigned cell = trail - 0xA1u;
  unsigned sjis_lead = 0x81 + row / 2;
  if (sjis_lead > 0x9F) {
    sjis_lead += 0x40;
  }
  unsigned sjis_trail = 0;
  if (row % 2 == 0) {
    sjis_trail = 0x40 + cell + (cell >= 63 ? 1 : 0);
  } else {
    sjis_trail = 0x9F + cell;
  }
  return FromCp932(static_cast<uint8_t>(sjis_lead),
                   static_cast<uint8_t>(sjis_trail));
}

uint32_t NextEucJp(ByteSpan bytes, size_t* at) {
  const uint8_t lead = At(bytes, *at);
  const size_t left = bytes.size() - *at;
  ++*at;
  if (lead < 0x80) {
    return lead;
  }
  const auto in_plane = [](uint8_t b) { return b >= 0xA1 && b <= 0xFE; };
  if (lead == 0x8E && left >= 2) {
    const uint8_t trail = At(bytes, *at);
    if (trail >= 0xA1 && trail <= 0xDF) {
      ++*at;
      return 0xFF61u + (trail - 0xA1u);
    }
    return kBad;
  }
  if (lead == 0x8F && left >= 3 && in_plane(At(bytes, *at))) {
    const char16_t cp = FromJis0212(At(bytes, *at), At(bytes, *at + 1));
    if (cp == 0) {
      return kBad;
    }
    *at += 2;
    return cp;
  }
  if (!in_plane(lead) || left < 2 || !in_plane(At(bytes, *at))) {
    return kBad;
  }
  const char16_t cp = FromJis0208(lead, At(bytes, *at));
  if (cp == 0) {
    return kBad;
  }
  ++*at;
  return cp;
}

uint32_t NextUtf8(ByteSpan bytes, size_t* at) {
  const std::string_view text = AsText(bytes);
  const size_t start = *at;
  const uint32_t cp = NextCodePoint(text, at);
  if (cp == 0xFFFD && *at == start + 1) {
    return kBad;
  }
  const size_t size = *at - start;
  const bool overlong =
      (size == 3 && cp < 0x800) || (size == 4 && cp < 0x10000);
  const bool outside = cp > 0x10FFFF || (cp >= 0xD800 && cp < 0xE000);
  if (overlong || outside) {
    *at = start + 1;
    return kBad;
  }
  return cp;
}

uint32_t NextLatin1(ByteSpan bytes, size_t* at) { return At(bytes, (*at)++); }

struct Score {
  size_t characters = 0;
  size_t errors = 0;
  int64_t points = 0;
};

// What real Japanese text is made of, against what a wrong reading makes.
int Points(uint32_t cp) {
  if (cp >= 0x3041 && cp <= 0x30FC) {
    return 4;  // kana
  }
  if (cp >= 0x4E00 && cp <= 0x9FFF) {
    return 1;
  }
  if ((cp >= 0xFF01 && cp <= 0xFF5E) || (cp >= 0x3000 && cp <= 0x301C)) {
    return 2;  // full-width letters and marks
  }
  if (cp >= 0xFF61 && cp <= 0xFF9F) {
    return 1;  // half-width kana: two of them for each wrong EUC character
  }
  return -2;
}

// A wrong reading of EUC-JP as CP932 is half-width kana and rare kanji; JIS
// level 1 holds the common kanji, and both encodings keep its order.
int CommonKanji(Encoding encoding, ByteSpan bytes, size_t at) {
  const uint8_t lead = At(bytes, at);
  if (encoding == Encoding::kCp932) {
    return lead >= 0x88 && lead <= 0x97 ? 2 : 0;
  }
  return lead >= 0xB0 && lead <= 0xCF ? 2 : 0;
}

template <typename Next>
Score Try(Encoding encoding, ByteSpan block, Next next) {
  Score score;
  for (size_t at = 0; at < block.size();) {
    if (At(block, at) < 0x80) {
      ++at;
      continue;
    }
    const size_t start = at;
    const uint32_t cp = next(block, &at);
    ++score.characters;
    if (cp == kBad) {
      ++score.errors;
      continue;
    }
    score.points += Points(cp);
    if (cp >= 0x4E00 && cp <= 0x9FFF) {
      score.points += CommonKanji(encoding, block, start);
    }
  }
  return score;
}

template <typename Next>
Decoded DecodeWith(ByteSpan block, Next next, std::string* out) {
  Decoded decoded;
  const std::string_view text = AsText(block);
  for (size_t at = 0; at < block.size();) {
    size_t run = at;
    while (run < block.size() && At(block, run) < 0x80) {
      ++run;
    }
    out->append(text.substr(at, run - at));
    at = run;
    while (at < block.size() && At(block, at) >= 0x80) {
      const uint32_t cp = next(block, &at);
      ++decoded.characters;
      decoded.errors += cp == kBad ? 1 : 0;
      AppendCodePoint(cp == kBad ? 0xFFFD : cp, out);
    }
  }
  return decoded;
}

Decoded DecodeUtf16(bool little, ByteSpan block, std::string* out) {
  Decoded decoded;
  const auto unit = [&](size_t i) {
    return static_cast<uint32_t>(little ? At(block, i) | At(block, i + 1) << 8
                                        : At(block, i) << 8 | At(block, i + 1));
  };
  size_t at = 0;
  while (at + 1 < block.size()) {
    uint32_t cp = unit(at);
    at += 2;
    if (cp >= 0xD800 && cp < 0xE000) {
      const bool paired = cp < 0xDC00 && at + 1 < block.size() &&
                          unit(at) >= 0xDC00 && unit(at) < 0xE000;
      if (paired) {
        cp = 0x10000 + ((cp - 0xD800) << 10) + (unit(at) - 0xDC00);
        at += 2;
      } else {
        cp = 0xFFFD;
        ++decoded.errors;
      }
    }
    decoded.characters += cp >= 0x80 ? 1 : 0;
    AppendCodePoint(cp, out);
  }
  decoded.errors += block.size() % 2;
  return decoded;
}

// At most 2 in 100 characters may be rubble: a cut tail, a bad export.
bool Acceptable(const Score& score) {
  return score.errors * 50 <= score.characters;
}

}  // namespace

std::string_view Name(Encoding encoding) {
  static constexpr std::array<std::string_view, 8> kNames = {
      "us-ascii", "utf-8", "utf-8-bom", "utf-16le",
      "utf-16be", "cp932", "euc-jp",    "unknown-8bit"};
  return kNames[static_cast<size_t>(encoding)];
}

Encoding SniffUtf16(ByteSpan head, size_t* bom_bytes) {
  *bom_bytes = 0;
  if (head.size() >= 2) {
    const unsigned mark = static_cast<unsigned>(At(head, 0)) << 8 | At(head, 1);
    if (mark == 0xFFFE || mark == 0xFEFF) {
      *bom_bytes = 2;
      return mark == 0xFFFE ? Encoding::kUtf16Le : Encoding::kUtf16Be;
    }
  }
  const size_t size = std::min<size_t>(head.size(), 65536) & ~size_t{1};
  if (size < 4) {
    return Encoding::kAscii;
  }
  std::array<size_t, 2> zeros{};
  for (size_t i = 0; i < size; ++i) {
    zeros[i % 2] += At(head, i) == 0 ? 1u : 0u;
  }
  // Commas, digits and line ends have a zero high byte; no text has U+0000, and
  // U+xx00 is rare.
  const size_t most = std::max(zeros[0], zeros[1]);
  const size_t least = std::min(zeros[0], zeros[1]);
  if (most * 50 < size / 2 || least * 20 > most) {
    return Encoding::kAscii;
  }
  const bool little = zeros[1] > zeros[0];
  size_t controls = 0;
  size_t odd = 0;
  for (size_t i = 0; i < size; i += 2) {
    const unsigned a = At(head, i);
    const unsigned b = At(head, i + 1);
    const unsigned unit = little ? a | b << 8 : a << 8 | b;
    controls += unit < 0x20 && unit != '\n' && unit != '\r' && unit != '\t';
    // Private use, unassigned scripts and lone surrogates: a binary file.
    odd += (unit >= 0xD800 && unit < 0xF900) || unit >= 0xFFF0 ? 1u : 0u;
  }
  if (controls * 200 > size || odd * 50 > size) {
    return Encoding::kAscii;
  }
  return little ? Encoding::kUtf16Le : Encoding::kUtf16Be;
}

bool IsStrictUtf8(ByteSpan block) {
  const auto* p = reinterpret_cast<const unsigned char*>(block.data());
  const auto* end = p + block.size();
  while (p < end) {
    if (end - p >= 8) {
      uint64_t word;
      std::memcpy(&word, p, 8);
      if ((word & 0x8080808080808080) == 0) {
        p += 8;
        continue;
      }
    }
    if (*p < 0x80) {
      ++p;
    } else if (end - p >= 3 && p[0] >= 0xE1 && p[0] <= 0xEF && p[0] != 0xED &&
               (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80) {
      p += 3;  // kana and kanji
    } else {
      size_t at = 0;
      const size_t left = std::min<size_t>(4, static_cast<size_t>(end - p));
      if (NextUtf8(std::as_bytes(std::span(p, left)), &at) == kBad) {
        return false;
      }
      p += at;
    }
  }
  return true;
}

std::vector<Encoding> PossibleEncodings(ByteSpan block) {
  const bool ascii = std::all_of(block.begin(), block.end(), [](std::byte b) {
    return std::to_integer<unsigned>(b) < 0x80;
  });
  if (ascii) {
    return {Encoding::kAscii};
  }
  const Score utf8 = Try(Encoding::kUtf8, block, NextUtf8);
  if (utf8.errors == 0) {
    // Two or three Japanese characters can be valid in UTF-8 and in CP932; from
    // four on the chance is below one in a thousand.
    if (utf8.characters >= 4) {
      return {Encoding::kUtf8};
    }
  }
  const Score cp932 = Try(Encoding::kCp932, block, NextCp932);
  const Score euc = Try(Encoding::kEucJp, block, NextEucJp);
  struct Candidate {
    Encoding encoding;
    const Score* score;
  };
  std::array<Candidate, 3> all = {{{Encoding::kUtf8, &utf8},
                                   {Encoding::kCp932, &cp932},
                                   {Encoding::kEucJp, &euc}}};
  std::vector<Candidate> alive;
  for (const Candidate& candidate : all) {
    if (Acceptable(*candidate.score)) {
      alive.push_back(candidate);
    }
  }
  if (alive.empty()) {
    return {Encoding::kUnknown8Bit};
  }
  const auto average = [](const Candidate& c) {
    return static_cast<double>(c.score->points -
                               20 * static_cast<int64_t>(c.score->errors)) /
           static_cast<double>(c.score->characters);
  };
  std::sort(alive.begin(), alive.end(),
            [&](const Candidate& a, const Candidate& b) {
              return average(a) != average(b) ? average(a) > average(b)
                                              : a.encoding < b.encoding;
            });
  // Valid UTF-8 is no accident: first, unless it is out of the question.
  const auto utf8_at =
      std::find_if(alive.begin(), alive.end(), [](const Candidate& c) {
        return c.encoding == Encoding::kUtf8 && c.score->errors == 0;
      });
  if (utf8_at != alive.end()) {
    std::rotate(alive.begin(), utf8_at, utf8_at + 1);
  }
  std::vector<Encoding> encodings;
  for (const Candidate& candidate : alive) {
    // Far behind with enough text to tell: out.
    const bool doubtful = average(alive[0]) - average(candidate) < 1.0 ||
                          alive[0].score->characters < 32;
    if (doubtful) {
      encodings.push_back(candidate.encoding);
    }
  }
  if (average(alive[0]) < 0) {
    encodings.push_back(Encoding::kUnknown8Bit);
  }
  return encodings;
}

Decoded Decode(Encoding encoding, ByteSpan block, std::string* out) {
  switch (encoding) {
    case Encoding::kUtf16Le:
      return DecodeUtf16(true, block, out);
    case Encoding::kUtf16Be:
      return DecodeUtf16(false, block, out);
    case Encoding::kCp932:
      return DecodeWith(block, NextCp932, out);
    case Encoding::kEucJp:
      return DecodeWith(block, NextEucJp, out);
    case Encoding::kUnknown8Bit:
      return DecodeWith(block, NextLatin1, out);
    case Encoding::kAscii:
    case Encoding::kUtf8:
    case Encoding::kUtf8Bom:
      break;
  }
  return DecodeWith(block, NextUtf8, out);
}

}  // namespace sekisho::detect
