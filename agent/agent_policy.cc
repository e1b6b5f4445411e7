// Signed policy comes in, the mode changes, approvals end, the chain begins.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "agent/agent.h"
#include "agent/boot_flag.h"
#include "agent/programs.h"
#include "agent/scan_rules.h"
#include "common/file.h"
#include "common/log.h"

namespace sekisho::agent {
namespace {

// The wall clock can be set: an end is looked at again at least this often.
constexpr std::chrono::milliseconds kLongestWait{60'000};

}  // namespace

BootTime Agent::UnlockLeft() const {
  const auto& unlock = *store_->unlock();
  const auto at = [](int64_t s) { return WallTime(std::chrono::seconds(s)); };
  // A clock that was set back does not make it longer.
  const auto left =
      std::min(at(unlock.expires_seconds) - clock_.Now(),
               at(unlock.expires_seconds) - at(unlock.issued_seconds));
  return std::max(std::chrono::duration_cast<BootTime>(left), BootTime(0));
}

// The end is kept by the gate, on a clock that nobody sets.
Status Agent::BeginUnlock() {
  const BootTime left = UnlockLeft();
  if (left == BootTime(0)) {
    return Fail(Code::kDeadlineExceeded, "the unlock is over already");
  }
  const BootTime until = clock_.SinceBoot() + left;
  if (gate_ != nullptr) RETURN_IF_ERROR(gate_->Unlock(until));
  unlocked_until_ = until;
  ArmUnlockEnd();
  return {};
}

void Agent::ArmUnlockEnd() {
  if (unlock_timer_ != 0) loop_.Cancel(unlock_timer_);
  unlock_timer_ = 0;
  const auto left = unlocked_until_ - clock_.SinceBoot();
  if (left <= BootTime(0)) return;
  unlock_timer_ =
      loop_.After(std::chrono::ceil<std::chrono::milliseconds>(left), [this] {
        unlock_timer_ = 0;
        Parts parts = NewParts(event::v1::EVENT_KIND_POLICY_CHANGED);
        parts.open.set_outcome(event::v1::OUTCOME_ALLOWED);
        parts.open.set_changed_version(store_->version("unlock"));
        parts.open.set_reason(fmt::format("unlock version {} is over",
                                          store_->version("unlock")));
        WriteSoon(std::move(parts));
      });
}

void Agent::OnEnvelope(const std::string& type, const std::string& sealed) {
  auto taken = store_->Take(type, sealed);
  if (type == "unlock") {
    // The server offers the newest to everybody; only one is meant.
    if (!taken && taken.error().code == Code::kPermissionDenied) return;
    if (taken && taken->changed) {
      if (const Status begun = BeginUnlock(); !begun) {
        taken = std::unexpected(begun.error());
      }
    }
  }
  Parts parts = NewParts(event::v1::EVENT_KIND_POLICY_CHANGED);
  if (!taken) {
    parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
    parts.open.set_reason(fmt::format("{} refused: {}", type.substr(0, 32),
                                      taken.error().message.substr(0, 2048)));
    if (const auto parsed = policy::ParseEnvelope(sealed)) {
      parts.open.set_changed_version(parsed->version);
    }
    Log(LogLevel::kWarning, parts.open.reason());
    WriteSoon(std::move(parts));
    return;
  }
  if (!taken->changed) return;
  parts.open.set_outcome(event::v1::OUTCOME_ALLOWED);
  parts.open.set_changed_version(taken->version);
  parts.open.set_reason(
      fmt::format("{} version {} is in force", type, taken->version));
  if (type == "unlock") {
    const policy::Unlock& unlock = store_->unlock()->unlock;
    parts.open.set_reason(fmt::format(
        "unlock version {}: the agent may be ended or removed for {} seconds, "
        "asked for by {}, agreed to by {}: {}",
        taken->version,
        std::chrono::ceil<std::chrono::seconds>(unlocked_until_ -
                                                clock_.SinceBoot())
            .count(),
        unlock.requested_by, unlock.confirmed_by, unlock.reason));
  }
  if (type == "grant") {
    parts.open.set_reason(fmt::format("grants version {}: {} of one transfer",
                                      taken->version,
                                      store_->grants().transfers.size()));
  }
  if (type == "code") {
    parts.open.set_reason(fmt::format("codes version {}: {} were issued",
                                      taken->version,
                                      store_->codes()->issued.size()));
  }
  if (type == "people") {
    parts.open.set_reason(fmt::format("people version {}: {} are registered",
                                      taken->version,
                                      store_->people()->size()));
  }
  if (type == "data_sets") {
    const auto& sets = *store_->data_sets();
    const bool foreign = !sets.empty() && sets.front().facts().key_id !=
                                              policy::SketchKeyId(sketch_key_);
    if (foreign) parts.open.set_outcome(event::v1::OUTCOME_ALERTED);
    parts.open.set_reason(fmt::format(
        "data sets version {}: {} lists of people are known{}", taken->version,
        sets.size(),
        foreign ? "; made with the key of another installation, so nobody's "
                  "data is told apart"
                : ""));
  }
  if (type == "contain") {
    parts.open.set_reason(fmt::format(
        "containments version {}: {} run{}", taken->version,
        store_->containments().size(),
        decider_->observing() ? "; nothing is closed while policy observes"
                              : ""));
  }
  WriteSoon(std::move(parts));
  if (type == "contain") {
    TakeContainments();
    uplink_->Wake();
    return;
  }
  if (type == "grant") {
    TakeGrants();
    uplink_->Wake();
    return;
  }
  if (type == "code") {
    TakeCodes();
    uplink_->Wake();
    return;
  }
  if (type == "people") {
    UseIdentities();
    uplink_->Wake();
    return;
  }
  if (type == "upgrade") programs_->SetManifest(store_->upgrade());
  if (type == "upgrade" || type == "unlock") return;
  if (type == "data_sets") {
    uplink_->Wake();
    return;
  }
  const Needs before = NeedsNow();
  UsePolicy();
  if (type == "policy") CheckNeeds(before);
}

void Agent::UsePolicy() {
  // First: a gate that starts with this policy gets its rules.
  UpdateScanRules();
  decider_->OnPolicy(store_->snapshot(), store_->expires());
  UseIdentities();
  UseRemoteExits();
  UseLandings();
  ArmExpiry();
  if (observe_ != nullptr) observe_->Refresh();
  uplink_->Wake();
}

void Agent::UpdateScanRules() {
  auto rules = ipc::SealScanRules(ScanRulesOf(store_->snapshot()->policy()));
  if (!rules) {
    scan_rules_problem_ =
        "the types that policy defines cannot be looked for: " +
        rules.error().message;
    TellHealth(scan_rules_problem_);
    return;
  }
  scan_rules_problem_.clear();
  scan_rules_ = *std::move(rules);
  gates_->SetScanRules(scan_rules_);
}

void Agent::ArmExpiry() {
  if (expiry_timer_ != 0) loop_.Cancel(expiry_timer_);
  expiry_timer_ = 0;
  const auto next = decider_->NextWake();
  if (!next) return;
  const auto wait =
      std::chrono::ceil<std::chrono::milliseconds>(*next - clock_.Now());
  expiry_timer_ = loop_.After(
      std::clamp(wait, std::chrono::milliseconds(0), kLongestWait), [this] {
        expiry_timer_ = 0;
        decider_->OnTime();
        UseRemoteExits();
        ArmExpiry();
      });
}

void Agent::OnModeChanged(policy::Mode mode) {
  const auto changed = WriteBootFlag(options_.state_dir, mode);
  if (!changed) {
    TellHealth("the next boot starts in the old mode: " +
               changed.error().message);
  } else if (*changed == FlagChange::kChanged &&
             options_.machine == AgentOptions::Machine::kReal) {
    jobs_.Run(
        [words = std::vector<std::string>{options_.systemctl, "start",
                                          "sekisho-initramfs.service"}] {
          return RunProgram(words);
        },
        [this](const Status& status) {
          if (!status) {
            TellHealth("the early boot is not up to date: " +
                       status.error().message);
          }
        });
  }
  if (mode == policy::Mode::kEnforce && gate_ == nullptr) {
    TellHealth("no kernel gate: " + gate_problem_);
  }
  programs_->OnModeChanged();
  LookAtContainedSoon();
  start_files_->OnModeChanged();
  if (mode == policy::Mode::kObserve) {
    WatchWrites();
  } else {
    observe_.reset();
  }
}

Status Agent::Enrol(const ipc::EnrolmentDone& done) {
  if (done.agent_id.empty() || done.agent_id.size() > 128 ||
      done.terminal.size() > 256) {
    return Fail(Code::kInvalidArgument, "agent id or terminal name");
  }
  const std::string core = options_.state_dir + "/core/";
  RETURN_IF_ERROR(store_->SetRoot(done.root_file, done.agent_id));
  RETURN_IF_ERROR(ReplaceFile(core + "sketch.key",
                              AsText(ByteSpan(done.sketch_key)), 0600));
  RETURN_IF_ERROR(ReplaceFile(core + "terminal", done.terminal + "\n", 0600));
  sketch_key_ = done.sketch_key;
  gates_->SetSketchKey(sketch_key_);
  terminal_ = done.terminal;
  policy::TerminalFacts facts = decider_->terminal();
  facts.terminal = terminal_;
  decider_->SetTerminal(std::move(facts));
  TakeContainments();
  WritePending();
  RETURN_IF_ERROR(log_->Start(done.agent_id, static_cast<int32_t>(done.epoch)));
  // The secret that another server knows is none any more.
  RETURN_IF_ERROR(codes_->Reset());
  ApplyCodes();
  TakeCodes();
  uplink_->Wake();
  ReadPastOnce();
  return {};
}

}  // namespace sekisho::agent
