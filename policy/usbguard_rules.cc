#include "policy/usbguard_rules.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>

#include "common/text.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

constexpr auto kTargets = WordList("allow", "block", "reject");
constexpr auto kAttributes =
    WordList("id", "hash", "parent-hash", "name", "serial", "via-port",
             "with-interface", "with-connect-type", "label", "if");
constexpr auto kOperators = WordList("all-of", "one-of", "none-of", "equals",
                                     "equals-ordered", "match-all");
constexpr auto kConditions =
    WordList("allowed-matches", "rule-applied", "rule-evaluated", "random",
             "true", "false", "localtime");

using Words = std::span<const std::string_view>;

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

bool IsWordCharacter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '-' || c == '_' || c == ':' ||
         c == '*' || c == '.';
}

std::optional<int> HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return std::nullopt;
}

// "1d6b:0002", "1d6b:*", "*:*"
bool IsDeviceId(std::string_view text) {
  const auto parts = Split(text, ':');
  if (parts.size() != 2) return false;
  const auto good = [](std::string_view part) {
    return part == "*" ||
           (part.size() == 4 && std::ranges::all_of(part, [](char c) {
              return HexDigit(c).has_value();
            }));
  };
  return good(parts[0]) && good(parts[1]) &&
         (parts[0] != "*" || parts[1] == "*");
}

// One line of the file.
class LineReader {
 public:
  LineReader(std::string_view line, int number, Problems& problems)
      : line_(line), number_(number), problems_(problems) {}

  // nullopt: nothing but a comment, or not the grammar (a problem is added).
  std::optional<UsbguardRule> Read();

 private:
  void SkipBlanks() {
    while (at_ < line_.size() && IsBlank(line_[at_])) ++at_;
  }
  bool AtEnd() {
    SkipBlanks();
    return at_ >= line_.size() || line_[at_] == '#';
  }
  bool Take(char c) {
    if (at_ >= line_.size() || line_[at_] != c) return false;
    ++at_;
    return true;
  }
  std::string_view Word() {
    SkipBlanks();
    const size_t begin = at_;
    while (at_ < line_.size() && IsWordCharacter(line_[at_])) ++at_;
    return line_.substr(begin, at_ - begin);
  }
  bool Fail(std::string message) {
    problems_.Add(number_, static_cast<int>(at_) + 1, std::move(message));
    return false;
  }
  bool FailWord(std::string_view what, std::string_view found, Words words);

  bool ReadAttribute(UsbguardRule* rule);
  bool ReadValues(UsbguardAttribute* attribute);
  bool ReadValue(UsbguardAttribute* attribute);
  bool ReadText(std::string* out);
  bool ReadEscape(std::string* out);
  bool ReadCondition(std::string* out);

  const std::string_view line_;
  const int number_;
  Problems& problems_;
  size_t at_ = 0;
};

bool LineReader::FailWord(std::string_view what, std::string_view found,
                          Words words) {
  return Fail(fmt::format("expected {} ({}), found {}{}", what, Joined(words),
                          Quoted(found), Suggestion(found, words)));
}

bool LineReader::ReadEscape(std::string* out) {
  if (at_ >= line_.size()) return Fail("expected an escaped character");
  const char c = line_[at_++];
  if (c == 'x') {
    const auto high = at_ < line_.size() ? HexDigit(line_[at_]) : std::nullopt;
    const auto low =
        at_ + 1 < line_.size() ? HexDigit(line_[at_ + 1]) : std::nullopt;
    if (!high || !low) return Fail("expected two hex digits after '\\x'");
    *out += static_cast<char>(*high * 16 + *low);
    at_ += 2;
    return true;
  }
  constexpr std::string_view kFrom = "\"\\nrtabfv";
  constexpr std::string_view kTo = "\"\\\n\r\t\a\b\f\v";
  const size_t known = kFrom.find(c);
  if (known == std::string_view::npos) {
    return Fail(
        fmt::format("expected \\\", \\\\, \\n or \\xHH, found the "
                    "escape {}",
                    Quoted(std::string_view(&c, 1))));
  }
  *out += kTo[known];
  return true;
}

bool LineReader::ReadText(std::string* out) {
  SkipBlanks();
  if (!Take('"')) return Fail("expected a text in double quotes");
  while (at_ < line_.size()) {
    const char c = line_[at_++];
    if (c == '"') return true;
    if (c != '\\') {
      *out += c;
    } else if (!ReadEscape(out)) {
      return false;
    }
  }
  return Fail("expected a closing quote, found the end of the line");
}

