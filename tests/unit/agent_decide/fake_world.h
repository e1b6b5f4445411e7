// The world of the decider's tests: remembers what was asked, answers when the
// test says so, and a clock that the test sets.
#pragma once

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "agent/decide/decider.h"
#include "agent/decide/interfaces.h"

namespace sekisho::decide {

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return now; }
  BootTime SinceBoot() const override { return BootTime(1); }
  WallTime now{std::chrono::hours(24 * 365 * 50)};
};

class FakeEffects final : public Effects {
 public:
  void SetMode(policy::Mode mode) override {
    calls.push_back(fmt::format("mode {}", policy::Name(mode)));
  }
  void SetAuthorized(DeviceId id, Authorization wanted,
                     const Interfaces& listed) override {
    constexpr const char* kNames[] = {"none", "medium", "listed", "all"};
    const std::string word = wanted == Authorization::kListed
                                 ? NamesOf(listed)
                                 : kNames[static_cast<int>(wanted)];
    calls.push_back(fmt::format("{} authorize {}", id, word));
    ++waiting[id];
  }
  void Probe(DeviceId id) override {
    calls.push_back(fmt::format("{} probe", id));
    ++waiting[id];
  }
  void Wait(DeviceId id, std::chrono::milliseconds time) override {
    calls.push_back(fmt::format("{} wait {}", id, time.count()));
  }
  void Open(DeviceId id, const policy::DeviceFacts&,
            const policy::DeviceDecision& decision) override {
    calls.push_back(
        fmt::format("{} open {}", id, policy::Name(decision.access)));
    ++waiting[id];
  }
  void ChangeAccess(DeviceId id, policy::Access access) override {
    calls.push_back(fmt::format("{} access {}", id, policy::Name(access)));
  }
  void Close(DeviceId id, const std::string&) override {
    calls.push_back(fmt::format("{} close", id));
    ++waiting[id];
  }
  void Removed(DeviceId id) override {
    calls.push_back(fmt::format("{} removed", id));
    waiting.erase(id);
  }
  void Tell(const Report& report) override { reports.push_back(report); }

  // Since the last call of this.
  std::vector<std::string> Take() { return std::exchange(calls, {}); }

  std::vector<std::string> calls;
  std::vector<Report> reports;
  std::map<DeviceId, int> waiting;  // at most one a device, ever
};

inline policy::DeviceFacts Stick(const std::string& serial = "S1") {
  policy::DeviceFacts facts;
  facts.vendor_id = "0951";
  facts.product_id = "1666";
  facts.serial = serial;
  facts.interfaces = {{8, 6, 0x50}};
  facts.port = "1-1";
  return facts;
}

inline policy::DeviceFacts Keyboard(const std::string& port = "1-2") {
  policy::DeviceFacts facts;
  facts.vendor_id = "046d";
  facts.product_id = "c31c";
  facts.interfaces = {{3, 1, 1}};
  facts.port = port;
  return facts;
}

inline policy::MediumFacts Vfat() {
  return {.size_bytes = 1 << 20,
          .filesystem = "vfat",
          .volume_uuid = "1234-5678",
          .volume_label = "STICK",
          .encryption = "none",
          .medium_serial = ""};
}

inline policy::DeviceRule Rule(const std::string& id, policy::DeviceMatch match,
                               policy::Access access) {
  policy::DeviceRule rule;
  rule.id = id;
  rule.match = std::move(match);
  rule.access = access;
  return rule;
}

inline policy::Policy Enforcing(std::vector<policy::DeviceRule> rules = {}) {
  policy::Policy policy;
  policy.name = "test";
  policy.mode = policy::Mode::kEnforce;
  policy.devices = std::move(rules);
  return policy;
}

inline std::shared_ptr<const policy::Snapshot> Snap(
    policy::Policy policy, std::vector<policy::DeviceEntry> rows = {}) {
  return policy::Snapshot::Make(std::move(policy), std::move(rows), 1);
}

}  // namespace sekisho::decide
