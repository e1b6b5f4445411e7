// Codes over the phone: the operator reads a challenge out, types the code that
// an approver read back, and the blocked medium opens, inspected, until its
// time ends or the server, reached again, does not confirm it.
#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/agent.h"
#include "common/log.h"
#include "common/text.h"
#include "policy/containment.h"

namespace sekisho::agent {
namespace {

// Suspended time does not move the loop's timers: an end is looked at again at
// least this often.
constexpr std::chrono::milliseconds kLongestWait{60'000};
constexpr size_t kMaxDeviceBytes = 1024;

Codes::Device CodedDevice(const policy::DeviceFacts& facts) {
  return {.key = policy::DeviceKey(facts),
          .descriptor_hash = facts.descriptor_hash};
}

ipc::CodeAnswer Refused(const Error& error) {
  ipc::CodeAnswer answer;
  answer.message = error.message;
  return answer;
}

}  // namespace

Parts Agent::CodeParts(event::v1::CodeStep step,
                       const policy::DeviceFacts* facts) const {
  Parts parts = NewParts(event::v1::EVENT_KIND_CODE);
  parts.open.set_code_step(step);
  if (facts != nullptr) SetDevice(*facts, parts);
  return parts;
}

// The newest list of the server; also at the start.
void Agent::TakeCodes() {
  const auto& list = store_->codes();
  if (!list) return;
  if (codes_->NeedsSecretFor(list->key)) TellSecret(list->key);
  TellEnded(codes_->Take(*list));
  ApplyCodes();
}

// The event comes first: a secret that the server never heard of would leave
// the operator with challenges that nobody can answer.
void Agent::TellSecret(const policy::CodePublicKey& key) {
  if (log_->agent_id().empty()) return;
  policy::CodeSecret secret{};
  FillRandom(secret);
  const std::string sealed = policy::SealCodeSecret(secret, key);
  if (sealed.empty()) {
    TellHealth("the server's key of codes is none");
    return;
  }
  Parts parts = CodeParts(event::v1::CODE_STEP_SECRET, nullptr);
  parts.open.set_sealed_code_secret(sealed);
  parts.open.set_reason(
      "this terminal's secret of codes over the phone, sealed to the server");
  Status told;
  if (const auto written = Write(std::move(parts)); !written) {
    told = std::unexpected(written.error());
  } else {
    told = codes_->SetSecret(secret, key);
  }
  if (!told) TellHealth("codes over the phone: " + told.error().message);
}

void Agent::ApplyCodes() {
  std::vector<decide::Coded> running;
  for (const Codes::Open& one : codes_->open()) {
    running.push_back(
        {.device = one.device.key,
         .descriptor_hash = one.device.descriptor_hash,
         .rule = policy::CodeRuleName(one.match),
         .reason = fmt::format("opened by a code over the phone until {}",
                               FormatUtc(one.until))});
  }
  decider_->SetCoded(std::move(running));
  ArmCodeEnd();
  ArmCodeConfirm();
}

void Agent::ArmCodeEnd() {
  if (code_end_timer_ != 0) loop_.Cancel(code_end_timer_);
  code_end_timer_ = 0;
  const auto left = codes_->UntilNextEnd();
  if (!left) return;
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(*left);
  code_end_timer_ = loop_.After(
      std::clamp(wait, std::chrono::milliseconds(1), kLongestWait), [this] {
        code_end_timer_ = 0;
        TellEnded(codes_->EndDue());
        ApplyCodes();
      });
}

// Runs only while the server is reached: without it a code lasts its time.
void Agent::ArmCodeConfirm() {
  const bool needed = server_reached_ && codes_->HasUnconfirmed();
  if (needed == (code_confirm_timer_ != 0)) return;
  if (!needed) {
    loop_.Cancel(code_confirm_timer_);
    code_confirm_timer_ = 0;
    return;
  }
  code_confirm_timer_ = loop_.After(options_.code_confirm_within, [this] {
    code_confirm_timer_ = 0;
    TellEnded(codes_->EndUnconfirmed());
    ApplyCodes();
  });
}

void Agent::TellEnded(const std::vector<Codes::Ended>& ended) {
  for (const Codes::Ended& one : ended) {
    const decide::Decider::Device* device = nullptr;
    for (const auto& [id, attached] : decider_->devices()) {
      if (CodedDevice(attached.plug.facts) == one.open.device) {
        device = &attached;
      }
    }
    const policy::DeviceFacts facts =
        device == nullptr ? policy::DeviceFacts() : device->Facts();
    Parts parts = CodeParts(event::v1::CODE_STEP_ENDED,
                            device == nullptr ? nullptr : &facts);
    parts.open.set_rule(policy::CodeRuleName(one.open.match));
    parts.open.set_code_match(std::string(AsText(one.open.match)));
    parts.open.set_code_seconds(one.open.seconds);
    parts.open.set_reason("a code over the phone ended: " + one.why);
    WriteSoon(std::move(parts));
  }
}

ipc::CodeAnswer Agent::OnCode(const Peer& peer,
                              const ipc::CodeRequest& request) {
  if (request.code.size() > policy::kMaxCodeTextBytes ||
      request.device.size() > kMaxDeviceBytes) {
    return Refused({Code::kInvalidArgument, "code or device is too long"});
  }
  if (decider_->observing()) {
    return Refused({Code::kFailedPrecondition,
                    "policy observes: nothing is blocked here"});
  }
  return request.code.empty() ? ShowChallenges(peer, request.device)
                              : RedeemCode(peer, request.code);
}

ipc::CodeAnswer Agent::ShowChallenges(const Peer& peer,
                                      const std::string& wanted) {
  ipc::CodeAnswer answer;
  answer.terminal = terminal_;
  answer.agent_id = log_->agent_id();
  for (const auto& [id, device] : decider_->devices()) {
    const policy::DeviceFacts facts = device.Facts();
    if (!decider_->WaitsForCode(device) ||
        answer.challenges.size() >= Codes::kMaxChallenges ||
        (!wanted.empty() && wanted != ShownId(facts))) {
      continue;
    }
    const auto challenge =
        codes_->ChallengeFor(log_->agent_id(), CodedDevice(facts));
    if (!challenge) return Refused(challenge.error());
    answer.challenges.push_back(
        {.device = ShownId(facts),
         .name = EscapeUntrusted(facts.manufacturer + " " + facts.product, 600),
         .challenge = challenge->text,
         .tries_left = challenge->tries_left});
    if (!challenge->is_new) continue;
    Parts parts = CodeParts(event::v1::CODE_STEP_CHALLENGED, &facts);
    SetWho(Behind(peer.pid), parts);
    parts.open.set_reason("a challenge was shown, to ask for a code with");
    WriteSoon(std::move(parts));
  }
  answer.ok = !answer.challenges.empty();
  if (!answer.ok) {
    answer.message = wanted.empty()
                         ? "no medium that policy blocks is attached"
                         : "no blocked medium has this id; see sekisho status";
  }
  return answer;
}

ipc::CodeAnswer Agent::RedeemCode(const Peer& peer, const std::string& code) {
  std::map<std::string, policy::DeviceFacts> facts;
  std::vector<Codes::Device> blocked;
  for (const auto& [id, device] : decider_->devices()) {
    if (!decider_->WaitsForCode(device)) continue;
    blocked.push_back(CodedDevice(device.plug.facts));
    facts[blocked.back().key] = device.Facts();
  }
  const auto tried = codes_->Redeem(log_->agent_id(), code, blocked);
  if (!tried) return Refused(tried.error());
  const bool right = tried->open.has_value();
  const policy::DeviceFacts& of = facts[tried->devices.front().key];
  Parts parts = CodeParts(
      right ? event::v1::CODE_STEP_USED : event::v1::CODE_STEP_REFUSED, &of);
  SetWho(Behind(peer.pid), parts);
  parts.open.set_code_tries_left(tried->tries_left);
  ipc::CodeAnswer answer;
  if (!right) {
    parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
    parts.open.set_reason("a code was wrong");
    WriteSoon(std::move(parts));
    answer.message =
        tried->tries_left > 0
            ? fmt::format("this is not the code; {} tries are left",
                          tried->tries_left)
            : "this is not the code, and the challenge is void now: `sekisho "
              "code` shows a new one";
    return answer;
  }
  const Codes::Open& open = *tried->open;
  parts.open.set_outcome(event::v1::OUTCOME_ALERTED);
  parts.open.set_access(policy::Name(policy::Access::kInspect));
  parts.open.set_rule(policy::CodeRuleName(open.match));
  parts.open.set_code_match(std::string(AsText(open.match)));
  parts.open.set_code_seconds(open.seconds);
  SetTime(open.until, parts.open.mutable_code_end_time());
  parts.open.set_reason("a code over the phone opened it, inspected");
  // What cannot be written down is not opened.
  if (const auto written = Write(std::move(parts)); !written) {
    TellEnded(codes_->EndOne(open.match, "its event could not be kept"));
    return Refused(written.error());
  }
  const std::string until = EndText(clock_.Now(), open.until);
  ApplyCodes();
  if (store_->codes()) {
    TellEnded(codes_->Take(*store_->codes()));
    ArmCodeConfirm();
  }
  answer.ok = true;
  answer.message = fmt::format(
      "the code is right: {} opens until {}, every copy is inspected",
      ShownId(of), until);
  return answer;
}

}  // namespace sekisho::agent
