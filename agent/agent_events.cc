// What sekishod writes down: devices, transfers, refused accesses, health.
#include <fmt/format.h>

#include <utility>

#include "agent/agent.h"
#include "common/log.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

using event::v1::EventKind;

constexpr std::chrono::milliseconds kTamperInterval{10'000};
constexpr size_t kMaxTamperKinds = 256;
constexpr size_t kMaxPending = 4096;

EventKind KindOf(decide::Report::Kind kind) {
  switch (kind) {
    case decide::Report::Kind::kPlugged:
      return event::v1::EVENT_KIND_DEVICE_PLUGGED;
    case decide::Report::Kind::kDecided:
      return event::v1::EVENT_KIND_DEVICE_DECIDED;
    case decide::Report::Kind::kMounted:
      return event::v1::EVENT_KIND_MEDIUM_MOUNTED;
    case decide::Report::Kind::kUnmounted:
      return event::v1::EVENT_KIND_MEDIUM_UNMOUNTED;
    case decide::Report::Kind::kRemoved:
      return event::v1::EVENT_KIND_DEVICE_REMOVED;
    case decide::Report::Kind::kProblem:
      return event::v1::EVENT_KIND_HEALTH;
  }
  return event::v1::EVENT_KIND_HEALTH;
}

std::string NameOf(const policy::DeviceFacts& facts) {
  return fmt::format("{} {} ({}:{} {})", facts.manufacturer, facts.product,
                     facts.vendor_id, facts.product_id, facts.serial);
}

}  // namespace

std::string Agent::GateStateWord() const {
  if (gate_ == nullptr) return "unsupported";
  switch (gate_->State().Standing()) {
    case enforce::GateStanding::kFull:
      if (decider_->observing()) return "observe";
      return OwnStanding() ? "full" : "degraded";
    case enforce::GateStanding::kDegraded:
      return "degraded";
    case enforce::GateStanding::kUnsupported:
      return "unsupported";
  }
  return "unsupported";
}

Result<spool::Written> Agent::Write(Parts parts) {
  parts.open.set_policy_version(store_->version("policy"));
  if (decider_->observing()) parts.open.set_observe_only(true);
  const EventKind kind = parts.open.kind();
  if (kind == event::v1::EVENT_KIND_AGENT_STARTED ||
      kind == event::v1::EVENT_KIND_HEALTH) {
    parts.open.set_gate_state(GateStateWord());
  }
  parts.open.set_agent_version(options_.version);
  if (ssh_keys_ != nullptr && parts.personal.origin() == "ssh") {
    parts.personal.set_ssh_key(
        ssh_keys_->KeyOf(parts.personal.audit_session()));
  }
  // What names a login, and not all that is known of it.
  event::v1::PersonalPart& personal = parts.personal;
  if (kind != event::v1::EVENT_KIND_IDENTIFIED &&
      personal.proven_by().empty()) {
    if (const auto* known =
            identities_->OfAuditSession(personal.audit_session())) {
      personal.set_stated_person(known->person);
      personal.set_proven_by(policy::Name(known->proof));
    }
  }
  auto written = log_->Write(std::move(parts.open), parts.personal);
  if (!written) Log(LogLevel::kError, "event: " + written.error().message);
  if (uplink_ != nullptr) uplink_->Wake();
  return written;
}

void Agent::WriteSoon(Parts parts) {
  // A disk write must not stand between a uevent and its answer.
  if (pending_.size() >= kMaxPending) WritePending();
  pending_.push_back(std::move(parts));
  if (pending_posted_) return;
  pending_posted_ = true;
  loop_.Post([this] { WritePending(); });
}

void Agent::WritePending() {
  pending_posted_ = false;
  // What writing itself brings up comes after.
  for (Parts& parts : std::exchange(pending_, {})) {
    [[maybe_unused]] const auto written = Write(std::move(parts));
  }
}

void Agent::TellHealth(const std::string& what) {
  Log(LogLevel::kWarning, what);
  Parts parts = NewParts(event::v1::EVENT_KIND_HEALTH);
  parts.open.set_reason(what.substr(0, 1024));
  WriteSoon(std::move(parts));
}

