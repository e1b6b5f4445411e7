// What policy says about a file: the scan's findings with device, person, time
// and the totals of this terminal. And whether the terminal has its server.
#include <fmt/format.h>

#include <algorithm>

#include "agent/agent.h"

namespace sekisho::agent {
namespace {

// A short break of the network takes no medium away.
constexpr std::chrono::milliseconds kOfflineAfter{120'000};

}  // namespace

policy::ContentDecision Agent::DecideContent(
    const ipc::Findings& findings, const Owners& owners,
    const decide::Decider::Device* device, const attribute::Who& who) const {
  const auto snapshot = decider_->snapshot();
  policy::ContentFacts content = ContentOf(findings);
  for (const policy::OwnerFound& one : owners) {
    content.data_owners.push_back(one.owner);
  }
  const policy::DeviceFacts facts =
      device == nullptr ? policy::DeviceFacts{} : device->Facts();
  const WallTime now = clock_.Now();
  if (!snapshot->totals().empty() && totals_ == nullptr) {
    return {.verdict = policy::Verdict::kBlock,
            .rule = "totals",
            .rule_line = 0,
            .reason = "the totals that policy asks for cannot be kept",
            .notify = {}};
  }
  if (!scan_rules_problem_.empty()) {
    return {.verdict = policy::Verdict::kBlock,
            .rule = "types",
            .rule_line = 0,
            .reason = scan_rules_problem_,
            .notify = {}};
  }
  const Totals::Transfer transfer =
      TransferOf(identities_->CountedAs(who), facts, findings);
  for (const policy::TotalKey& key : snapshot->totals()) {
    content.totals[key] = totals_->Sum(key, transfer, now);
  }
  return snapshot->DecideContent(content, facts, PersonOf(who),
                                 decider_->terminal(), now);
}

Agent::Owners Agent::OwnersIn(const ipc::Findings& findings) const {
  const auto& sets = *store_->data_sets();
  if (findings.persons == 0 || sets.empty() ||
      sets.front().facts().key_id != policy::SketchKeyId(sketch_key_)) {
    return {};
  }
  return policy::OwnersOf(sets, PeopleIn(findings));
}

void Agent::TellFindings(const ipc::Findings& findings, const Owners& owners,
                         Parts& parts) const {
  SetFindings(findings, parts);
  SetOwners(owners, policy::SketchKeyId(sketch_key_), parts);
}

Status Agent::CountWritten(const ipc::Findings& findings,
                           const decide::Decider::Device* device,
                           const attribute::Who& who,
                           const OpenStream* released) {
  if (totals_ == nullptr) return {};
  const policy::DeviceFacts facts =
      device == nullptr ? policy::DeviceFacts{} : device->Facts();
  const auto durability = decider_->snapshot()->totals().empty()
                              ? Totals::Durability::kMemory
                              : Totals::Durability::kDisk;
  Totals::Transfer transfer =
      TransferOf(identities_->CountedAs(who), facts, findings);
  if (released != nullptr) {
    transfer.persons = std::max<int64_t>(
        0, transfer.persons - (transfer.people.empty() ? released->persons
                                                       : released->uncounted));
  }
  return totals_->Add(transfer, clock_.Now(), durability);
}

void Agent::OnServerReached(bool reached) {
  if (offline_timer_ != 0) loop_.Cancel(offline_timer_);
  offline_timer_ = 0;
  server_reached_ = reached;
  ArmCodeConfirm();
  if (reached) {
    SetOnline(true);
    return;
  }
  offline_timer_ = loop_.After(kOfflineAfter, [this] {
    offline_timer_ = 0;
    SetOnline(false);
  });
}

void Agent::SetOnline(bool online) {
  policy::TerminalFacts terminal = decider_->terminal();
  if (terminal.online == online) return;
  terminal.online = online;
  decider_->SetTerminal(std::move(terminal));
}

}  // namespace sekisho::agent
