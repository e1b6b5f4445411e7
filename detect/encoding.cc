#include "detect/encoding.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "detect/jis.h"

namespace sekisho::detect {
namespace {

uint32_t NextUtf8(ByteSpan bytes, size_t* at) {
  return NextStrictUtf8(AsText(bytes), at);
}

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
    if (cp == kMalformed) {
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

// At most 2 in 100 characters may be rubble: a cut tail, a bad export.
bool Acceptable(const Score& score) {
  return score.errors * 50 <= score.characters;
}

// Each line is Japanese in some encoding of its own: files joined from exports
// of several systems. A few lines of Western text are no proof.
bool LinesFit(ByteSpan block) {
  const std::string_view text = AsText(block);
  size_t lines = 0;
  size_t wrong = 0;
  size_t japanese = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const ByteSpan line = block.subspan(at, end - at);
    at = end + 1;
    if (IsAllAscii(AsText(line))) {
      continue;
    }
    ++lines;
    const Score utf8 = Try(Encoding::kUtf8, line, NextUtf8);
    const Score cp932 = Try(Encoding::kCp932, line, NextCp932);
    const Score euc = Try(Encoding::kEucJp, line, NextEucJp);
    const auto best = std::max({utf8.errors == 0 ? utf8.points : -1,
                                cp932.errors == 0 ? cp932.points : -1,
                                euc.errors == 0 ? euc.points : -1});
    wrong += best < 0 ? 1u : 0u;
    japanese += best > 0 ? 1u : 0u;
  }
  return lines > 0 && wrong * 50 <= lines && japanese * 2 >= lines;
}

}  // namespace

Encoding LineEncoding(ByteSpan line) {
  if (IsStrictUtf8(line)) {
    return Encoding::kUtf8;
  }
  const Score cp932 = Try(Encoding::kCp932, line, NextCp932);
  const Score euc = Try(Encoding::kEucJp, line, NextEucJp);
  const bool is_euc = euc.errors != cp932.errors ? euc.errors < cp932.errors
                                                 : euc.points > cp932.points;
  return is_euc ? Encoding::kEucJp : Encoding::kCp932;
}

std::string_view Name(Encoding encoding) {
  static constexpr std::array<std::string_view, 11> kNames = {
      "us-ascii",    "utf-8", "utf-8-bom", "utf-16le",
      "utf-16be",    "cp932", "euc-jp",    "unknown-8bit",
      "iso-2022-jp", "mixed", "utf-7"};
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
  std::array<size_t, 2> spaces{};  // U+3000, its zero at that place
  for (size_t i = 0; i < size; i += 2) {
    const unsigned a = At(head, i);
    const unsigned b = At(head, i + 1);
    zeros[0] += a == 0 ? 1u : 0u;
    zeros[1] += b == 0 ? 1u : 0u;
    spaces[0] += a == 0 && b == 0x30 ? 1u : 0u;
    spaces[1] += a == 0x30 && b == 0 ? 1u : 0u;
  }
  // Commas, digits and line ends have a zero high byte; no text has U+0000, and
  // U+xx00 is rare but for the space between surname and given name.
  const size_t high = zeros[1] > zeros[0] ? 1 : 0;
  const size_t most = zeros[high];
  const size_t least = zeros[1 - high] - spaces[1 - high];
  if (most * 50 < size / 2 || least * 20 > most) {
    return Encoding::kAscii;
  }
  const bool little = high == 1;
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

// ESC $ @, ESC $ B, ESC $ ( D and ESC ( I begin kanji or kana.
bool HasJisEscapes(ByteSpan block) {
  const std::string_view text = AsText(block);
  for (size_t at = text.find('\x1b'); at != std::string_view::npos;
       at = text.find('\x1b', at + 1)) {
    const std::string_view next = text.substr(at + 1, 3);
    if (next.starts_with("$@") || next.starts_with("$B") || next == "$(D" ||
        next.starts_with("(I")) {
      return true;
    }
  }
  return false;
}

std::vector<Encoding> PossibleEncodings(ByteSpan block) {
  if (IsAllAscii(AsText(block))) {
    return {HasJisEscapes(block) ? Encoding::kIso2022Jp : Encoding::kAscii};
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
    return {LinesFit(block) ? Encoding::kMixed : Encoding::kUnknown8Bit};
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

}  // namespace sekisho::detect
