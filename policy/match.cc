#include "policy/match.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "policy/problems.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

constexpr uint8_t kStorageClass = 0x08;
constexpr std::string_view kAsksMedium = "the medium was not looked at yet";

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

// Asks one condition after another and words the first that fails.
class Asker {
 public:
  explicit Asker(std::string* why) : why_(why) {}

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

  // One of the named sets of the policy.
  template <typename F>
  bool Named(std::string_view what, const std::vector<std::string>& names,
             F holds) {
    if (names.empty() || std::ranges::any_of(names, holds)) return true;
    return Failed(
        [&] { return fmt::format("{} {}", what, fmt::join(names, ", ")); });
  }

  bool Range(std::string_view name, const std::optional<IntRange>& range,
             int64_t value) {
    if (!range || Holds(*range, value)) return true;
    return Failed([&] { return fmt::format("{} is {}", name, value); });
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
    return Range("size_bytes", match.size_bytes, medium.size_bytes) &&
           Text("filesystem", match.filesystem, medium.filesystem) &&
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

std::string_view OrUnknown(const std::string& text) {
  return text.empty() ? std::string_view("unknown") : text;
}

bool CanHoldMedium(const DeviceFacts& device) {
  if (device.bus != "usb") return true;
  return std::ranges::any_of(device.interfaces, [](const UsbInterface& i) {
    return i.klass == kStorageClass;
  });
}

namespace {

// The conditions that stand in this match itself.
Match MatchOwn(const DeviceMatch& match, const Question& q, std::string* why) {
  const DeviceFacts& device = q.device;
  const std::string_view person = OrUnknown(q.person.person);
  Asker ask(why);
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
      ask.Range("interface_count", match.interface_count,
                static_cast<int64_t>(device.interfaces.size())) &&
      ask.AnyOf("person", match.persons, person) &&
      ask.AnyOf("origin", match.origins, OrUnknown(q.person.origin)) &&
      ask.AnyOf("terminal", match.terminals, q.terminal.terminal) &&
      ask.Named("the person is in no group", match.person_groups,
                [&](const std::string& group) {
                  return q.sets.HasPerson(group, person);
                }) &&
      ask.Named("the terminal is in no group", match.terminal_groups,
                [&](const std::string& group) {
                  return q.sets.HasTerminal(group, q.terminal);
                }) &&
      ask.Named("not during", match.during, [&](const std::string& window) {
        return q.sets.IsOpen(window, q.open_windows);
      });
  if (!known_holds) return Match::kNo;
  if (match.online && *match.online != q.terminal.online) {
    ask.Failed([&] {
      return std::string(q.terminal.online ? "the terminal is online"
                                           : "the terminal is offline");
    });
    return Match::kNo;
  }
  if (!match.NeedsMedium()) return Match::kYes;
  if (device.medium) {
    return ask.Medium(match, *device.medium) ? Match::kYes : Match::kNo;
  }
  if (!CanHoldMedium(device)) {
    ask.Failed([] { return std::string("the device holds no medium"); });
    return Match::kNo;
  }
  ask.Failed([] { return std::string(kAsksMedium); });
  return Match::kAskMedium;
}

// One of `parts` holds; what is open stays open.
template <typename Parts, typename F>
Match OneOf(const Parts& parts, F match) {
  Match best = Match::kNo;
  for (const auto& part : parts) {
    const Match one = match(part);
    if (one == Match::kYes) return Match::kYes;
    if (one == Match::kAskMedium) best = Match::kAskMedium;
  }
  return best;
}

// Without a sum, this file alone.
int64_t TotalOfContent(const TotalKey& key, const ContentFacts& content) {
  const auto at = content.totals.find(key);
  if (at != content.totals.end()) return at->second;
  switch (key.of) {
    case TotalOf::kPersons:
      return content.persons;
    case TotalOf::kBytes:
      return content.bytes;
    case TotalOf::kFiles:
      return 1;
  }
  return content.persons;
}

// One of the owners is enough. Of an unknown one the label is empty.
bool OfOwner(const std::vector<std::string>& patterns,
             const std::vector<std::string>& owners, Asker& ask) {
  const auto listed = [&](const std::string& owner) {
    return MatchesAny(patterns, owner);
  };
  const bool holds = patterns.empty() || (owners.empty() && listed("")) ||
                     std::ranges::any_of(owners, listed);
  return holds || ask.Failed([&] {
    return fmt::format("data_owner is {}, none of those listed",
                       Quoted(fmt::format("{}", fmt::join(owners, ", "))));
  });
}

Match Both(Match a, Match b) {
  if (a == Match::kNo || b == Match::kNo) return Match::kNo;
  return a == Match::kYes ? b : a;
}

}  // namespace

Question::Question(const NamedSets& named, const DeviceFacts& about_device,
                   const PersonFacts& about_person,
                   const TerminalFacts& about_terminal, WallTime at)
    : sets(named),
      device(about_device),
      person(about_person),
      terminal(about_terminal),
      now(at),
      open_windows(named.OpenAt(at)) {}

// Recursion goes as deep as the parser lets a condition nest, plus one for a
// group, which names no other.
// NOLINTNEXTLINE(misc-no-recursion)
Match MatchDevice(const DeviceMatch& match, const Question& question,
                  std::string* why) {
  Match all = MatchOwn(match, question, why);
  const auto nested = [&](const DeviceMatch& part) {
    return MatchDevice(part, question);
  };
  const auto both = [&](Match more, std::string_view failed) {
    const bool decides = all != Match::kNo && more != Match::kYes;
    if (decides && why != nullptr) {
      *why = more == Match::kNo ? failed : kAsksMedium;
    }
    all = Both(all, more);
  };
  if (!match.device_groups.empty() && all != Match::kNo) {
    both(OneOf(match.device_groups,
               [&](const std::string& name) {
                 const DeviceMatch* group = question.sets.Device(name);
                 return group == nullptr ? Match::kNo : nested(*group);
               }),
         why == nullptr ? ""
                        : fmt::format("the device is in no group {}",
                                      fmt::join(match.device_groups, ", ")));
  }
  for (const DeviceMatch& part : match.all) {
    if (all == Match::kNo) return all;
    std::string inner;
    const Match one =
        MatchDevice(part, question, why == nullptr ? nullptr : &inner);
    both(one, why == nullptr ? "" : "of 'all': " + inner);
  }
  if (!match.any.empty() && all != Match::kNo) {
    both(OneOf(match.any, nested), "nothing of 'any' holds");
  }
  for (const DeviceMatch& part : match.none) {
    if (all == Match::kNo) return all;
    const Match one = nested(part);
    both(one == Match::kYes  ? Match::kNo
         : one == Match::kNo ? Match::kYes
                             : one,
         "what 'not' excludes holds");
  }
  return all;
}

bool MatchContent(const ContentMatch& match, const ContentFacts& content,
                  const NamedSets& sets, std::string* why) {
  Asker ask(why);
  if (!ask.Range("persons", match.persons, content.persons) ||
      !ask.Range("bytes", match.bytes, content.bytes)) {
    return false;
  }
  const auto found = [&](const std::string& type) {
    const auto at = content.data.find(type);
    return at != content.data.end() && at->second >= 1;
  };
  if (!ask.Named("the file holds no", match.data, found)) return false;
  if (!match.inspection.empty() &&
      std::ranges::find(match.inspection, content.inspection) ==
          match.inspection.end()) {
    return ask.Failed([&] {
      return fmt::format("inspection is {}", Name(content.inspection));
    });
  }
  if (!ask.AnyOf("reason", match.reason, content.reason) ||
      !ask.AnyOf("format", match.format, content.format) ||
      !OfOwner(match.data_owner, content.data_owners, ask) ||
      !ask.Named("the file is in no group", match.file_groups,
                 [&](const std::string& group) {
                   return sets.HasFile(group, content.file_hash);
                 })) {
    return false;
  }
  return std::ranges::all_of(match.totals, [&](const TotalLimit& limit) {
    const int64_t total = TotalOfContent(limit.key, content);
    return total >= limit.at_least || ask.Failed([&] {
      return fmt::format("{} a {} in {} are {}", Name(limit.key.of),
                         Name(limit.key.by), PrintHours(limit.key.hours),
                         total);
    });
  });
}

}  // namespace sekisho::policy
