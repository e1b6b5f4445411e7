#include "detect/formats/pdf_font.h"

#include <algorithm>

#include "detect/encoding.h"
#include "detect/fold.h"

namespace sekisho::detect {
namespace {

using ValueKind = PdfValue::Kind;

constexpr size_t kMaxMappings = 200'000;
constexpr uint32_t kMaxRange = 65536;
// Mappings made, again and again of the same code as well.
constexpr size_t kMaxWork = size_t{1} << 20;

uint32_t CodeOf(std::string_view bytes) {
  uint32_t code = 0;
  for (char c : bytes.substr(0, 4)) {
    code = code << 8 | static_cast<unsigned char>(c);
  }
  return code;
}

std::string FromUtf16(std::string_view bytes) {
  std::string text;
  Decode(Encoding::kUtf16Be, AsBytes(bytes.substr(0, bytes.size() & ~1ULL)),
         &text);
  return text;
}

// Windows' 0x80 to 0x9F; the rest of WinAnsiEncoding is Latin-1.
constexpr std::array<uint16_t, 32> kWinAnsi = {
    0x20AC, 0x2022, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021,
    0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x2022, 0x017D, 0x2022,
    0x2022, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014,
    0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x2022, 0x017E, 0x0178};

// Glyph names that are not their own letter (Adobe Glyph List).
struct Glyph {
  std::string_view name;
  uint16_t code;
};
constexpr Glyph kGlyphs[] = {
    {"space", ' '},       {"exclam", '!'},       {"quotedbl", '"'},
    {"numbersign", '#'},  {"dollar", '$'},       {"percent", '%'},
    {"ampersand", '&'},   {"quotesingle", '\''}, {"parenleft", '('},
    {"parenright", ')'},  {"asterisk", '*'},     {"plus", '+'},
    {"comma", ','},       {"hyphen", '-'},       {"period", '.'},
    {"slash", '/'},       {"zero", '0'},         {"one", '1'},
    {"two", '2'},         {"three", '3'},        {"four", '4'},
    {"five", '5'},        {"six", '6'},          {"seven", '7'},
    {"eight", '8'},       {"nine", '9'},         {"colon", ':'},
    {"semicolon", ';'},   {"less", '<'},         {"equal", '='},
    {"greater", '>'},     {"question", '?'},     {"at", '@'},
    {"bracketleft", '['}, {"backslash", '\\'},   {"bracketright", ']'},
    {"underscore", '_'},  {"braceleft", '{'},    {"bar", '|'},
    {"braceright", '}'},  {"endash", 0x2013},    {"emdash", 0x2014},
    {"minus", 0x2212},    {"bullet", 0x2022},    {"quoteright", 0x2019},
    {"quoteleft", 0x2018}};

uint16_t CodeOfGlyph(std::string_view name) {
  if (name.size() == 1) {
    return static_cast<unsigned char>(name[0]);
  }
  for (const Glyph& glyph : kGlyphs) {
    if (glyph.name == name) {
      return glyph.code;
    }
  }
  const size_t digits = name.starts_with("uni") ? 3 : 1;
  if ((name[0] == 'u') && name.size() >= digits + 4) {
    uint32_t code = 0;
    for (char c : name.substr(digits, 4)) {
      const int d = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 87
                                                             : -1;
      if (d < 0) {
        return 0;
      }
      code = code * 16 + static_cast<uint32_t>(d);
    }
    return static_cast<uint16_t>(code);
  }
  return 0;
}

bool StartsWith(const PdfValue& name, std::string_view prefix) {
  return name.Is(ValueKind::kName) && name.text.starts_with(prefix);
}

}  // namespace

void PdfFont::TakeToUnicode(std::string_view cmap) {
  PdfParser parser(cmap);
  PdfValue value;
  std::vector<PdfValue> operands;
  size_t work = 0;
  const auto add = [&](uint32_t code, std::string text) {
    if (++work < kMaxWork && to_unicode_.size() < kMaxMappings) {
      to_unicode_[code] = std::move(text);
    }
  };
  while (parser.Next(&value)) {
    if (!value.Is(ValueKind::kOperator)) {
      if (operands.size() < 65536) {
        operands.push_back(std::move(value));
      }
      continue;
    }
    if (value.text == "endbfchar") {
      for (size_t i = 0; i + 1 < operands.size(); i += 2) {
        add(CodeOf(operands[i].text), FromUtf16(operands[i + 1].text));
      }
    } else if (value.text == "endbfrange") {
      for (size_t i = 0; i + 2 < operands.size(); i += 3) {
        const uint32_t begin = CodeOf(operands[i].text);
        const uint32_t end =
            std::min(CodeOf(operands[i + 1].text), begin + kMaxRange);
        const PdfValue& to = operands[i + 2];
        for (uint32_t code = begin;
             code <= end && code >= begin && work < kMaxWork; ++code) {
          if (to.Is(ValueKind::kArray)) {
            if (code - begin < to.items.size()) {
              add(code, FromUtf16(to.items[code - begin].text));
            }
          } else if (to.text.size() >= 2) {
            std::string bytes = to.text;
            const uint32_t last =
                CodeOf(bytes.substr(bytes.size() - 2)) + (code - begin);
            bytes[bytes.size() - 2] = static_cast<char>(last >> 8 & 0xFF);
            bytes[bytes.size() - 1] = static_cast<char>(last & 0xFF);
            add(code, FromUtf16(bytes));
          }
        }
      }
    }
    operands.clear();
  }
  has_map_ = !to_unicode_.empty();
}

void PdfFont::TakeDifferences(PdfFile* file, const PdfValue& differences) {
  size_t code = 0;
  for (const PdfValue& item : file->Resolve(differences).items) {
    if (item.Is(ValueKind::kNumber)) {
      code = static_cast<size_t>(item.integer() & 0xFF);
    } else if (item.Is(ValueKind::kName)) {
      latin_[code & 0xFF] =
          item.text.empty() ? uint16_t{0} : CodeOfGlyph(item.text);
      ++code;
    }
  }
}

// 9.6.2 and 9.7.4.3, in thousandths of an em.
void PdfFont::TakeWidths(PdfFile* file, const PdfValue& dict) {
  const auto first =
      static_cast<uint32_t>(file->Resolve(dict["FirstChar"]).integer() & 0xFF);
  const PdfValue widths = file->Resolve(dict["Widths"]);
  for (uint32_t i = 0; i < widths.items.size() && i < 256; ++i) {
    if (widths.items[i].Is(ValueKind::kNumber)) {
      widths_[first + i] = static_cast<float>(widths.items[i].number / 1000);
    }
  }
}

PdfFont PdfFont::Load(PdfFile* file, const PdfValue& dict) {
  PdfFont font;
  for (size_t i = 0; i < 256; ++i) {
    font.latin_[i] = static_cast<uint16_t>(i);
    if (i >= 0x80 && i < 0xA0) {
      font.latin_[i] = kWinAnsi[i - 0x80];
    }
  }
  const PdfValue encoding = file->Resolve(dict["Encoding"]);
  if (dict["Subtype"].IsName("Type0")) {
    font.kind_ = Kind::kTwoBytes;
    if (StartsWith(encoding, "90ms-RKSJ") ||
        StartsWith(encoding, "90pv-RKSJ") ||
        StartsWith(encoding, "90msp-RKSJ") ||
        StartsWith(encoding, "83pv-RKSJ") || StartsWith(encoding, "Ext-RKSJ") ||
        StartsWith(encoding, "Add-RKSJ")) {
      font.kind_ = Kind::kCp932;
    } else if (StartsWith(encoding, "UniJIS") ||
               StartsWith(encoding, "UniGB-U") ||
               StartsWith(encoding, "UniKS-U") ||
               StartsWith(encoding, "UniCNS-U")) {
      font.kind_ = Kind::kUtf16;
    } else if (encoding.IsName("EUC-H") || encoding.IsName("EUC-V")) {
      font.kind_ = Kind::kEucJp;
    }
  } else {
    if (encoding.Is(ValueKind::kDict)) {
      font.TakeDifferences(file, encoding["Differences"]);
    }
    font.TakeWidths(file, dict);
  }
  const PdfValue& map = dict["ToUnicode"];
  if (map.Is(ValueKind::kRef)) {
    const auto text = file->Decode(file->Load(map.ref()));
    if (text) {
      font.TakeToUnicode(*text);
    }
  }
  return font;
}

double PdfFont::WidthOf(uint32_t code, bool wide) const {
  const auto own = widths_.find(code);
  return own != widths_.end() ? own->second : wide ? 1.0 : 0.5;
}

void PdfFont::Append(uint32_t code, Shown* shown) const {
  ++shown->characters;
  const auto mapped = to_unicode_.find(code);
  if (mapped != to_unicode_.end()) {
    shown->text += mapped->second;
    const bool wide = mapped->second.size() >= 3;
    shown->width += WidthOf(code, wide);
    shown->spaces += mapped->second == " " ? 1 : 0;
    return;
  }
  if (kind_ == Kind::kLatin) {
    const uint16_t letter = latin_[code & 0xFF];
    if (letter >= ' ') {
      AppendCodePoint(letter, &shown->text);
    }
    shown->unknown += letter == 0 ? 1 : 0;
    shown->spaces += letter == ' ' ? 1 : 0;
    shown->width += WidthOf(code, false);
    return;
  }
  ++shown->unknown;
  shown->width += 1.0;
}

PdfFont::Shown PdfFont::Show(std::string_view codes) const {
  Shown shown;
  if (kind_ == Kind::kCp932 || kind_ == Kind::kEucJp || kind_ == Kind::kUtf16) {
    const Decoded decoded = Decode(kind_ == Kind::kCp932   ? Encoding::kCp932
                                   : kind_ == Kind::kEucJp ? Encoding::kEucJp
                                                           : Encoding::kUtf16Be,
                                   AsBytes(codes), &shown.text);
    for (size_t at = 0; at < shown.text.size();) {
      const uint32_t c = NextCodePoint(shown.text, &at);
      shown.width += c < 0x80 || (c >= 0xFF61 && c < 0xFFA0) ? 0.5 : 1.0;
      shown.spaces += c == ' ' ? 1 : 0;
      ++shown.characters;
    }
    shown.unknown = static_cast<int>(decoded.errors);
    return shown;
  }
  if (kind_ == Kind::kTwoBytes) {
    for (size_t i = 0; i + 1 < codes.size(); i += 2) {
      Append(CodeOf(codes.substr(i, 2)), &shown);
    }
    return shown;
  }
  for (char c : codes) {
    Append(static_cast<unsigned char>(c), &shown);
  }
  return shown;
}

}  // namespace sekisho::detect