void Agent::OnReport(const decide::Report& report) {
  Parts parts = NewParts(KindOf(report.kind));
  SetDevice(report.facts, parts);
  SetDecision(report.decision, parts);
  const attribute::Who person = Knowing(media_->PlugPerson(report.id));
  SetWho(person, parts);
  if (report.attached_at_start &&
      report.kind == decide::Report::Kind::kPlugged) {
    parts.open.set_reason(report.decision.reason +
                          " (attached before the agent started)");
  }
  if (!report.detail.empty()) parts.open.set_reason(report.detail);
  if (report.kind == decide::Report::Kind::kUnmounted ||
      report.kind == decide::Report::Kind::kRemoved) {
    const auto figures = media_->FiguresOf(report.id);
    if (figures) SetFigures(*figures, parts);
  }
  if (!report.mount_point.empty()) {
    parts.personal.set_file_path(report.mount_point);
  }
  WriteSoon(std::move(parts));
  LookAtContainedSoon();
  const bool decided = report.kind == decide::Report::Kind::kPlugged ||
                       report.kind == decide::Report::Kind::kDecided;
  if (observe_ != nullptr) observe_->Refresh();
  if (decided && report.waits_for_key && !report.observe_only) {
    Tell(person,
         Locked{.what = NameOf(report.facts), .device = ShownId(report.facts)});
  }
  const bool contained = policy::IsContainRule(report.decision.rule);
  if (!decided || !report.settled || report.observe_only ||
      (report.attached_at_start && !contained) ||
      report.decision.access != policy::Access::kBlock) {
    return;
  }
  const Refusal refusal{.what = NameOf(report.facts),
                        .kind = Refusal::Kind::kDevice,
                        .persons = 0,
                        .rule = report.decision.rule,
                        .reason = report.decision.reason,
                        .notify = contained
                                      ? ContainNotice(report.decision.rule)
                                      : report.decision.notify,
                        .contact = decider_->snapshot()->policy().contact,
                        .contained = contained};
  Notify(person, refusal);
  if (contained) TellCopying(report.id, person, refusal);
}

