// The SOC's orders to close media for a while: taken from the signed list,
// ended by this terminal's own clock, and told back as they are carried out.
#include <algorithm>
#include <utility>

#include "agent/agent.h"

namespace sekisho::agent {
namespace {

// Suspended time does not move the loop's timers: an end is looked at again at
// least this often.
constexpr std::chrono::milliseconds kLongestWait{60'000};
constexpr std::chrono::milliseconds kLookAgain{100};
constexpr size_t kMaxTold = 16;

bool IsOpen(const decide::Decider::Device& device) {
  using Busy = decide::Decider::Device::Busy;
  return device.open.has_value() || device.native ||
         device.busy == Busy::kOpening || device.busy == Busy::kClosing;
}

}  // namespace

void Agent::TakeContainments() {
  containments_->Take(store_->containments(), log_->agent_id());
  ApplyContainments();
}

void Agent::ApplyContainments() {
  const auto running = containments_->Running();
  decider_->SetContained(running);
  LookAtContained();
  if (contain_end_timer_ != 0) loop_.Cancel(contain_end_timer_);
  contain_end_timer_ = 0;
  const auto left = containments_->UntilNextEnd();
  if (!left) return;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*left);
  contain_end_timer_ = loop_.After(
      std::clamp(wait, std::chrono::milliseconds(1), kLongestWait),
      [this, running] {
        contain_end_timer_ = 0;
        const auto now = containments_->Running();
        for (const policy::Containment& before : running) {
          if (std::ranges::find(now, before) != now.end()) continue;
          Parts parts = NewParts(event::v1::EVENT_KIND_POLICY_CHANGED);
          parts.open.set_outcome(event::v1::OUTCOME_ALLOWED);
          parts.open.set_changed_version(store_->version("contain"));
          parts.open.set_rule(policy::RuleName(before));
          parts.open.set_reason(policy::ReasonOf(before) + " is over");
          WriteSoon(std::move(parts));
        }
        ApplyContainments();
      });
}

const policy::Containment* Agent::ContainedCopy(
    int64_t mount_id, const attribute::Who& who) const {
  const auto* device = decider_->Find(media_->DeviceBehind(mount_id));
  if (device == nullptr) return nullptr;
  const policy::DeviceFacts& facts = device->plug.facts;
  const policy::Containment* of_writer =
      decider_->ContainedBy(facts, PersonOf(who));
  return of_writer != nullptr
             ? of_writer
             : decider_->ContainedBy(facts, device->plug.person);
}

policy::ContentDecision Agent::Contained(
    const policy::Containment& containment) const {
  return {.verdict = policy::Verdict::kBlock,
          .rule = policy::RuleName(containment),
          .rule_line = 0,
          .reason = policy::ReasonOf(containment),
          .notify = policy::NoticeOf(containment,
                                     containments_->EndText(containment))};
}

std::map<std::string, std::string> Agent::ContainNotice(
    const std::string& rule) const {
  for (const policy::Containment& one : containments_->Running()) {
    if (policy::RuleName(one) == rule) {
      return policy::NoticeOf(one, containments_->EndText(one));
    }
  }
  return {};
}

void Agent::TellCopying(decide::DeviceId id, const attribute::Who& plugger,
                        const Refusal& refusal) {
  auto askers = gates_->AskersOf(media_->MountOf(id));
  if (askers.size() > kMaxTold) askers.resize(kMaxTold);
  for (const attribute::Who& who : askers) {
    const bool told =
        who.login_uid == plugger.login_uid && who.tty == plugger.tty;
    if (!told) Notify(who, refusal);
  }
}

void Agent::LookAtContainedSoon() {
  if (contain_look_timer_ != 0) return;
  contain_look_timer_ = loop_.After(kLookAgain, [this] {
    contain_look_timer_ = 0;
    LookAtContained();
  });
}

void Agent::LookAtContained() {
  ipc::ContainState state;
  state.version = store_->version("contain");
  bool closing = false;
  for (const policy::Containment& one : containments_->Running()) {
    ipc::ContainState::One row{
        .id = one.id, .closed_us = 0, .media_count = 0, .open_count = 0};
    for (const auto& [id, device] : decider_->devices()) {
      const decide::Plug& plug = device.plug;
      if (plug.standing == decide::Standing::kSystem ||
          !policy::CarriesFiles(plug.facts) ||
          !(policy::Covers(one, plug.facts, plug.person.person) ||
            policy::Covers(one, plug.facts, plug.person.account))) {
        continue;
      }
      ++row.media_count;
      if (decider_->observing() || IsOpen(device)) ++row.open_count;
    }
    const auto before = std::ranges::find(contain_state_.running, one.id,
                                          &ipc::ContainState::One::id);
    if (before != contain_state_.running.end()) {
      row.closed_us = before->closed_us;
    }
    if (decider_->observing()) {
      row.closed_us = 0;
    } else if (row.open_count == 0 && row.closed_us == 0) {
      row.closed_us = clock_.Now().time_since_epoch().count();
    }
    closing = closing || (row.open_count > 0 && !decider_->observing());
    state.running.push_back(row);
  }
  if (closing) LookAtContainedSoon();
  if (state == contain_state_) return;
  contain_state_ = std::move(state);
  if (uplink_ != nullptr) uplink_->Wake();
}

}  // namespace sekisho::agent
