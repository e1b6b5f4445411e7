// A gate in memory for tests of those who use KernelGate.
#pragma once

#include <map>
#include <utility>
#include <vector>

#include "agent/enforce/kernel_gate.h"

namespace sekisho::enforce {

class FakeKernelGate final : public KernelGate {
 public:
  Status SetMode(GateMode mode) override {
    RETURN_IF_ERROR(Injected());
    state.mode = mode;
    return {};
  }
  GateState State() const override { return state; }
  Result<DeviceTicket> TakeTicket(const DeviceNumber& number) override {
    RETURN_IF_ERROR(Injected());
    return DeviceTicket{number, epochs[number]};
  }
  Status OpenDevice(const DeviceTicket& ticket, NodeAccess access) override {
    RETURN_IF_ERROR(Injected());
    if (ticket.epoch != epochs[ticket.number]) {
      return Fail(Code::kAborted, "device is gone");
    }
    open[ticket.number] = access;
    return {};
  }
  Status CloseDevice(const DeviceNumber& number) override {
    RETURN_IF_ERROR(Injected());
    open.erase(number);
    return {};
  }
  Status OpenSystemDisks() override { return Injected(); }
  Result<std::vector<AgentProgram>> AgentPrograms() const override {
    RETURN_IF_ERROR(Injected());
    return programs;
  }
  Status SetAgentPrograms(const std::vector<AgentProgram>& list) override {
    RETURN_IF_ERROR(Injected());
    programs = list;
    return {};
  }
  Status Unlock(BootTime until) override {
    RETURN_IF_ERROR(Injected());
    unlocked_until = until;
    return {};
  }
  Result<BootTime> UnlockedUntil() const override { return unlocked_until; }
  Status RefreshMajors() override { return Injected(); }
  int EventsFd() const override { return events_fd; }
  Result<size_t> ReadEvents(
      const std::function<void(const DeniedAccess&)>& each,
      size_t max_events) override {
    size_t count = 0;
    while (!denials.empty() && count < max_events) {
      const DeniedAccess denial = denials.front();
      denials.erase(denials.begin());
      each(denial);
      ++count;
    }
    return count;
  }
  Result<GateCounters> Counters() const override { return counters; }
  Status Teardown() override {
    RETURN_IF_ERROR(Injected());
    torn_down = true;
    return {};
  }

  // What the kernel does when the device goes away.
  void RemoveDevice(const DeviceNumber& number) {
    open.erase(number);
    ++epochs[number];
  }

  GateState state{GateMode::kObserve, true, true, {}, ""};
  std::map<DeviceNumber, NodeAccess> open;
  std::map<DeviceNumber, uint64_t> epochs;
  std::vector<AgentProgram> programs;
  BootTime unlocked_until{};
  std::vector<DeniedAccess> denials;
  GateCounters counters;
  int events_fd = -1;
  bool torn_down = false;
  // The next calls that can fail do so with this while it is set.
  Status fail_with{};

 private:
  Status Injected() const { return fail_with; }
};

}  // namespace sekisho::enforce