ipc::TransferVerdict Agent::OnTransfer(int64_t mount_id,
                                       const attribute::Who& asker,
                                       const ipc::TransferQuestion& question) {
  // He may have said who he is since he opened the file.
  const attribute::Who who = Knowing(asker);
  const bool observing = decider_->observing();
  if (files_->Before(mount_id, question.path)) WritePending();
  const decide::Decider::Device* device =
      decider_->Find(media_->DeviceOfMount(mount_id));
  // Its people are counted; whatever the verdict is, it is told below.
  const auto stream = streams_.extract({mount_id, question.stream_id});
  const policy::Containment* contained = ContainedCopy(mount_id, who);
  const Owners owners = OwnersIn(question.findings);
  const auto decision =
      contained != nullptr
          ? Contained(*contained)
          : DecideContent(question.findings, owners, device, who);
  policy::Verdict verdict = decision.verdict;
  std::string reason = decision.reason;
  const bool audit = contained == nullptr && device != nullptr &&
                     device->open == policy::Access::kAudit;
  if (audit && !observing && verdict == policy::Verdict::kBlock) {
    verdict = policy::Verdict::kAlert;
    reason += "; let through, because access is audit";
  }
  if (device == nullptr && !observing) {
    // A gate whose medium is being taken away.
    verdict = policy::Verdict::kBlock;
    reason = "the medium is not approved any more";
  }
  if (question.findings.reason == "crash") LookAtScanSocket();
  // Findings are a program's word.
  const Status own = CheckOwn();
  if (!own) {
    verdict = policy::Verdict::kBlock;
    reason = own.error().message;
  }
  const bool by_rule = contained == nullptr && device != nullptr &&
                       decision.grantable && own.has_value();
  int64_t grant = 0;
  if (!observing && by_rule && verdict == policy::Verdict::kBlock) {
    const auto used = UseGrant(question.findings, device->Facts(), who);
    if (!used) {
      TellHealth("a grant could not be marked as used: " +
                 used.error().message);
    } else if (*used != 0) {
      grant = *used;
      verdict = policy::Verdict::kAlert;
      reason += fmt::format("; let through once by grant {}", grant);
    }
  }
  const bool allowed = observing || verdict != policy::Verdict::kBlock;

  Parts parts = NewParts(event::v1::EVENT_KIND_TRANSFER);
  if (device != nullptr) {
    SetDevice(device->Facts(), parts);
    if (device->open) parts.open.set_access(policy::Name(*device->open));
  }
  SetWho(who, parts);
  TellFindings(question.findings, owners, parts);
  if (const auto from = LandingWith(question.findings)) {
    SetLanding(*from, parts);
  }
  parts.open.set_outcome(OutcomeOf(verdict));
  parts.open.set_rule(decision.rule);
  parts.open.set_reason(reason);
  parts.open.set_grant_id(grant);
  parts.open.set_persons_written_count(allowed ? question.findings.persons
                                               : question.persons_released);
  parts.personal.set_file_path(question.path.substr(0, 4096));
  const auto written = Write(std::move(parts));
  if (!written && !observing) {
    if (grant != 0) grants_->TakeBack(grant);
    Notify(who, {.what = question.path,
                 .kind = Refusal::Kind::kCopy,
                 .persons = 0,
                 .rule = "spool",
                 .reason = "the event could not be written down",
                 .notify = {},
                 .contact = decider_->snapshot()->policy().contact,
                 .contained = false});
    return ipc::TransferVerdict::kBlock;
  }
  if (!allowed) {
    Notify(who, {.what = question.path,
                 .kind = Refusal::Kind::kCopy,
                 .persons = question.findings.persons,
                 .rule = decision.rule,
                 .reason = decision.reason,
                 .notify = decision.notify,
                 .contact = decider_->snapshot()->policy().contact,
                 .contained = contained != nullptr,
                 .may_ask = by_rule && !question.findings.file_hash.empty(),
                 .other_granted = by_rule && HoldsGrant(who, device->Facts())});
    RememberRefused(
        {.event_id = written ? written->event_id : "",
         .who = who,
         .device = device == nullptr ? policy::DeviceFacts{} : device->Facts(),
         .path = question.path.substr(0, 4096),
         .rule = decision.rule,
         .grantable = by_rule,
         .findings = question.findings});
    return ipc::TransferVerdict::kBlock;
  }
  if (const Status counted =
          CountWritten(question.findings, device, who,
                       stream.empty() ? nullptr : &stream.mapped());
      !counted) {
    TellHealth("totals: " + counted.error().message);
  }
  return verdict == policy::Verdict::kAllow ? ipc::TransferVerdict::kAllow
                                            : ipc::TransferVerdict::kAlert;
}

void Agent::OnTransferFailed(int64_t mount_id,
                             const ipc::TransferFailed& failed) {
  Parts parts = NewParts(event::v1::EVENT_KIND_HEALTH);
  if (const auto* device = decider_->Find(media_->DeviceOfMount(mount_id))) {
    SetDevice(device->Facts(), parts);
  }
  parts.open.set_reason("an allowed transfer did not reach the medium: " +
                        EscapeUntrusted(failed.error, 256));
  parts.personal.set_file_path(failed.path.substr(0, 4096));
  WriteSoon(std::move(parts));
}

void Agent::OnDifference(decide::DeviceId id, const Difference& difference) {
  Log(LogLevel::kError, "witness: " + difference.what);
  Parts parts = NewParts(event::v1::EVENT_KIND_TAMPER);
  const auto* device = decider_->Find(id);
  if (device != nullptr) SetDevice(device->Facts(), parts);
  SetWho(Knowing(media_->PlugPerson(id)), parts);
  SetFigures(difference.figures, parts);
  parts.open.set_outcome(event::v1::OUTCOME_ALERTED);
  parts.open.set_rule("witness");
  parts.open.set_reason(difference.what);
  WriteSoon(std::move(parts));
}

void Agent::TellRewritten(const std::string& what) {
  Parts parts = NewParts(event::v1::EVENT_KIND_TAMPER);
  parts.open.set_reason(EscapeUntrusted(what, 512));
  Log(LogLevel::kError, what);
  WriteSoon(std::move(parts));
}