bool LineReader::ReadCondition(std::string* out) {
  SkipBlanks();
  if (Take('!')) *out += '!';
  const std::string_view word = Word();
  if (std::ranges::find(kConditions, word) == kConditions.end()) {
    return FailWord("a condition", word, kConditions);
  }
  *out += word;
  if (!Take('(')) return true;
  const size_t end = line_.find(')', at_);
  if (end == std::string_view::npos) {
    return Fail("expected ')' after the argument of the condition");
  }
  *out += '(' + std::string(Trim(line_.substr(at_, end - at_))) + ')';
  at_ = end + 1;
  return true;
}

bool LineReader::ReadValue(UsbguardAttribute* attribute) {
  if (attribute->values.size() >= kMaxUsbguardValues) {
    return Fail(fmt::format("expected at most {} values", kMaxUsbguardValues));
  }
  std::string value;
  if (attribute->name == "if") {
    if (!ReadCondition(&value)) return false;
  } else if (attribute->name == "id") {
    value = Word();
    if (!IsDeviceId(value)) {
      return Fail(
          fmt::format("expected an id such as 1d6b:0002, 1d6b:* or "
                      "*:*, found {}",
                      Quoted(value)));
    }
  } else if (attribute->name == "with-interface") {
    value = Word();
    std::string slashes = value;
    std::ranges::replace(slashes, ':', '/');
    const auto pattern = ParseInterfacePattern(slashes);
    const bool good = pattern && (pattern->klass) &&
                      (pattern->subclass || !pattern->protocol);
    if (!good) {
      return Fail(
          fmt::format("expected an interface such as 08:06:50, "
                      "08:06:* or 08:*:*, found {}",
                      Quoted(value)));
    }
  } else if (!ReadText(&value)) {
    return false;
  }
  attribute->values.push_back(std::move(value));
  return true;
}

bool LineReader::ReadValues(UsbguardAttribute* attribute) {
  SkipBlanks();
  const size_t before = at_;
  const std::string_view word = Word();
  const auto op = std::ranges::find(kOperators, word);
  const bool has_operator = op != kOperators.end();
  if (has_operator) {
    attribute->op = static_cast<UsbguardOperator>(op - kOperators.begin());
  } else {
    at_ = before;
  }
  SkipBlanks();
  if (!Take('{')) {
    if (has_operator) return Fail("expected '{' after the operator");
    return ReadValue(attribute);
  }
  for (SkipBlanks(); !Take('}'); SkipBlanks()) {
    if (AtEnd()) return Fail("expected '}', found the end of the line");
    if (!ReadValue(attribute)) return false;
  }
  if (attribute->values.empty()) return Fail("expected a value before '}'");
  return true;
}

bool LineReader::ReadAttribute(UsbguardRule* rule) {
  SkipBlanks();
  UsbguardAttribute attribute;
  attribute.column = static_cast<int>(at_) + 1;
  const size_t before = at_;
  const std::string_view word = Word();
  if (std::ranges::find(kAttributes, word) != kAttributes.end()) {
    attribute.name = word;
  } else if (rule->attributes.empty() && IsDeviceId(word)) {
    attribute.name = "id";  // "allow 1d6b:0002 ..."
    at_ = before;
  } else {
    return FailWord("an attribute", word, kAttributes);
  }
  const auto same = std::ranges::find(rule->attributes, attribute.name,
                                      &UsbguardAttribute::name);
  if (same != rule->attributes.end()) {
    return Fail(fmt::format("expected '{}' once", attribute.name));
  }
  if (!rule->attributes.empty() && rule->attributes.back().name == "if") {
    return Fail("expected nothing after the conditions");
  }
  if (!ReadValues(&attribute)) return false;
  rule->attributes.push_back(std::move(attribute));
  return true;
}

std::optional<UsbguardRule> LineReader::Read() {
  if (AtEnd()) return std::nullopt;
  UsbguardRule rule;
  rule.line = number_;
  const std::string_view target = Word();
  if (std::ranges::find(kTargets, target) == kTargets.end()) {
    FailWord("a target", target, kTargets);
    return std::nullopt;
  }
  rule.target = target;
  while (!AtEnd()) {
    if (!ReadAttribute(&rule)) return std::nullopt;
  }
  return rule;
}

}  // namespace

std::vector<UsbguardRule> ReadUsbguardRules(std::string_view text,
                                            Problems& problems) {
  std::vector<UsbguardRule> rules;
  int number = 0;
  while (!text.empty()) {
    ++number;
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (auto rule = LineReader(line, number, problems).Read()) {
      if (rules.size() >= kMaxRules) {
        problems.Add(number, 1,
                     fmt::format("expected at most {} rules", kMaxRules));
        return rules;
      }
      rules.push_back(std::move(*rule));
    }
  }
  return rules;
}

}  // namespace sekisho::policy
