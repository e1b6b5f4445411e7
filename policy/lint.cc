#include "policy/lint.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <optional>

#include "policy/covers.h"
#include "policy/evaluator.h"
#include "policy/problems.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

// Pairs of rules are compared; more rules than this only with those that take
// everything.
constexpr size_t kMaxCompared = 3000;
// Moments at which a keyboard is asked for, at the changes of windows.
constexpr int kMaxMoments = 40;

std::string At(int line) {
  return line > 0 ? fmt::format(" (line {})", line) : "";
}

template <typename Rule, typename Covering>
void FindUnreachable(const std::vector<Rule>& rules, Covering covers,
                     Problems& problems) {
  std::vector<const Rule*> before;
  const Rule* all = nullptr;
  const Rule anything{};
  for (const Rule& rule : rules) {
    const auto at = std::ranges::find_if(
        before, [&](const Rule* earlier) { return covers(*earlier, rule); });
    if (all != nullptr) {
      problems.Add(std::max(rule.line, 1), 1,
                   fmt::format("rule '{}' is never reached: rule '{}'{} takes "
                               "everything",
                               rule.id, all->id, At(all->line)));
    } else if (at != before.end()) {
      problems.Add(std::max(rule.line, 1), 1,
                   fmt::format("rule '{}' is never reached: rule '{}'{} takes "
                               "all that it could match",
                               rule.id, (*at)->id, At((*at)->line)));
    } else if (covers(rule, anything)) {
      all = &rule;
    } else if (before.size() < kMaxCompared) {
      before.push_back(&rule);
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

// With and without the server, and whenever a window opens or closes.
std::optional<DeviceDecision> FirstBlock(const Snapshot& snapshot,
                                         const DeviceFacts& device) {
  WallTime now{};
  for (int i = 0; i < kMaxMoments; ++i) {
    for (const bool online : {true, false}) {
      TerminalFacts terminal;
      terminal.online = online;
      auto decision = snapshot.DecideDevice(device, {}, terminal, now);
      if (decision.access == Access::kBlock) return decision;
    }
    const auto next = snapshot.NextChange(now);
    if (!next) break;
    now = *next;
  }
  return std::nullopt;
}

void FindLockOut(const Policy& policy, Problems& problems) {
  const auto snapshot = Snapshot::Make(policy, {}, 0);
  for (const Needed& needed : kNeeded) {
    DeviceFacts device;
    device.vendor_id = "ffff";
    device.product_id = "ffff";
    device.interfaces = {needed.interface};
    const auto decision = FirstBlock(*snapshot, device);
    if (!decision) continue;
    problems.Add(std::max(decision->rule_line, 1), 1,
                 fmt::format("a {} would be blocked by rule '{}'; add a rule "
                             "with 'match: {{ interfaces_all: [\"{}\"] }}' "
                             "and 'access: full' before it",
                             needed.what, decision->rule, needed.pattern));
  }
}

// In a policy of version 1, which can define none.
void FindUndefinedTypes(const Policy& policy, Problems& problems) {
  for (const ContentRule& rule : policy.content) {
    for (const std::string& type : rule.match.data) {
      const std::string_view id = CustomId(type);
      if (id.empty() ||
          std::ranges::find(policy.sets.types, id, &CustomType::name) !=
              policy.sets.types.end()) {
        continue;
      }
      problems.Add(std::max(rule.line, 1), 1,
                   fmt::format("rule '{}' asks for '{}', which the policy does "
                               "not define: no file holds it; define it under "
                               "'types' ('policy: 2')",
                               rule.id, type));
    }
  }
}

}  // namespace

std::vector<Problem> Lint(const Policy& policy, std::string_view file_name) {
  Problems problems(file_name);
  FindUnreachable(
      policy.devices,
      [](const DeviceRule& wide, const DeviceRule& narrow) {
        // A list holds the devices that it holds.
        return !wide.list && Covers(wide.match, narrow.match);
      },
      problems);
  FindUnreachable(
      policy.content,
      [](const ContentRule& wide, const ContentRule& narrow) {
        return Covers(wide, narrow);
      },
      problems);
  FindUndefinedTypes(policy, problems);
  if (policy.mode == Mode::kEnforce) FindLockOut(policy, problems);
  return problems.Take();
}

std::vector<Coverage> CountCovered(const Policy& policy,
                                   const std::vector<DeviceEntry>& rows,
                                   WallTime now) {
  const auto snapshot = Snapshot::Make(policy, rows, 0);
  std::map<std::string, int64_t> counts;
  int64_t patterns = 0;
  for (const DeviceEntry& row : rows) {
    if (row.serial == "*") {
      ++patterns;
      continue;
    }
    DeviceFacts device;
    device.bus = row.vendor_id.empty() ? "scsi" : "usb";
    device.vendor_id = row.vendor_id;
    device.product_id = row.product_id;
    device.serial = row.serial;
    device.descriptor_hash = row.descriptor_hash;
    device.interfaces = {{0x08, 0x06, 0x50}};
    TerminalFacts terminal;
    terminal.terminal = row.terminal;
    ++counts[snapshot->DecideDevice(device, {}, terminal, now).rule];
  }
  std::vector<Coverage> out;
  for (const DeviceRule& rule : policy.devices) {
    out.push_back({rule.id, rule.line, counts[rule.id]});
  }
  out.push_back({"default", 0, counts["default"]});
  if (patterns > 0) out.push_back({"(rows for many devices)", 0, patterns});
  return out;
}

}  // namespace sekisho::policy
