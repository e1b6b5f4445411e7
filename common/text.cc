#include "common/text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <optional>

namespace sekisho {
namespace {

struct CodePoint {
  uint32_t value;
  size_t length;
};

// Decodes one code point; nullopt for anything RFC 3629 does not allow.
std::optional<CodePoint> Decode(std::string_view text) {
  const auto at = [&](size_t i) {
    return static_cast<uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const uint32_t lead = at(0);
  if (lead < 0x80) return CodePoint{lead, 1};
  size_t length = 0;
  uint32_t value = 0;
  uint32_t smallest = 0;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2, value = lead & 0x1fU, smallest = 0x80;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3, value = lead & 0x0fU, smallest = 0x800;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4, value = lead & 0x07U, smallest = 0x10000;
  } else {
    return std::nullopt;
  }
  if (text.size() < length) return std::nullopt;
  for (size_t i = 1; i < length; ++i) {
    if ((at(i) & 0xc0U) != 0x80) return std::nullopt;
    value = value << 6 | (at(i) & 0x3fU);
  }
  if (value < smallest || value > 0x10ffff ||
      (value >= 0xd800 && value <= 0xdfff)) {
    return std::nullopt;
  }
  return CodePoint{value, length};
}

// Controls and the marks that reorder or hide text on a screen; tags spell
// out text that no screen shows.
bool IsHidden(uint32_t c) {
  return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0xad || c == 0x61c ||
         c == 0x180e || (c >= 0x200b && c <= 0x200f) ||
         (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
         c == 0xfeff || (c >= 0xfff9 && c <= 0xfffb) ||
         (c >= 0xe0000 && c <= 0xe007f);
}

// RFC 8259, section 7: above U+FFFF as a surrogate pair.
std::string JsonEscape(uint32_t c) {
  if (c <= 0xffff) return fmt::format("\\u{:04x}", c);
  const uint32_t rest = c - 0x10000;
  return fmt::format("\\u{:04x}\\u{:04x}", 0xd800 + (rest >> 10),
                     0xdc00 + (rest & 0x3ffU));
}

std::string Shown(std::string_view raw, const std::optional<CodePoint>& c) {
  if (!c) {
    return fmt::format("\\x{:02x}", static_cast<unsigned char>(raw[0]));
  }
  switch (c->value) {
    case '\\':
      return "\\\\";
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default:
      break;
  }
  if (IsHidden(c->value)) {
    return fmt::format("\\u{{{:x}}}", c->value);
  }
  return std::string(raw.substr(0, c->length));
}

}  // namespace

std::string EscapeUntrusted(std::string_view text, size_t cap_bytes) {
  std::string out;
  while (!text.empty()) {
    const auto c = Decode(text);
    const std::string shown = Shown(text, c);
    if (out.size() + shown.size() > cap_bytes) {
      return out + "...";
    }
    out += shown;
    text.remove_prefix(c ? c->length : 1);
  }
  return out;
}

bool IsValidUtf8(std::string_view text) {
  while (!text.empty()) {
    const auto c = Decode(text);
    if (!c) return false;
    text.remove_prefix(c->length);
  }
  return true;
}

bool IsOneLine(std::string_view text, size_t max_bytes) {
  return !text.empty() && text.size() <= max_bytes && IsValidUtf8(text) &&
         std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

std::string JsonQuote(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    const auto c = Decode(text);
    if (!c) {
      out += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    switch (c->value) {
      case '"':
        out += "\\\"";
        break;
      case '\\':
        out += "\\\\";
        break;
      case '\n':
        out += "\\n";
        break;
      case '\r':
        out += "\\r";
        break;
      case '\t':
        out += "\\t";
        break;
      default:
        if (IsHidden(c->value)) {
          out += JsonEscape(c->value);
        } else {
          out += text.substr(0, c->length);
        }
    }
    text.remove_prefix(c->length);
  }
  return out + "\"";
}

std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

std::string_view Trim(std::string_view text) {
  static constexpr std::string_view kSpace = " \t\r\n\v\f";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

}  // namespace sekisho
