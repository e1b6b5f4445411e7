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

std::optional<int> Digits(std::string_view text) {
  if (text.empty() || text.size() > 5) return std::nullopt;
  int value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

// "2026-12-29", or "12-29" in the leap year 2000.
std::optional<std::chrono::year_month_day> ParseDate(std::string_view text) {
  const bool has_year = text.size() == 10;
  if (!has_year && text.size() != 5) return std::nullopt;
  const auto year = has_year ? Digits(text.substr(0, 4)) : 2000;
  if (has_year) {
    if (text[4] != '-') return std::nullopt;
    text.remove_prefix(5);
  }
  const auto month = Digits(text.substr(0, 2));
  const auto day = Digits(text.substr(3, 2));
  if (!year || *year < 1970 || text[2] != '-' || !month || !day) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{
      std::chrono::year(*year),
      std::chrono::month(static_cast<unsigned>(*month)),
      std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return date;
}

std::string PrintDate(std::chrono::year_month_day date) {
  return fmt::format("{:04}-{:02}-{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()));
}

bool NeedsVersion2(const DeviceMatch& m) {
  return !m.device_groups.empty() || !m.person_groups.empty() ||
         !m.terminal_groups.empty() || !m.during.empty() || m.online ||
         m.interface_count || !m.all.empty() || !m.any.empty() ||
         !m.none.empty();
}

std::string PrintPart(std::optional<uint8_t> part) {
  return part ? fmt::format("{:02x}", *part) : "*";
}

}  // namespace

bool IsDataType(std::string_view text) {
  if (text.starts_with(kCustomPrefix)) {
    return IsShortId(text.substr(kCustomPrefix.size()));
  }
  return std::ranges::find(kDataWords, text) != kDataWords.end();
}

std::string_view CustomId(std::string_view type) {
  return type.starts_with(kCustomPrefix) ? type.substr(kCustomPrefix.size())
                                         : std::string_view{};
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

std::optional<DateSpan> ParseDateSpan(std::string_view text) {
  DateSpan span;
  const size_t dots = text.find("..");
  const auto first = ParseDate(text.substr(0, dots));
  if (!first) return std::nullopt;
  span.first = span.last = *first;
  span.every_year = std::min(dots, text.size()) == 5;
  if (dots == std::string_view::npos) return span;
  const auto last = ParseDate(text.substr(dots + 2));
  if (!last || span.every_year || text.size() != 22 || *last < *first) {
    return std::nullopt;
  }
  span.last = *last;
  return span;
}

std::string PrintDateSpan(const DateSpan& span) {
  if (span.every_year) return PrintDate(span.first).substr(5);
  if (span.first == span.last) return PrintDate(span.first);
  return PrintDate(span.first) + ".." + PrintDate(span.last);
}

std::optional<int> ParseTimeOfDay(std::string_view text) {
  if (text.size() != 5 || text[2] != ':') return std::nullopt;
  const auto hours = Digits(text.substr(0, 2));
  const auto minutes = Digits(text.substr(3));
  if (!hours || !minutes || *minutes > 59) return std::nullopt;
  const int value = *hours * 60 + *minutes;
  if (value > 24 * 60) return std::nullopt;
  return value;
}

std::string PrintTimeOfDay(int minutes) {
  return fmt::format("{:02}:{:02}", minutes / 60, minutes % 60);
}

std::optional<int> ParseHours(std::string_view text) {
  if (text.empty() || (text.back() != 'h' && text.back() != 'd')) {
    return std::nullopt;
  }
  const auto number = Digits(text.substr(0, text.size() - 1));
  if (!number) return std::nullopt;
  const int hours = text.back() == 'd' ? *number * 24 : *number;
  if (hours < 1 || hours > kMaxTotalHours) return std::nullopt;
  return hours;
}

std::string PrintHours(int hours) {
  return hours % 24 == 0 ? fmt::format("{}d", hours / 24)
                         : fmt::format("{}h", hours);
}

bool IsServiceUnit(std::string_view text) {
  static constexpr std::string_view kEnd = ".service";
  if (!text.ends_with(kEnd) || text.size() > 255) return false;
  const std::string_view name = text.substr(0, text.size() - kEnd.size());
  return !name.empty() && name.back() != '@' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == ':' || c == '-' || c == '_' ||
                  c == '.' || c == '\\' || c == '@';
         });
}

bool NeedsVersion2(const Policy& policy) {
  return policy.sets != Sets{} || !policy.samples_key.empty() ||
         policy.landings || policy.identify || !policy.jobs.empty() ||
         std::ranges::any_of(policy.devices,
                             [](const DeviceRule& rule) {
                               return NeedsVersion2(rule.match);
                             }) ||
         std::ranges::any_of(policy.content, [](const ContentRule& rule) {
           return !rule.match.data_owner.empty() ||
                  !rule.match.file_groups.empty() ||
                  !rule.match.totals.empty() || rule.situation != DeviceMatch{};
         });
}

std::string PrintInterfacePattern(const InterfacePattern& pattern) {
  return PrintPart(pattern.klass) + "/" + PrintPart(pattern.subclass) + "/" +
         PrintPart(pattern.protocol);
}

}  // namespace sekisho::policy
