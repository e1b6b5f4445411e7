#include "policy/lint.h"

#include <fmt/format.h>

#include <optional>

#include "policy/evaluator.h"
#include "policy/problems.h"

namespace sekisho::policy {
namespace {

// A rule without a condition takes all; rules after it are never asked.
template <typename Rule, typename Takes>
void FindUnreachable(const std::vector<Rule>& rules, Takes takes_all,
                     Problems& problems) {
  const Rule* last = nullptr;
  for (const Rule& rule : rules) {
    if (last != nullptr) {
      problems.Add(rule.line, 1,
                   fmt::format("rule '{}' is never reached: rule '{}' (line "
                               "{}) takes everything",
                               rule.id, last->id, last->line));
    } else if (takes_all(rule)) {
      last = &rule;
    }
  }
}

struct Needed {
  const char* what;
  UsbInterface interface;
  const char* pattern;
};

constexpr Needed kNeeded[] = {
    {"keyboard", {0x03, 0x01, 0x01}, "03/*/*"},
    {"hub", {0x09, 0x00, 0x00}, "09/*/*"},
};

}  // namespace

std::vector<Problem> Lint(const Policy& policy, std::string_view file_name) {
  Problems problems(file_name);
  FindUnreachable(
      policy.devices,
      [](const DeviceRule& rule) {
        return !rule.list && rule.match == DeviceMatch{};
      },
      problems);
  FindUnreachable(
      policy.content,
      [](const ContentRule& rule) { return rule.match == ContentMatch{}; },
      problems);
  if (policy.mode == Mode::kEnforce) {
    const auto snapshot = Snapshot::Make(policy, {}, 0);
    for (const Needed& needed : kNeeded) {
      DeviceFacts device;
      device.vendor_id = "ffff";
      device.product_id = "ffff";
      device.interfaces = {needed.interface};
      const auto decision = snapshot->DecideDevice(device, {}, {}, WallTime{});
      if (decision.access != Access::kBlock) continue;
      problems.Add(decision.rule_line == 0 ? 1 : decision.rule_line, 1,
                   fmt::format("a {} would be blocked by rule '{}'; add a rule "
                               "with 'match: {{ interfaces_all: [\"{}\"] }}' "
                               "and 'access: full' before it",
                               needed.what, decision.rule, needed.pattern));
    }
  }
  return problems.Take();
}

}  // namespace sekisho::policy
