#include "detect/fixed_width.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "detect/characters.h"
#include "detect/values.h"

namespace sekisho::detect {
namespace {

constexpr size_t kLookedAtLines = 100;
constexpr size_t kFirstLines = 8;  // most texts are told by them
constexpr uint32_t kMinWidth = 16;
constexpr size_t kMinFields = 3;
constexpr uint32_t kMaxNumbers = 64;  // columns of digits that touch

enum Kind : uint8_t {
  kBlank,
  kNumber,
  kLatin,
  kIdeograph,  // and hiragana, and all other wide letters
  kKana,       // katakana, wide
  kNarrowKana,
  kMark,
  kKinds
};

Kind KindOf(uint32_t cp) {
  if (cp == ' ' || cp == 0x3000) {
    return kBlank;
  }
  if (cp < 0x80) {
    const char c = static_cast<char>(cp);
    return IsDigit(c) ? kNumber : IsAlpha(c) ? kLatin : kMark;
  }
  return cp >= 0xFF10 && cp <= 0xFF19   ? kNumber
         : cp >= 0xFF61 && cp <= 0xFF9F ? kNarrowKana
         : IsKatakana(cp)               ? kKana
                                        : kIdeograph;
}

// What is beyond Latin letters has two columns in Japan's character sets, apart
// from half-width katakana.
uint32_t WidthOf(uint32_t cp, Measure measure) {
  const bool narrow = measure == Measure::kCharacters || cp < 0x370 ||
                      (cp >= 0xFF61 && cp <= 0xFF9F);
  return narrow ? 1 : 2;
}

uint32_t WidthOf(std::string_view line, Measure measure) {
  uint32_t width = 0;
  for (size_t at = 0; at < line.size();) {
    width += WidthOf(NextCodePoint(line, &at), measure);
  }
  return width;
}

std::string_view TakeLine(std::string_view* text) {
  const size_t end = std::min(text->find('\n'), text->size());
  std::string_view line = text->substr(0, end);
  text->remove_prefix(std::min(end + 1, text->size()));
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  return line;
}

// The first lines that are whole and not empty.
std::vector<std::string_view> LinesOf(std::string_view text, size_t most) {
  std::vector<std::string_view> lines;
  while (!text.empty() && lines.size() < most) {
    const std::string_view line = TakeLine(&text);
    if (!line.empty() && (!text.empty() || lines.size() < kMinFixedLines)) {
      lines.push_back(line);
    }
  }
  return lines;
}

// The first of the few may be a title or the header.
bool MayHaveOneWidth(std::span<const std::string_view> few, Measure measure) {
  std::map<uint32_t, size_t> counts;
  for (const std::string_view line : few) {
    ++counts[WidthOf(line, measure)];
  }
  return std::ranges::any_of(
      counts, [&](const auto& one) { return one.second + 2 >= few.size(); });
}

// The width that nine in ten lines have, or 0.
uint32_t CommonWidth(std::span<const std::string_view> lines, Measure measure) {
  std::map<uint32_t, size_t> counts;
  for (const std::string_view line : lines) {
    if (line.size() <= 4 * kMaxFixedWidth) {
      ++counts[WidthOf(line, measure)];
    }
  }
  for (const auto& [width, count] : counts) {
    if (count * 10 >= lines.size() * 9 && width >= kMinWidth &&
        width <= kMaxFixedWidth) {
      return width;
    }
  }
  return 0;
}

// One line, a column each: what stands there, and the byte it begins at.
struct Places {
  std::vector<Kind> kind;
  std::vector<bool> inner;  // the second half of a wide character
  std::vector<uint32_t> byte;
};

Places PlacesOf(std::string_view line, Measure measure) {
  Places out;
  for (size_t at = 0; at < line.size();) {
    const auto begin = static_cast<uint32_t>(at);
    const uint32_t cp = NextCodePoint(line, &at);
    const Kind kind = KindOf(cp);
    for (uint32_t half = 0; half < WidthOf(cp, measure); ++half) {
      out.kind.push_back(kind);
      out.inner.push_back(half > 0 && kind != kBlank);
      out.byte.push_back(begin);
    }
  }
  out.byte.push_back(static_cast<uint32_t>(line.size()));
  return out;
}

class Guess {
 public:
  Guess(std::span<const std::string_view> lines, Measure measure,
        uint32_t width)
      : width_(width), kinds_(width), inner_(width) {
    for (const std::string_view line : lines) {
      if (WidthOf(line, measure) != width) {
        continue;
      }
      lines_.push_back(line);
      places_.push_back(PlacesOf(line, measure));
      for (uint32_t x = 0; x < width; ++x) {
        ++kinds_[x][places_.back().kind[x]];
        inner_[x] += places_.back().inner[x] ? 1u : 0u;
      }
    }
  }

