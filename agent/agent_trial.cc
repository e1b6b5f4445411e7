// A policy that would lock the terminal out is undone by itself: at once where
// it takes the last keyboard, after a time where it takes the adapter that led
// to the server and the server does not answer any more. What a person pulls
// out himself is no reason (docs/adr/0307).
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "agent/agent.h"
#include "common/log.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr std::array<uint8_t, 1> kKeyboard = {0x03};
// Of network adapters, modems, tethered phones; 0xff: with a driver of their
// maker.
constexpr std::array<uint8_t, 5> kNetwork = {0x02, 0x0a, 0xe0, 0xef, 0xff};
// Between the order to take a device away and the question whether the server
// still answers.
constexpr std::chrono::milliseconds kSettle{500};
constexpr int kMaxNamed = 4;

std::string NamesOf(const decide::Decider& decider,
                    const std::vector<decide::DeviceId>& ids) {
  std::string names;
  int named = 0;
  for (const decide::DeviceId id : ids) {
    const auto* device = decider.Find(id);
    if (device == nullptr) continue;
    if (++named > kMaxNamed) return names + " and others";
    const policy::DeviceFacts& facts = device->plug.facts;
    if (!names.empty()) names += ", ";
    names += EscapeUntrusted(
        fmt::format("{} {} ({}:{} at port {}, rule {})", facts.manufacturer,
                    facts.product, facts.vendor_id, facts.product_id,
                    facts.port, device->judged.decision.rule),
        200);
  }
  return names;
}

}  // namespace

Agent::Needs Agent::NeedsNow() const {
  Needs needs;
  for (const auto& [id, device] : decider_->devices()) {
    if (decider_->Types(id)) needs.keyboards.push_back(id);
    if (device.Granted() != decide::Authorization::kNone &&
        !decider_->Takes(id, kNetwork) && media_->CarriesRoute(id)) {
      needs.networks.push_back(id);
    }
  }
  return needs;
}

void Agent::CheckNeeds(const Needs& before) {
  if (trial_timer_ != 0) loop_.Cancel(trial_timer_);
  if (prove_timer_ != 0) loop_.Cancel(prove_timer_);
  trial_timer_ = prove_timer_ = 0;
  trial_proof_ = 0;
  trial_resumed_ = true;
  if (decider_->observing()) return;

  const auto is_keyboard_left = [&] {
    return std::ranges::any_of(decider_->devices(), [&](const auto& each) {
      return decide::IsKeyboard(each.second.plug.facts) &&
             !decider_->Takes(each.first, kKeyboard);
    });
  };
  if (!before.keyboards.empty() && !is_keyboard_left()) {
    UndoPolicy("it takes away the last keyboard: " +
               NamesOf(*decider_, before.keyboards));
    return;
  }
  std::vector<decide::DeviceId> taken;
  std::ranges::copy_if(
      before.networks, std::back_inserter(taken),
      [&](decide::DeviceId id) { return decider_->Takes(id, kNetwork); });
  if (taken.empty()) return;
  const std::string names = NamesOf(*decider_, taken);
  if (const Status begun = store_->BeginTrial(names); !begun) {
    // It could not be undone after a crash.
    UndoPolicy(
        "it takes away the adapter that leads to the server, and cannot "
        "be put on trial: " +
        begun.error().message);
    return;
  }
  prove_timer_ = loop_.After(kSettle, [this] { ProveTrial(); });
}

void Agent::ResumeTrial() {
  if (std::exchange(trial_resumed_, true) || !store_->trial()) return;
  prove_timer_ = loop_.After(kSettle, [this] { ProveTrial(); });
}

void Agent::ProveTrial() {
  prove_timer_ = 0;
  const bool busy =
      std::ranges::any_of(decider_->devices(), [](const auto& each) {
        return each.second.busy == decide::Decider::Device::Busy::kAuthorizing;
      });
  if (busy) {
    prove_timer_ = loop_.After(kSettle, [this] { ProveTrial(); });
    return;
  }
  Parts parts = NewParts(event::v1::EVENT_KIND_HEALTH);
  parts.open.set_reason(fmt::format(
      "policy version {} is on trial: it refuses what led to the server ({}); "
      "it is undone unless the server answers within {} seconds",
      store_->version("policy"), *store_->trial(),
      std::chrono::ceil<std::chrono::seconds>(options_.trial).count()));
  Log(LogLevel::kWarning, parts.open.reason());
  const auto written = Write(std::move(parts));
  // Held or lost, it proves nothing: the trial then ends with its time.
  if (written) trial_proof_ = written->head.sequence;
  trial_timer_ = loop_.After(options_.trial, [this] {
    trial_timer_ = 0;
    UndoPolicy(fmt::format(
        "it took away what led to the server ({}), and the server did not "
        "answer for {} seconds",
        store_->trial().value_or(""),
        std::chrono::ceil<std::chrono::seconds>(options_.trial).count()));
  });
}

void Agent::OnAcked(const event::Head& head) {
  if (trial_proof_ == 0 || trial_timer_ == 0 || head.sequence < trial_proof_) {
    return;
  }
  loop_.Cancel(trial_timer_);
  trial_timer_ = 0;
  trial_proof_ = 0;
  TellHealth(fmt::format("policy version {} stays: the server answers",
                         store_->version("policy")));
  if (const Status ended = store_->EndTrial(); !ended) {
    TellHealth("the trial begins again at the next start: " +
               ended.error().message);
  }
}

void Agent::UndoPolicy(const std::string& why) {
  const int64_t version = store_->version("policy");
  const Status undone = store_->UndoPolicy(why);
  if (!undone) {
    // Fails closed: the new policy stays.
    TellHealth(fmt::format("policy version {} should be undone ({}), but: {}",
                           version, why, undone.error().message));
    return;
  }
  UsePolicy();
  Parts parts = NewParts(event::v1::EVENT_KIND_POLICY_CHANGED);
  parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
  parts.open.set_rule("undone");
  parts.open.set_changed_version(version);
  const int64_t now = store_->version("policy");
  parts.open.set_reason(
      fmt::format("policy version {} was undone, {}: {}", version,
                  now == 0 ? "and nothing is enforced, as before it"
                           : fmt::format("version {} is in force again", now),
                  why));
  Log(LogLevel::kWarning, parts.open.reason());
  WriteSoon(std::move(parts));
}

std::string Agent::PolicyNote() const {
  if (store_->trial()) {
    return "on trial, because it refuses what led to the server: " +
           *store_->trial();
  }
  if (!store_->undone()) return "";
  return fmt::format("version {} was undone: {}", store_->undone()->version,
                     store_->undone()->why);
}

}  // namespace sekisho::agent
