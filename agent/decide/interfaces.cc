#include "agent/decide/interfaces.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>

namespace sekisho::decide {
namespace {

using policy::Access;
using policy::UsbInterface;

// Each question settles at least one interface; more rules for one device than
// this are not asked, and what is left stays closed.
constexpr int kMaxQuestions = 8;
constexpr size_t kMaxNamed = 16;

auto KeyOf(const UsbInterface& i) {
  return std::tuple(i.klass, i.subclass, i.protocol);
}

bool Fits(const std::vector<policy::InterfacePattern>& patterns,
          const UsbInterface& i) {
  return std::ranges::any_of(patterns, [&](const auto& pattern) {
    return pattern.klass.value_or(i.klass) == i.klass &&
           pattern.subclass.value_or(i.subclass) == i.subclass &&
           pattern.protocol.value_or(i.protocol) == i.protocol;
  });
}

// `rule` answered for a part of the device: would it for the whole?
bool FitsWhole(const policy::DeviceRule& rule,
               const policy::DeviceFacts& facts) {
  const auto& all = rule.match.interfaces_all;
  return all.empty() || std::ranges::all_of(facts.interfaces, [&](auto& i) {
           return Fits(all, i);
         });
}

bool IsForMedia(Access access) {
  return access != Access::kBlock && access != Access::kFull;
}

bool Covers(const policy::DeviceRule* rule,
            const policy::DeviceDecision& decision, bool has_storage,
            const UsbInterface& i) {
  // An answer that hangs on the probe is about what the probe looks at.
  if (has_storage && !IsStorage(i) &&
      (decision.needs_probe || IsForMedia(decision.access))) {
    return false;
  }
  if (!has_storage && IsForMedia(decision.access) && !IsQuiet(i)) return false;
  if (rule == nullptr || rule->match.interfaces_any.empty() ||
      !rule->match.interfaces_all.empty()) {
    return true;
  }
  return Fits(rule->match.interfaces_any, i);
}

}  // namespace

Interfaces Sorted(Interfaces interfaces) {
  std::ranges::sort(interfaces, {}, KeyOf);
  const auto rest = std::ranges::unique(interfaces);
  interfaces.erase(rest.begin(), rest.end());
  return interfaces;
}

bool IsStorage(const UsbInterface& interface) {
  return interface.klass == 0x08;
}

bool ReachesStorage(Authorization reach, const Interfaces& listed) {
  return reach == Authorization::kAll || reach == Authorization::kMedium ||
         (reach == Authorization::kListed &&
          std::ranges::any_of(listed, IsStorage));
}

bool IsQuiet(const UsbInterface& interface) {
  constexpr std::array<uint8_t, 5> kQuiet = {0x01, 0x03, 0x09, 0x0b, 0x0e};
  return std::ranges::find(kQuiet, interface.klass) != kQuiet.end();
}

const policy::DeviceRule* RuleOf(const policy::Policy& policy,
                                 const std::string& id) {
  const auto found =
      std::ranges::find(policy.devices, id, &policy::DeviceRule::id);
  return found == policy.devices.end() ? nullptr : &*found;
}

InterfaceChoice ChooseInterfaces(const policy::DeviceFacts& facts,
                                 const policy::DeviceDecision& whole,
                                 const policy::Policy& policy,
                                 const Decide& decide) {
  InterfaceChoice choice;
  const bool has_storage = std::ranges::any_of(facts.interfaces, IsStorage);
  policy::DeviceFacts rest = facts;
  rest.interfaces = Sorted(facts.interfaces);
  for (int i = 0; i < kMaxQuestions && !rest.interfaces.empty(); ++i) {
    const policy::DeviceDecision decision = i == 0 ? whole : decide(rest);
    if (decision.access == Access::kBlock && !decision.needs_probe) break;
    const policy::DeviceRule* rule = RuleOf(policy, decision.rule);
    if (i > 0 && rule != nullptr && !FitsWhole(*rule, facts)) break;
    const auto left = std::ranges::partition(
        rest.interfaces, [&](const UsbInterface& interface) {
          return Covers(rule, decision, has_storage, interface);
        });
    if (left.begin() == rest.interfaces.begin()) break;
    if (std::any_of(rest.interfaces.begin(), left.begin(), IsStorage)) {
      choice.storage = decision;
    }
    choice.opened.insert(choice.opened.end(), rest.interfaces.begin(),
                         left.begin());
    rest.interfaces.erase(rest.interfaces.begin(), left.begin());
  }
  choice.opened = Sorted(std::move(choice.opened));
  choice.closed = Sorted(std::move(rest.interfaces));
  return choice;
}

std::string NamesOf(const Interfaces& interfaces) {
  std::string names;
  for (size_t i = 0; i < std::min(interfaces.size(), kMaxNamed); ++i) {
    names += fmt::format("{}{:02x}/{:02x}/{:02x}", i == 0 ? "" : ", ",
                         interfaces[i].klass, interfaces[i].subclass,
                         interfaces[i].protocol);
  }
  if (interfaces.size() > kMaxNamed) {
    names += fmt::format(" and {} more", interfaces.size() - kMaxNamed);
  }
  return names;
}

}  // namespace sekisho::decide
