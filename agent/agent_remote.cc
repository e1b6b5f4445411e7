// Ways out that are no device here, decided like devices.
#include <fmt/format.h>

#include <utility>

#include "agent/agent.h"

namespace sekisho::agent {
namespace {

// A file manager tries again and again.
constexpr std::chrono::milliseconds kToldAgain{60'000};
constexpr size_t kMaxTold = 256;

}  // namespace

policy::DeviceDecision Agent::DecideRemote(const policy::DeviceFacts& facts,
                                           const attribute::Who& who) const {
  policy::DeviceDecision decision = store_->snapshot()->DecideDevice(
      facts, PersonOf(who), decider_->terminal(), clock_.Now());
  if (decision.access != policy::Access::kFull &&
      decision.access != policy::Access::kBlock) {
    decision.access = policy::Access::kBlock;
    decision.reason +=
        "; what another machine lends can only be full or blocked";
  }
  return decision;
}

void Agent::UseRemoteExits() {
  if (gate_ == nullptr) return;
  if (remote_ == nullptr) {
    remote_ = std::make_unique<RemoteExits>(
        loop_, *gate_, RemoteExits::Options{.sysfs_root = options_.sysfs_root},
        RemoteExits::Events{
            .decide =
                [this](const policy::DeviceFacts& facts) {
                  return DecideRemote(facts, {});
                },
            .problem = [this](const std::string& what) { TellHealth(what); }});
  }
  remote_->Apply();
}

bool Agent::OnRemoteDenied(const enforce::DeniedAccess& denied) {
  if (remote_ == nullptr) return false;
  const auto facts = remote_->FactsOf(denied.device);
  if (!facts) return false;
  const std::string key = fmt::format("{} {}", facts->bus, denied.uid);
  if (told_remote_.size() >= kMaxTold || !told_remote_.insert(key).second) {
    return true;
  }
  loop_.After(kToldAgain, [this, key] { told_remote_.erase(key); });
  attribute::Who who = Behind(denied.pid);
  if (who.uid < 0) who.uid = denied.uid;
  const policy::DeviceDecision decision = DecideRemote(*facts, who);
  Parts parts = NewParts(event::v1::EVENT_KIND_DEVICE_PLUGGED);
  SetDevice(*facts, parts);
  SetDecision(decision, parts);
  // By what the kernel did: policy may say something else by now.
  parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
  SetWho(who, parts);
  if (who.program.empty()) parts.personal.set_command(denied.comm);
  WriteSoon(std::move(parts));
  if (!denied.refused) return true;
  Notify(who, {.what = facts->product,
               .kind = Refusal::Kind::kDevice,
               .persons = 0,
               .rule = decision.rule,
               .reason = decision.reason,
               .notify = decision.notify,
               .contact = decider_->snapshot()->policy().contact,
               .contained = false});
  return true;
}

}  // namespace sekisho::agent