  std::vector<uint32_t> Cuts() {
    cut_.assign(width_ + 1, false);
    cut_[0] = cut_[width_] = true;
    for (uint32_t x = 1; x < width_; ++x) {
      cut_[x] = MayCut(x) && (BeginsBehindBlanks(x) || ChangesKind(x));
    }
    SplitNumbers();
    std::vector<uint32_t> cuts;
    for (uint32_t x = 0; x < width_; ++x) {
      if (cut_[x]) {
        cuts.push_back(x);
      }
    }
    return cuts;
  }

 private:
  bool Nearly(size_t count) const { return count * 100 >= lines_.size() * 95; }
  bool MayCut(uint32_t x) const { return inner_[x] * 50 <= lines_.size(); }

  // A field that begins with a value in nearly every line, behind one that
  // does not fill its place.
  bool BeginsBehindBlanks(uint32_t x) const {
    return kinds_[x - 1][kBlank] * 5 >= lines_.size() * 4 &&
           Nearly(lines_.size() - kinds_[x][kBlank]);
  }

  // The only kind of what stands there, else kKinds.
  Kind Only(uint32_t x) const {
    const size_t filled = lines_.size() - kinds_[x][kBlank];
    if (filled * 10 < lines_.size() * 3) {
      return kKinds;
    }
    for (uint8_t kind = kNumber; kind < kKinds; ++kind) {
      if (kinds_[x][kind] * 100 >= filled * 95) {
        return static_cast<Kind>(kind);
      }
    }
    return kKinds;
  }

  // Digits and Latin letters stand together in ids.
  bool ChangesKind(uint32_t x) const {
    const Kind before = Only(x - 1);
    const Kind here = Only(x);
    const auto plain = [](Kind kind) {
      return kind == kNumber || kind == kLatin;
    };
    return before != here && before != kKinds && here != kKinds &&
           before != kMark && here != kMark && !(plain(before) && plain(here));
  }

  // Numbers that touch are told by what they are; what is least an accident
  // takes its place first.
  void SplitNumbers() {
    using Check = bool (*)(std::string_view);
    constexpr Check kPhone = [](std::string_view v) {
      return ParsePhone(v).kind != PhoneKind::kNone;
    };
    constexpr Check kDate = [](std::string_view v) {
      return ParseDate(v).year != 0;
    };
    constexpr Check kPostal = [](std::string_view v) {
      return ParsePostal(v).in_use;
    };
    static constexpr std::pair<uint32_t, Check> kNumbers[] = {
        {10, kDate},  {8, kDate},   {12, IsMyNumber},
        {13, kPhone}, {12, kPhone}, {11, kPhone},
        {10, kPhone}, {8, kPostal}, {7, kPostal}};
    std::vector<bool> open(width_);
    for (uint32_t x = 0; x < width_; ++x) {
      open[x] =
          Nearly(kinds_[x][kNumber] + kinds_[x][kMark] + kinds_[x][kBlank]);
    }
    CloseLongRuns(&open);
    for (const auto& [size, check] : kNumbers) {
      for (uint32_t x = 0; x + size <= width_; ++x) {
        const auto begin = open.begin() + x;
        if (std::all_of(begin, begin + size, [](bool o) { return o; }) &&
            StandsAlone(x, size) && Are(x, size, check)) {
          std::fill(begin, begin + size, false);
          std::fill(cut_.begin() + x + 1, cut_.begin() + x + size, false);
          cut_[x] = cut_[x + size] = true;
        }
      }
    }
  }

  // What has more digits in a row is no record: pi, a dump.
  static void CloseLongRuns(std::vector<bool>* open) {
    for (auto it = open->begin(); it != open->end();) {
      const auto begin = std::find(it, open->end(), true);
      it = std::find(begin, open->end(), false);
      if (it - begin > kMaxNumbers) {
        std::fill(begin, it, false);
      }
    }
  }

