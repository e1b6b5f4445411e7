#include "detect/utf7.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "detect/characters.h"

namespace sekisho::detect {
namespace {

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr int8_t kNone = -1;
constexpr auto kSextets = [] {
  std::array<int8_t, 256> table{};
  table.fill(kNone);
  for (size_t i = 0; i < kAlphabet.size(); ++i) {
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<int8_t>(i);
  }
  return table;
}();

int8_t Sextet(char c) { return kSextets[static_cast<unsigned char>(c)]; }

// Longer than any line of text that somebody wrote.
constexpr size_t kMaxRunBytes = size_t{64} * 1024;

struct Run {
  size_t end = 0;     // behind it, and behind its '-'
  bool good = false;  // whole UTF-16, the bits left over are zero
  size_t characters = 0;
  size_t japanese = 0;
};

bool IsJapanese(uint32_t cp) {
  return IsKanji(cp) || IsKatakana(cp) || IsHiragana(cp) ||
         (cp >= 0x3000 && cp <= 0x303F) || (cp >= 0xFF01 && cp <= 0xFFEF);
}

// The run whose '+' stands at `at`; its characters go to `put`.
template <typename Put>
Run ReadRun(std::string_view text, size_t at, Put put) {
  Run run;
  uint32_t bits = 0;
  unsigned held = 0;
  uint32_t high = 0;  // the first half of a surrogate pair
  bool good = true;
  size_t i = at + 1;
  for (; i < text.size() && i - at < kMaxRunBytes && Sextet(text[i]) >= 0;
       ++i) {
    bits = bits << 6 | static_cast<uint32_t>(Sextet(text[i]));
    held += 6;
    if (held < 16) {
      continue;
    }
    held -= 16;
    const uint32_t unit = bits >> held & 0xFFFF;
    bits &= (1U << held) - 1;
    const bool is_low = unit >= 0xDC00 && unit < 0xE000;
    good = good && (high != 0) == is_low;
    if (unit >= 0xD800 && unit < 0xDC00) {
      high = unit;
      continue;
    }
    const uint32_t cp =
        high != 0 && is_low
            ? 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00)
            : unit;
    high = 0;
    ++run.characters;
    run.japanese += IsJapanese(cp) ? 1u : 0u;
    put(cp);
  }
  run.good = good && high == 0 && held < 6 && bits == 0 && run.characters > 0;
  run.end = i < text.size() && text[i] == '-' ? i + 1 : i;
  return run;
}

}  // namespace

bool HasUtf7Runs(std::string_view ascii) {
  size_t runs = 0;
  for (size_t at = ascii.find('+'); at != std::string_view::npos;
       at = ascii.find('+', at)) {
    const Run run = ReadRun(ascii, at, [](uint32_t) {});
    runs += run.good && run.characters >= 2 && run.japanese == run.characters
                ? 1u
                : 0u;
    if (runs == 2) {
      return true;
    }
    at = std::max(run.end, at + 1);
  }
  return false;
}

void DecodeUtf7(std::string_view ascii, std::string* out) {
  std::string decoded;
  for (size_t at = 0; at < ascii.size();) {
    const size_t plus = std::min(ascii.find('+', at), ascii.size());
    out->append(ascii.substr(at, plus - at));
    if (plus == ascii.size()) {
      return;
    }
    decoded.clear();
    const Run run = ReadRun(
        ascii, plus, [&](uint32_t cp) { AppendCodePoint(cp, &decoded); });
    at = run.end;
    if (run.good) {
      out->append(decoded);
    } else if (ascii.substr(plus, 2) == "+-") {
      out->append("+");
    } else {
      out->append(ascii.substr(plus, at - plus));
    }
  }
}

}  // namespace sekisho::detect
