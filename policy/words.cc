#include "policy/words.h"

#include <fmt/format.h>

#include "common/text.h"

namespace sekisho::policy {
namespace {

bool IsShortId(std::string_view text) {
  return !text.empty() && text.size() <= 64 &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
                  c == '-' || c == '_' || c == '.';
         });
}

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

std::string PrintPart(std::optional<uint8_t> part) {
  return part ? fmt::format("{:02x}", *part) : "*";
}

}  // namespace

bool IsDataType(std::string_view text) {
  if (text.starts_with("custom:")) return IsShortId(text.substr(7));
  return std::ranges::find(kDataWords, text) != kDataWords.end();
}

bool IsReason(std::string_view text) {
  if (text.starts_with("limit:")) return IsShortId(text.substr(6));
  return std::ranges::find(kReasonWords, text) != kReasonWords.end();
}

std::optional<InterfacePattern> ParseInterfacePattern(std::string_view text) {
  const auto parts = Split(text, '/');
  if (parts.size() != 3) return std::nullopt;
  InterfacePattern pattern;
  const std::array<std::optional<uint8_t>*, 3> out{
      &pattern.klass, &pattern.subclass, &pattern.protocol};
  for (size_t i = 0; i < 3; ++i) {
    if (parts[i] == "*") continue;
    if (parts[i].size() != 2) return std::nullopt;
    const auto high = HexDigit(parts[i][0]);
    const auto low = HexDigit(parts[i][1]);
    if (!high || !low) return std::nullopt;
    *out[i] = static_cast<uint8_t>(*high * 16 + *low);
  }
  return pattern;
}

std::string PrintInterfacePattern(const InterfacePattern& pattern) {
  return PrintPart(pattern.klass) + "/" + PrintPart(pattern.subclass) + "/" +
         PrintPart(pattern.protocol);
}

}  // namespace sekisho::policy