  // Not the digits of an id that has letters, too.
  bool StandsAlone(uint32_t x, uint32_t size) const {
    return (x == 0 || Only(x - 1) != kLatin) &&
           (x + size == width_ || Only(x + size) != kLatin);
  }

  // Nine in ten lines have a value there, which nearly always passes.
  template <typename Check>
  bool Are(uint32_t x, uint32_t size, Check check) const {
    size_t filled = 0;
    size_t passed = 0;
    for (size_t i = 0; i < lines_.size(); ++i) {
      const Places& places = places_[i];
      std::string_view value = lines_[i].substr(
          places.byte[x], places.byte[x + size] - places.byte[x]);
      const size_t last = value.find_last_not_of(' ');
      if (last == std::string_view::npos) {
        continue;
      }
      value = value.substr(0, last + 1);
      ++filled;
      passed += check(value) ? 1u : 0u;
      if ((filled - passed) * 20 > lines_.size()) {
        return false;
      }
    }
    return filled * 10 >= lines_.size() * 9 && passed * 100 >= filled * 95;
  }

  uint32_t width_;
  std::vector<std::string_view> lines_;
  std::vector<Places> places_;
  std::vector<std::array<size_t, kKinds>> kinds_;
  std::vector<size_t> inner_;
  std::vector<bool> cut_;
};

void Trim(std::string_view text, size_t* begin, size_t* end) {
  constexpr std::string_view kWideBlank = "\xE3\x80\x80";
  for (;;) {
    const std::string_view rest = text.substr(*begin, *end - *begin);
    if (rest.starts_with(' ')) {
      ++*begin;
    } else if (rest.ends_with(' ')) {
      --*end;
    } else if (rest.starts_with(kWideBlank)) {
      *begin += kWideBlank.size();
    } else if (rest.ends_with(kWideBlank)) {
      *end -= kWideBlank.size();
    } else {
      return;
    }
  }
}

}  // namespace

FixedWidths GuessFixedWidths(std::string_view text) {
  const std::vector<std::string_view> few = LinesOf(text, kFirstLines);
  if (few.size() < kMinFixedLines) {
    return {};
  }
  for (const Measure measure : {Measure::kShown, Measure::kCharacters}) {
    if (!MayHaveOneWidth(few, measure)) {
      continue;
    }
    const std::vector<std::string_view> lines = LinesOf(text, kLookedAtLines);
    const uint32_t width = CommonWidth(
        std::span(lines).subspan(lines.size() > kFirstLines ? 1 : 0), measure);
    if (width == 0) {
      continue;
    }
    FixedWidths found{measure, width, Guess(lines, measure, width).Cuts()};
    if (found.cuts.size() >= kMinFields) {
      return found;
    }
  }
  return {};
}

void CutFixed(std::string_view text, const FixedWidths& widths, Ending ending,
              Records* out) {
  std::vector<size_t> ends;
  while (out->consumed < text.size()) {
    const size_t begin = out->consumed;
    const size_t found = text.find('\n', begin);
    if (found == std::string_view::npos && ending == Ending::kMoreFollows) {
      return;
    }
    size_t end = std::min(found, text.size());
    out->consumed = std::min(end + 1, text.size());
    if (end > begin && text[end - 1] == '\r') {
      --end;
    }
    ends.clear();
    uint32_t width = 0;
    size_t next = 1;
    bool whole = true;  // no character lies on a cut
    for (size_t at = begin; at < end;) {
      while (next < widths.cuts.size() && widths.cuts[next] <= width) {
        whole = whole && widths.cuts[next] == width;
        ends.push_back(at);
        ++next;
      }
      width += WidthOf(NextCodePoint(text, &at), widths.measure);
    }
    out->first.push_back(static_cast<uint32_t>(out->fields.size()));
    if (width != widths.width || !whole) {
      ends.clear();
    }
    ends.push_back(end);
    size_t from = begin;
    for (const size_t to : ends) {
      size_t first = from;
      size_t last = to;
      Trim(text, &first, &last);
      out->fields.push_back(
          {static_cast<uint32_t>(first), static_cast<uint32_t>(last - first)});
      from = to;
    }
  }
}

}  // namespace sekisho::detect