void Agent::OnDenied(const enforce::DeniedAccess& denied) {
  if (denied.expected || OnRemoteDenied(denied) || !denied.refused) return;
  const std::string kind =
      fmt::format("{}/{}/{}/{}", enforce::HookName(denied.hook), denied.uid,
                  denied.login_uid, denied.comm);
  const auto [found, first] = tamper_.try_emplace(kind, denied, 0);
  if (!first) {
    ++found->second.count;
    return;
  }
  // The first at once, the rest of its kind together.
  TellTamper(denied, 1);
  if (tamper_.size() == 1) {
    loop_.After(kTamperInterval, [this] { TellTamperCounts(); });
  }
  if (tamper_.size() > kMaxTamperKinds) TellTamperCounts();
}

void Agent::OnForeignProgram(const std::string& what) {
  Log(LogLevel::kError, "not a program of the agent: " + what);
  Parts parts = NewParts(event::v1::EVENT_KIND_TAMPER);
  parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
  parts.open.set_reason("refused as a program of the agent: " +
                        what.substr(0, 1024));
  WriteSoon(std::move(parts));
  uplink_->Wake();
}

void Agent::OnForeignStart(const std::string& what) {
  Log(LogLevel::kError, "start file: " + what);
  Parts parts = NewParts(event::v1::EVENT_KIND_TAMPER);
  parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
  parts.open.set_reason(
      "a unit file that is not the package's stops every copy: " +
      what.substr(0, 512));
  WriteSoon(std::move(parts));
}

// A gate only knows that no worker answered it. Whether somebody's socket
// stands in the place of systemd's is no crash.
void Agent::LookAtScanSocket() {
  if (scan_socket_timer_ != 0) return;
  scan_socket_timer_ =
      loop_.After(kTamperInterval, [this] { scan_socket_timer_ = 0; });
  jobs_.Run(
      [path = options_.runtime_dir + "/" + ipc::kScanSocket,
       listener = WorkersStartedBy()] {
        return ConnectSeqpacket(path, listener);
      },
      [this](const Result<UniqueFd>& worker) {
        const bool foreign =
            !worker && worker.error().code == Code::kPermissionDenied;
        const std::string what = foreign ? worker.error().message : "";
        if (what == std::exchange(foreign_scan_, what) || what.empty()) return;
        Log(LogLevel::kError, what);
        Parts parts = NewParts(event::v1::EVENT_KIND_TAMPER);
        parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
        parts.open.set_reason("refused as a scan worker: " + what);
        WriteSoon(std::move(parts));
      });
}

Status Agent::CheckOwn() {
  RETURN_IF_ERROR(programs_->Check());
  return start_files_->Check();
}

Status Agent::OwnStanding() const {
  RETURN_IF_ERROR(programs_->Standing());
  return start_files_->Standing();
}

void Agent::TellTamperCounts() {
  const auto counts = std::exchange(tamper_, {});
  for (const auto& [kind, tamper] : counts) {
    if (tamper.count > 0) TellTamper(tamper.first, tamper.count);
  }
}

void Agent::TellTamper(const enforce::DeniedAccess& denied, int64_t count) {
  Parts parts = NewParts(event::v1::EVENT_KIND_TAMPER);
  attribute::Who who = Behind(static_cast<pid_t>(denied.pid));
  if (who.uid < 0) {
    who.uid = denied.uid;
    who.login_uid =
        denied.login_uid == UINT32_MAX ? -1 : int64_t{denied.login_uid};
  }
  SetWho(who, parts);
  if (who.program.empty()) parts.personal.set_command(denied.comm);
  parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
  std::string what = enforce::HookName(denied.hook);
  using Hook = enforce::DeniedAccess::Hook;
  if (denied.hook == Hook::kOpen || denied.hook == Hook::kMount ||
      denied.hook == Hook::kDeviceCgroup) {
    what += fmt::format(" of {}{}", enforce::ToString(denied.device),
                        denied.write ? " for writing" : "");
    if (const auto* device =
            decider_->Find(media_->DeviceOfNode(denied.device))) {
      SetDevice(device->Facts(), parts);
    }
  } else if (denied.hook == Hook::kKill) {
    what += fmt::format(" signal {} to process {}", denied.signal,
                        denied.target_pid);
  } else if (denied.hook == Hook::kSocket) {
    what += fmt::format(" of process {} in the place of sekishod's",
                        denied.target_pid);
  }
  parts.open.set_reason(
      fmt::format("refused: {}{}", what,
                  count > 1 ? fmt::format(", {} times", count) : ""));
  WriteSoon(std::move(parts));
}

}  // namespace sekisho::agent
