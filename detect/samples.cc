#include "detect/samples.h"

#include <algorithm>
#include <span>

#include "common/text.h"
#include "detect/characters.h"

namespace sekisho::detect {
namespace {

constexpr uint32_t kMask = '*';
constexpr size_t kMaxShownChars = 6;  // of an address, of what is not judged
constexpr size_t kMaxNameChars = 8;   // of a word of a name

using CodePoints = std::vector<uint32_t>;

CodePoints Take(std::string_view text, size_t most, bool* cut) {
  CodePoints out;
  size_t at = 0;
  while (at < text.size() && out.size() < most) {
    out.push_back(NextCodePoint(text, &at));
  }
  *cut = at < text.size();
  return out;
}

std::string Print(std::span<const uint32_t> text, bool cut) {
  std::string out;
  for (const uint32_t cp : text) {
    AppendCodePoint(cp, &out);
  }
  return cut ? out + "…" : out;
}

bool IsDigitPoint(uint32_t cp) { return cp >= '0' && cp <= '9'; }
bool IsAsciiLetter(uint32_t cp) {
  return cp < 0x80 && IsAlpha(static_cast<char>(cp));
}
// Marks and spaces say what form a value has, and stay.
bool SaysSomething(uint32_t cp) {
  return cp >= 0x80 ? cp > 0xBF && !(cp >= 0x2000 && cp <= 0x206F) &&
                          !(cp >= 0x3000 && cp <= 0x3004) &&
                          !(cp >= 0x3007 && cp <= 0x303F)
                    : IsDigitPoint(cp) || IsAsciiLetter(cp);
}

void MaskFrom(std::span<uint32_t> text, size_t shown) {
  for (uint32_t& cp : text) {
    if (!SaysSomething(cp)) {
      continue;
    }
    if (shown > 0) {
      --shown;
    } else {
      cp = kMask;
    }
  }
}

void MaskName(std::span<uint32_t> text) {
  const auto last_space = std::find(text.rbegin(), text.rend(), ' ');
  if (last_space == text.rend()) {
    MaskFrom(text, text.size() / 2);
    return;
  }
  const auto last =
      text.subspan(static_cast<size_t>(last_space.base() - text.begin()));
  MaskFrom(last, last.size() > 1 ? 1 : 0);
  MaskFrom(text.first(text.size() - last.size()), kMaxNameChars);
}

void MaskPhone(std::span<uint32_t> text) {
  const auto digits =
      static_cast<size_t>(std::ranges::count_if(text, IsDigitPoint));
  size_t seen = 0;
  for (uint32_t& cp : text) {
    if (!IsDigitPoint(cp)) {
      cp = SaysSomething(cp) ? kMask : cp;
      continue;
    }
    ++seen;
    const bool shown = digits >= 10 && (seen <= 3 || seen + 4 > digits);
    cp = shown ? cp : kMask;
  }
}

void MaskEmail(std::span<uint32_t> text) {
  const auto at = static_cast<size_t>(
      std::find(text.begin(), text.end(), uint32_t{'@'}) - text.begin());
  if (at == text.size()) {
    MaskFrom(text, 1);
    return;
  }
  std::fill(text.begin() + (at > 1 ? 1 : 0),
            text.begin() + static_cast<std::ptrdiff_t>(at), kMask);
}

// The first run of digits is the year, or begins with it.
void MaskDate(std::span<uint32_t> text) {
  const auto first = std::find_if(text.begin(), text.end(), IsDigitPoint);
  const auto end = std::find_if_not(first, text.end(), IsDigitPoint);
  const auto run = end - first;
  const auto shown =
      std::min<std::ptrdiff_t>(run, run == 4 || run >= 8 ? 4 : 2);
  for (auto it = first + shown; it != text.end(); ++it) {
    *it = IsDigitPoint(*it) ? kMask : *it;
  }
}

void MaskNumber(std::span<uint32_t> text) {
  const auto all =
      static_cast<size_t>(std::ranges::count_if(text, SaysSomething));
  size_t seen = 0;
  for (uint32_t& cp : text) {
    if (SaysSomething(cp)) {
      ++seen;
      cp = all >= 6 && seen + 2 > all ? cp : kMask;
    }
  }
}

void MaskText(std::span<uint32_t> text) {
  const auto all =
      static_cast<size_t>(std::ranges::count_if(text, SaysSomething));
  MaskFrom(text, std::min(kMaxShownChars, all / 2));
  std::ranges::replace_if(text, IsDigitPoint, kMask);
}

// Which letters make a word together.
int KindOf(uint32_t cp) {
  return IsDigitPoint(cp)                  ? 1
         : IsAsciiLetter(cp)               ? 2
         : IsHiragana(cp)                  ? 0
         : IsKanji(cp)                     ? 3
         : IsKatakana(cp)                  ? 4
         : cp >= 0x80 && SaysSomething(cp) ? 5
                                           : 0;
}

}  // namespace

std::string MaskValue(Role role, std::string_view folded) {
  bool cut = false;
  CodePoints text = Take(folded, kMaxSampleChars, &cut);
  switch (role) {
    case Role::kFullName:
    case Role::kSurname:
    case Role::kGivenName:
    case Role::kKana:
      MaskName(text);
      break;
    case Role::kPhone:
      MaskPhone(text);
      break;
    case Role::kEmail:
      MaskEmail(text);
      break;
    case Role::kBirthDate:
      MaskDate(text);
      break;
    case Role::kMyNumber:
    case Role::kSex:
    case Role::kAge:
      MaskFrom(text, 0);
      break;
    case Role::kPostal:
    case Role::kDriversLicense:
    case Role::kPassport:
    case Role::kResidenceCard:
    case Role::kHealthInsurance:
    case Role::kBasicPension:
    case Role::kBankAccount:
    case Role::kCard:
    case Role::kMemberId:
    case Role::kIban:
    case Role::kUsSsn:
    case Role::kNationalId:
      MaskNumber(text);
      break;
    case Role::kNone:
    case Role::kAddress:
    case Role::kAddressPart:
    case Role::kHealthRecord:
      MaskText(text);
      break;
  }
  return Print(text, cut);
}

std::string MaskLine(std::string_view folded) {
  bool cut = false;
  CodePoints text = Take(folded, kMaxSampleLineChars, &cut);
  int before = 0;
  for (uint32_t& cp : text) {
    const int kind = KindOf(cp);
    const bool begins = kind != before;
    before = kind;
    if (kind != 0 && (kind == 1 || !begins)) {
      cp = kMask;
    }
  }
  return Print(text, cut);
}

std::string SamplesJson(const MaskedSamples& samples) {
  if (samples.rows.empty()) {
    return {};
  }
  for (size_t width = kMaxSampleColumns;; --width) {
    std::string out = "{\"part\":" + JsonQuote(samples.part) + ",\"columns\":[";
    for (size_t c = 0; c < std::min(width, samples.columns.size()); ++c) {
      const MaskedSamples::Header& header = samples.columns[c];
      out += std::string(c == 0 ? "" : ",") +
             "{\"name\":" + JsonQuote(header.name) +
             ",\"type\":" + JsonQuote(header.type) + "}";
    }
    out += "],\"rows\":[";
    for (size_t r = 0; r < std::min(samples.rows.size(), kMaxSampleRows); ++r) {
      out += r == 0 ? "[" : ",[";
      const auto& row = samples.rows[r];
      for (size_t c = 0; c < std::min(width, row.size()); ++c) {
        out += (c == 0 ? "" : ",") + JsonQuote(row[c]);
      }
      out += "]";
    }
    out += "]}";
    if (out.size() <= kMaxSamplesBytes || width == 0) {
      return out.size() <= kMaxSamplesBytes ? out : std::string();
    }
  }
}

}  // namespace sekisho::detect
