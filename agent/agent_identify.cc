// Who is at an account that several people use, and whose job runs without a
// login: asked over control.sock, checked away from the loop, and said of
// everything that this login does from then on.
#include <fmt/format.h>
#include <string.h>

#include <algorithm>
#include <utility>

#include "agent/agent.h"
#include "agent/attribute/sessions.h"
#include "common/log.h"
#include "common/text.h"
#include "policy/words.h"

namespace sekisho::agent {
namespace {

// Suspended time does not move the loop's timers, and nobody tells of a logout:
// both are looked at this often.
constexpr std::chrono::milliseconds kLookAgain{30'000};
constexpr size_t kMaxShownIdBytes = 128;

}  // namespace

attribute::Who Agent::Behind(pid_t pid) const {
  return Knowing(attribute::OfProcess(options_.attribution_root, pid));
}

attribute::Who Agent::Knowing(attribute::Who who) const {
  if (const auto* known = identities_->Of(who)) {
    who.stated_person = known->person;
    who.proven_by = policy::Name(known->proof);
    return who;
  }
  who.stated_person.clear();
  who.proven_by.clear();
  // A login of its own says more than the unit it came out of.
  if (who.unit.empty() || who.login_uid >= 0 || decider_ == nullptr) return who;
  const auto& jobs = decider_->snapshot()->policy().jobs;
  const auto job = std::ranges::find(jobs, who.unit, &policy::Job::unit);
  if (job != jobs.end() && !identities_->IsOver(job->owner)) {
    who.person = job->owner;
    who.origin = "service";
  }
  return who;
}

void Agent::UseIdentities() {
  identities_->Use(store_->people(), store_->snapshot()->policy().identify);
  identities_->EndDue();
  JudgePluggers();
}

// Devices are judged by who plugged them in, as far as it is known now.
void Agent::JudgePluggers() {
  std::vector<decide::DeviceId> ids;
  for (const auto& [id, device] : decider_->devices()) ids.push_back(id);
  for (const decide::DeviceId id : ids) {
    decider_->SetPerson(id, PersonOf(Knowing(media_->PlugPerson(id))));
  }
  ArmIdentityLook();
}

void Agent::ArmIdentityLook() {
  if (identity_timer_ != 0 || identities_->empty()) return;
  identity_timer_ = loop_.After(kLookAgain, [this] {
    identity_timer_ = 0;
    bool ended = identities_->EndDue();
    const auto sessions = attribute::ReadSessions(options_.attribution_root);
    for (const std::string& login : identities_->logins()) {
      static constexpr std::string_view kSession = "session:";
      if (!login.starts_with(kSession)) continue;
      const auto session = std::ranges::find(
          sessions, login.substr(kSession.size()), &attribute::Session::id);
      if (session != sessions.end() && attribute::IsLogin(*session)) continue;
      identities_->EndLogin(login);
      ended = true;
    }
    if (ended) {
      JudgePluggers();
    } else {
      ArmIdentityLook();
    }
  });
}

Status Agent::TellIdentified(const attribute::Who& who,
                             const std::string& person,
                             const Result<Identities::Known>& known) {
  Parts parts = NewParts(event::v1::EVENT_KIND_IDENTIFIED);
  SetWho(who, parts);
  parts.personal.set_stated_person(EscapeUntrusted(person, kMaxShownIdBytes));
  parts.personal.set_proven_by(known ? policy::Name(known->proof) : "");
  parts.open.set_outcome(known ? event::v1::OUTCOME_ALLOWED
                               : event::v1::OUTCOME_BLOCKED);
  const bool too_often =
      !known && known.error().code == Code::kResourceExhausted;
  parts.open.set_rule(std::string(policy::kIdentifyRule) +
                      (too_often ? "-tries" : ""));
  parts.open.set_reason(known ? "he proved who he is"
                              : "refused: " + known.error().message);
  RETURN_IF_ERROR(Write(std::move(parts)));
  return {};
}

void Agent::OnIdentify(SocketServer::ConnectionId id, const Peer& peer,
                       ipc::IdentifyRequest request) {
  const auto answer = [this, id](bool ok, std::string message) {
    control_->Send(
        id, ipc::Encode(ipc::Reply{.ok = ok, .message = std::move(message)}));
  };
  const auto forget = [](std::string& secret) {
    ::explicit_bzero(secret.data(), secret.size());
  };
  const attribute::Who who = Behind(peer.pid);
  if (identifying_ || request.person.size() > kMaxShownIdBytes ||
      request.proof.size() > Identities::kMaxProofBytes) {
    forget(request.proof);
    answer(false, identifying_
                      ? "somebody else is being asked: try again in a moment"
                      : "id or proof is too long");
    return;
  }
  auto question = identities_->Begin(who, request.person, request.proof);
  forget(request.proof);
  if (!question) {
    // No event: he is not asked, typed nothing that could be right, or waits,
    // which the last try has told.
    answer(false, question.error().message);
    return;
  }
  identifying_ = true;
  const auto shared =
      std::make_shared<Identities::Question>(*std::move(question));
  jobs_.Run(
      [shared] { return Identities::Check(*shared); },
      [this, shared, who, answer, forget](Identities::Checked checked) {
        identifying_ = false;
        auto known = identities_->Finish(*shared, checked);
        forget(shared->typed);
        const Status told = TellIdentified(who, shared->person, known);
        if (!known) {
          answer(false, known.error().message);
          return;
        }
        // What cannot be written down does not count.
        if (!told && !decider_->observing()) {
          identities_->EndLogin(shared->login);
          answer(false, told.error().message);
          return;
        }
        JudgePluggers();
        const auto left = std::chrono::duration_cast<BootTime>(
            known->end - clock_.SinceBoot());
        answer(true,
               fmt::format("you are {} in this login until {}", known->person,
                           EndText(clock_.Now(), clock_.Now() + left)));
      });
}

void Agent::SetIdentity(const Peer& peer, ipc::StatusAnswer* status) const {
  const attribute::Who who = Behind(peer.pid);
  status->account = who.person;
  status->asks_who = identities_->IsAsked(who);
  if (const auto* known = identities_->Of(who)) {
    status->stated_person = known->person;
    status->proven_by = policy::Name(known->proof);
    status->stated_left_us = (known->end - clock_.SinceBoot()).count();
  }
}

}  // namespace sekisho::agent
