#include "policy/containment.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "common/text.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kMagic = "sekisho-contain-1";
constexpr std::string_view kRulePrefix = "contain:";
constexpr uint8_t kStorageClass = 0x08;
constexpr uint8_t kImagingClass = 0x06;  // cameras and phones over PTP, MTP

// Digits only, as it is printed.
std::optional<int64_t> Seconds(std::string_view text) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() ||
      std::to_string(value) != text) {
    return std::nullopt;
  }
  return value;
}

std::string_view TakeWord(std::string_view& line) {
  const size_t space = std::min(line.find(' '), line.size());
  const std::string_view word = line.substr(0, space);
  line.remove_prefix(std::min(space + 1, line.size()));
  return word;
}

Result<Containment> ParseLine(std::string_view line) {
  const auto id = Seconds(TakeWord(line));
  const auto kind = ParseContainKind(TakeWord(line));
  const auto from = Seconds(TakeWord(line));
  const auto until = Seconds(TakeWord(line));
  if (!id || *id <= 0 || !kind || !from || !until) {
    return Fail(Code::kInvalidArgument,
                "expected '<id> <kind> <from> <until> <target>'");
  }
  // No overflow: `from` is not negative where the difference is formed.
  if (*from < 0 || *until <= *from || *until - *from > kMaxContainSeconds) {
    return Fail(Code::kInvalidArgument, "it lasts a second to 24 hours");
  }
  if (!IsOneLine(line, kMaxContainTargetBytes)) {
    return Fail(Code::kInvalidArgument, "the target is one line of text");
  }
  return Containment{.id = *id,
                     .kind = *kind,
                     .target = std::string(line),
                     .from_seconds = *from,
                     .until_seconds = *until};
}

}  // namespace

const char* Name(ContainKind kind) {
  switch (kind) {
    case ContainKind::kPerson:
      return "person";
    case ContainKind::kTerminal:
      return "terminal";
    case ContainKind::kDevice:
      return "device";
  }
  return "terminal";
}

std::optional<ContainKind> ParseContainKind(std::string_view word) {
  for (const ContainKind kind :
       {ContainKind::kPerson, ContainKind::kTerminal, ContainKind::kDevice}) {
    if (word == Name(kind)) return kind;
  }
  return std::nullopt;
}

Result<std::vector<Containment>> ParseContainments(std::string_view text) {
  const auto lines = Split(text, '\n');
  if (lines.size() < 2 || lines.front() != kMagic || !lines.back().empty()) {
    return Fail(Code::kInvalidArgument,
                "contain: expected 'sekisho-contain-1' and whole lines");
  }
  if (lines.size() - 2 > kMaxContainments) {
    return Fail(Code::kResourceExhausted,
                fmt::format("contain: more than {} at once", kMaxContainments));
  }
  std::vector<Containment> all;
  for (size_t i = 1; i + 1 < lines.size(); ++i) {
    auto one = ParseLine(lines[i]);
    if (one && !all.empty() && one->id <= all.back().id) {
      one = Fail(Code::kInvalidArgument, "ids must rise");
    }
    if (!one) return Wrap(fmt::format("contain:{}", i + 1), one.error());
    all.push_back(*std::move(one));
  }
  return all;
}

std::string PrintContainments(const std::vector<Containment>& all) {
  std::string text = std::string(kMagic) + "\n";
  for (const Containment& one : all) {
    text += fmt::format("{} {} {} {} {}\n", one.id, Name(one.kind),
                        one.from_seconds, one.until_seconds, one.target);
  }
  return text;
}

std::string RuleName(const Containment& containment) {
  return fmt::format("{}{}", kRulePrefix, containment.id);
}

bool IsContainRule(std::string_view rule) {
  return rule.starts_with(kRulePrefix);
}

bool CarriesFiles(const DeviceFacts& facts) {
  return facts.bus != "usb" ||
         std::ranges::any_of(facts.interfaces, [](const UsbInterface& i) {
           return i.klass == kStorageClass || i.klass == kImagingClass;
         });
}

std::string DeviceKey(const DeviceFacts& facts) {
  if (facts.vendor_id.empty() && facts.product_id.empty() &&
      facts.serial.empty()) {
    return {};
  }
  return EscapeUntrusted(facts.vendor_id, 16) + ":" +
         EscapeUntrusted(facts.product_id, 16) + ":" +
         EscapeUntrusted(facts.serial, 1024);
}

bool Covers(const Containment& containment, const DeviceFacts& facts,
            std::string_view person) {
  switch (containment.kind) {
    case ContainKind::kPerson:
      return containment.target == person;
    case ContainKind::kTerminal:
      return true;
    case ContainKind::kDevice:
      return containment.target == DeviceKey(facts);
  }
  return true;
}

std::map<std::string, std::string> NoticeOf(const Containment& containment,
                                            std::string_view until) {
  const char* ja = "この端末での媒体の使用";
  const char* en = "all use of media on this terminal";
  if (containment.kind == ContainKind::kPerson) {
    ja = "あなたのアカウントでの媒体の使用";
    en = "all use of media by your account";
  } else if (containment.kind == ContainKind::kDevice) {
    ja = "この媒体の使用";
    en = "all use of this medium";
  }
  const std::string to_ja = until.empty() ? "" : fmt::format("{}まで", until);
  const std::string to_en =
      until.empty() ? "" : fmt::format(" until {}", until);
  return {
      {"ja", fmt::format("セキュリティ担当の指示で{}を{}停止しています"
                         " (封じ込め {})",
                         ja, to_ja, containment.id)},
      {"en", fmt::format("the security team has stopped {}{} (containment {})",
                         en, to_en, containment.id)},
  };
}

std::string ReasonOf(const Containment& containment) {
  return fmt::format("containment {} of a {} by the SOC", containment.id,
                     Name(containment.kind));
}

}  // namespace sekisho::policy
