#include "policy/match.h"

#include <fmt/format.h>

#include <algorithm>

#include "policy/problems.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

constexpr uint8_t kStorageClass = 0x08;

bool IsContinuation(char c) {
  return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U;
}

size_t NextCharacter(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && IsContinuation(text[at])) ++at;
  return at;
}

bool Holds(const IntRange& range, int64_t value) {
  return (!range.at_least || value >= *range.at_least) &&
         (!range.at_most || value <= *range.at_most);
}

bool MatchesAny(const std::vector<std::string>& patterns,
                std::string_view text) {
  return std::ranges::any_of(patterns, [&](const std::string& pattern) {
    return MatchesPattern(pattern, text);
  });
}

bool MatchesAny(const std::vector<InterfacePattern>& patterns,
                const UsbInterface& interface) {
  return std::ranges::any_of(patterns, [&](const InterfacePattern& pattern) {
    return pattern.klass.value_or(interface.klass) == interface.klass &&
           pattern.subclass.value_or(interface.subclass) ==
               interface.subclass &&
           pattern.protocol.value_or(interface.protocol) == interface.protocol;
  });
}

// What is not known about people is the word "unknown", so that a rule can
// name it.
std::string_view OrUnknown(const std::string& text) {
  return text.empty() ? std::string_view("unknown") : text;
}

class DeviceQuestion {
 public:
  explicit DeviceQuestion(std::string* why) : why_(why) {}

  bool Text(std::string_view name, const std::optional<std::string>& pattern,
            std::string_view fact) {
    if (!pattern || MatchesPattern(*pattern, fact)) return true;
    return Failed([&] {
      return fmt::format("{} is {}, not {}", name, Quoted(fact),
                         Quoted(*pattern));
    });
  }

  bool AnyOf(std::string_view name, const std::vector<std::string>& patterns,
             std::string_view fact) {
    if (patterns.empty() || MatchesAny(patterns, fact)) return true;
    return Failed([&] {
      return fmt::format("{} is {}, none of those listed", name, Quoted(fact));
    });
  }

  // A device whose interfaces are not known matches no list of interfaces.
  bool Interfaces(const DeviceMatch& match, const DeviceFacts& device) {
    if (!match.interfaces_all.empty()) {
      if (device.interfaces.empty()) {
        return Failed([] { return std::string("interfaces are not known"); });
      }
      for (const UsbInterface& interface : device.interfaces) {
        if (MatchesAny(match.interfaces_all, interface)) continue;
        return Failed([&] {
          return fmt::format(
              "interface {:02x}/{:02x}/{:02x} is not in "
              "interfaces_all",
              interface.klass, interface.subclass, interface.protocol);
        });
      }
    }
    if (!match.interfaces_any.empty() &&
        std::ranges::none_of(
            device.interfaces, [&](const UsbInterface& interface) {
              return MatchesAny(match.interfaces_any, interface);
            })) {
      return Failed(
          [] { return std::string("no interface is one of interfaces_any"); });
    }
    return true;
  }

  bool Medium(const DeviceMatch& match, const MediumFacts& medium) {
    if (match.size_bytes && !Holds(*match.size_bytes, medium.size_bytes)) {
      return Failed(
          [&] { return fmt::format("size_bytes is {}", medium.size_bytes); });
    }
    return Text("filesystem", match.filesystem, medium.filesystem) &&
           Text("volume_uuid", match.volume_uuid, medium.volume_uuid) &&
           Text("volume_label", match.volume_label, medium.volume_label) &&
           Text("encryption", match.encryption, medium.encryption) &&
           Text("medium_serial", match.medium_serial, medium.medium_serial);
  }

  template <typename F>
  bool Failed(F phrase) {
    if (why_ != nullptr) *why_ = phrase();
    return false;
  }

 private:
  std::string* why_;
};

}  // namespace

bool MatchesPattern(std::string_view pattern, std::string_view text) {
  size_t p = 0;
  size_t t = 0;
  size_t star = std::string_view::npos;
  size_t star_text = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      star_text = t;
    } else if (p < pattern.size() && pattern[p] == '?') {
      ++p;
      t = NextCharacter(text, t);
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = star_text = NextCharacter(text, star_text);
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

bool CanHoldMedium(const DeviceFacts& device) {
  if (device.bus != "usb") return true;
  return std::ranges::any_of(device.interfaces, [](const UsbInterface& i) {
    return i.klass == kStorageClass;
  });
}

Match MatchDevice(const DeviceMatch& match, const DeviceFacts& device,
                  const PersonFacts& person, const TerminalFacts& terminal,
                  std::string* why) {
  DeviceQuestion ask(why);
  const bool known_holds =
      ask.Text("bus", match.bus, device.bus) &&
      ask.Text("vendor_id", match.vendor_id, device.vendor_id) &&
      ask.Text("product_id", match.product_id, device.product_id) &&
      ask.Text("serial", match.serial, device.serial) &&
      ask.Text("manufacturer", match.manufacturer, device.manufacturer) &&
      ask.Text("product", match.product, device.product) &&
      ask.Text("port", match.port, device.port) &&
      ask.Text("descriptor_hash", match.descriptor_hash,
               device.descriptor_hash) &&
      ask.Interfaces(match, device) &&
      ask.AnyOf("person", match.persons, OrUnknown(person.person)) &&
      ask.AnyOf("origin", match.origins, OrUnknown(person.origin)) &&
      ask.AnyOf("terminal", match.terminals, terminal.terminal);
  if (!known_holds) return Match::kNo;
  if (!match.NeedsMedium()) return Match::kYes;
  if (device.medium) {
    return ask.Medium(match, *device.medium) ? Match::kYes : Match::kNo;
  }
  if (!CanHoldMedium(device)) {
    ask.Failed([] { return std::string("the device holds no medium"); });
    return Match::kNo;
  }
  ask.Failed([] { return std::string("the medium was not looked at yet"); });
  return Match::kAskMedium;
}

bool MatchContent(const ContentMatch& match, const ContentFacts& content) {
  if (match.persons && !Holds(*match.persons, content.persons)) return false;
  if (match.bytes && !Holds(*match.bytes, content.bytes)) return false;
  const auto found = [&](const std::string& type) {
    const auto at = content.data.find(type);
    return at != content.data.end() && at->second >= 1;
  };
  if (!match.data.empty() && std::ranges::none_of(match.data, found)) {
    return false;
  }
  if (!match.inspection.empty() &&
      std::ranges::find(match.inspection, content.inspection) ==
          match.inspection.end()) {
    return false;
  }
  if (!match.reason.empty() && !MatchesAny(match.reason, content.reason)) {
    return false;
  }
  return match.format.empty() || MatchesAny(match.format, content.format);
}

}  // namespace sekisho::policy
