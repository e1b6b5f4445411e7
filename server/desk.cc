#include <algorithm>

#include "common/text.h"
#include "server/auth/secrets.h"
#include "server/core/requests.h"
#include "server/core/scopes.h"
#include "server/guarded_desk.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr auto kTokenLife = std::chrono::hours(24);
constexpr auto kMaxTokenLife = std::chrono::days(7);
// 128 bits of the CA's fingerprint stand behind the dot of a token.
constexpr size_t kFingerprintDigits = 32;
constexpr size_t kMaxCommentBytes = 4096;
// With its word before it, it is an approval's purpose.
constexpr size_t kMaxNoteBytes = 200;

}  // namespace

// A history search by person needs its reason, which is written down.
Result<Page<core::Event>> JoinedDesk::ListEvents(
    const Caller& caller, const core::EventFilter& filter,
    const Paging& paging) {
  const core::EventFilter seen = Seen(caller, filter);
  if (filter.person.empty()) return p_.store.ListEvents(seen, paging);
  RETURN_IF_ERROR(core::CheckSearchReason(filter.reason));
  if (searches_.IsNew(caller.user, filter.person, filter.reason,
                      p_.clock.Now())) {
    RETURN_IF_ERROR(Note(p_.store, p_.clock, caller, "event.search_person",
                         "person " + filter.person, filter.reason, {}));
  }
  return p_.store.ListEvents(seen, paging);
}

Result<core::Event> JoinedDesk::GetEvent(const Caller& caller, int64_t row_id) {
  ASSIGN_OR_RETURN(core::Event event, p_.store.GetEvent(row_id));
  RETURN_IF_ERROR(
      CheckSees(caller, event.terminal, "no event " + std::to_string(row_id)));
  return event;
}

Result<std::string> JoinedDesk::GetSamples(const Caller& caller,
                                           int64_t row_id) {
  const auto event = GetEvent(caller, row_id);
  Result<std::string> samples =
      event ? Result<std::string>(event->personal_part.sealed_samples())
            : std::unexpected(event.error());
  if (samples && samples->empty()) {
    samples = Fail(Code::kNotFound, "no samples were kept of this file");
  }
  return Written<std::string>(p_.store, p_.clock, caller, "event.samples",
                              "event " + std::to_string(row_id), "",
                              std::move(samples));
}

Status CheckVerdict(const std::string& verdict) {
  static constexpr std::string_view kVerdicts[] = {"true_positive",
                                                   "false_positive", "benign"};
  if (std::ranges::find(kVerdicts, verdict) != std::end(kVerdicts)) return {};
  return Fail(Code::kInvalidArgument,
              "a verdict is one of true_positive, false_positive, benign");
}

Status JoinedDesk::CheckNotHisAlert(const Caller& caller, int64_t alert_id) {
  core::AlertFilter filter;
  filter.alert_id = alert_id;
  ASSIGN_OR_RETURN(const auto page,
                   p_.store.ListAlerts(Seen(caller, filter), {}));
  if (page.rows.empty()) {
    return Fail(Code::kNotFound, "no alert " + std::to_string(alert_id));
  }
  if (core::Concerns(caller, page.rows.front())) {
    return Fail(Code::kPermissionDenied,
                "this alert concerns you: another person must handle it");
  }
  return {};
}

namespace {

Status CheckChange(const core::AlertChange& change) {
  if (change.verdict) RETURN_IF_ERROR(CheckVerdict(*change.verdict));
  if (change.comment.size() <= kMaxCommentBytes &&
      IsValidUtf8(change.comment) &&
      (!change.assignee || change.assignee->size() <= auth::kMaxUserBytes)) {
    return {};
  }
  return Fail(Code::kInvalidArgument,
              "a comment is UTF-8 text of at most 4 KiB");
}

std::string DetailOf(const core::AlertChange& change) {
  std::string detail;
  if (change.state) {
    detail += std::string("state=") + core::Name(*change.state) + " ";
  }
  if (change.assignee) detail += "assignee=" + *change.assignee + " ";
  if (change.verdict) detail += "verdict=" + *change.verdict;
  return detail;
}

}  // namespace

Result<core::Alert> JoinedDesk::UpdateAlert(const Caller& caller,
                                            const core::AlertChange& change) {
  auto result = [&]() -> Result<core::Alert> {
    RETURN_IF_ERROR(CheckChange(change));
    RETURN_IF_ERROR(CheckNotHisAlert(caller, change.alert_id));
    return p_.store.UpdateAlert(change, caller.user, p_.clock.Now());
  }();
  if (result) HideOthers(caller, *result);
  if (result) {
    p_.changes.Tell({core::Change::What::kAlert, change.alert_id, ""});
  }
  return Written<core::Alert>(p_.store, p_.clock, caller, "alert.update",
                              "alert " + std::to_string(change.alert_id),
                              DetailOf(change), result);
}

// One audit entry an alert, as if they had been changed one by one.
Result<core::BulkResult> JoinedDesk::UpdateAlerts(
    const Caller& caller, const std::vector<int64_t>& ids,
    const core::AlertChange& change) {
  if (ids.empty() || ids.size() > core::kMaxBulkAlerts) {
    return Fail(Code::kInvalidArgument,
                "1 to " + std::to_string(core::kMaxBulkAlerts) +
                    " alerts are changed at once");
  }
  core::BulkResult done;
  for (const int64_t id : ids) {
    core::AlertChange one = change;
    one.alert_id = id;
    if (const auto changed = UpdateAlert(caller, one); changed) {
      ++done.updated;
    } else {
      done.failed.push_back({id, changed.error().message});
    }
  }
  return done;
}

// Consoles hear of it once a step: they read again what they show.
Result<core::MatchingStep> JoinedDesk::UpdateMatchingAlerts(
    const Caller& caller, const core::MatchingAlerts& which,
    const core::AlertChange& change) {
  RETURN_IF_ERROR(CheckChange(change));
  if (which.upto_id <= 0 || which.filter.alert_id != 0 ||
      which.filter.skip != 0) {
    return Fail(Code::kInvalidArgument,
                "'upto_id' is missing: the newest alert when the number was "
                "shown");
  }
  if (!change.state && !change.assignee && !change.verdict &&
      change.comment.empty()) {
    return Fail(Code::kInvalidArgument, "no change is named");
  }
  store::AuditEntry entry =
      core::EntryOf(p_.clock, {.user = caller.user,
                               .door = caller.door,
                               .address = caller.address,
                               .action = "alert.update",
                               .object = "",
                               .detail = DetailOf(change)});
  core::MatchingAlerts seen = which;
  seen.filter = Seen(caller, which.filter);
  auto step = p_.store.UpdateMatching(
      seen, change, caller.user, entry,
      [&](const core::Alert& alert) -> Status {
        if (!core::Concerns(caller, alert)) return {};
        return Fail(Code::kPermissionDenied,
                    "this alert concerns you: another person must handle it");
      },
      core::kMaxMatchingStep);
  if (step && step->updated > 0) {
    p_.changes.Tell({core::Change::What::kAlert, 0, ""});
  }
  return step;
}

Result<int64_t> JoinedDesk::ApproveDevice(const Caller& caller,
                                          const core::Approval& approval) {
  std::string detail = "access=" + approval.access;
  if (!approval.terminal.empty()) {
    detail += " terminal=" + approval.terminal;
  }
  if (approval.expire_time) {
    detail += " until=" + FormatUtc(*approval.expire_time);
  }
  detail += " owner=" + approval.owner + " purpose=" + approval.purpose +
            " ticket=" + approval.ticket;
  return WriteDown<int64_t>(
      caller, "device.approve", "device " + approval.device_id, detail,
      [&]() -> Result<int64_t> {
        if (approval.access.empty()) {
          return Fail(Code::kInvalidArgument,
                      "access is one of block, read_only, inspect, audit, "
                      "full");
        }
        RETURN_IF_ERROR(
            CheckApprovalIsHis(caller, approval.device_id, &approval));
        RETURN_IF_ERROR(CheckContract(approval));
        auto version = p_.publisher.ChangeApproval(caller.user, approval);
        if (version) {
          p_.changes.Tell({core::Change::What::kDevice, 0, approval.device_id});
        }
        return version;
      });
}

// Who opens a device for somebody says until when he works here.
Status JoinedDesk::CheckContract(const core::Approval& approval) {
  if (approval.access == "block" || approval.owner.empty()) return {};
  ASSIGN_OR_RETURN(const auto owner, p_.store.FindPerson(approval.owner));
  WallTime end = approval.expire_time.value_or(WallTime::max());
  ASSIGN_OR_RETURN(const bool longer,
                   core::CutToContract(owner, p_.clock.Now(), &end));
  if (!longer) return {};
  return Fail(Code::kInvalidArgument, "the contract of " + approval.owner +
                                          " ends " + FormatUtc(end) +
                                          ": approve until then at most");
}

Result<int64_t> JoinedDesk::RevokeDevice(const Caller& caller,
                                         const std::string& device_id) {
  return WriteDown<int64_t>(
      caller, "device.revoke", "device " + device_id, "",
      [&]() -> Result<int64_t> {
        RETURN_IF_ERROR(CheckApprovalIsHis(caller, device_id, nullptr));
        core::Approval none;
        none.device_id = device_id;
        auto version = p_.publisher.ChangeApproval(caller.user, none);
        if (version) {
          p_.changes.Tell({core::Change::What::kDevice, 0, device_id});
        }
        return version;
      });
}

Status JoinedDesk::ConfirmDevice(const Caller& caller,
                                 const core::Confirmation& confirmation) {
  const Status done = [&]() -> Status {
    if (confirmation.note.size() > kMaxNoteBytes ||
        !IsValidUtf8(confirmation.note)) {
      return Fail(Code::kInvalidArgument,
                  "a note is UTF-8 text of at most 200 bytes");
    }
    core::Confirmation stored = confirmation;
    stored.confirmed_by = caller.user;
    stored.confirm_time = p_.clock.Now();
    RETURN_IF_ERROR(p_.store.ConfirmDevice(stored));
    p_.changes.Tell({core::Change::What::kDevice, 0, confirmation.device_id});
    return {};
  }();
  RETURN_IF_ERROR(Note(p_.store, p_.clock, caller, "device.confirm",
                       "device " + confirmation.device_id, confirmation.note,
                       done));
  return done;
}

// What went with it, for the audit and for whoever is on duty. That it cannot
// be read stops no report.
JoinedDesk::WithIt JoinedDesk::WhatIsOn(const std::string& device_id) {
  const auto contents =
      core::ReadDeviceContents(p_.store, device_id, p_.clock.Now());
  if (!contents && contents.error().code == Code::kNotFound) {
    return {"it was never seen", false};
  }
  if (!contents) {
    return {"what is on it cannot be read: " + contents.error().message, true};
  }
  const bool personal = std::ranges::any_of(
      contents->media, [](const auto& medium) { return medium.persons > 0; });
  return {core::SumText(*contents), personal};
}

Status JoinedDesk::RaiseLost(const core::LostMark& mark, const WithIt& with) {
  store::NewAlert lost;
  lost.key = "device_lost:" + mark.device_id + ":" + FormatUtc(mark.mark_time);
  lost.alert.kind = "device_lost";
  lost.alert.severity = with.personal ? "critical" : "medium";
  lost.alert.title = "Device " + mark.device_id + " is reported " + mark.how +
                     ": " + with.text;
  lost.alert.device_id = mark.device_id;
  lost.alert.create_time = mark.mark_time;
  ASSIGN_OR_RETURN(const auto id, p_.store.AddAlert(lost));
  if (id) p_.changes.Tell({core::Change::What::kAlert, *id, ""});
  return {};
}

Result<int64_t> JoinedDesk::MarkLost(const Caller& caller,
                                     const core::LostMark& mark) {
  const WithIt with = WhatIsOn(mark.device_id);
  return WriteDown<int64_t>(
      caller, "device.lost", "device " + mark.device_id,
      mark.how + ": " + mark.note + (mark.note.empty() ? "" : "; ") + with.text,
      [&]() -> Result<int64_t> {
        if (mark.how != "lost" && mark.how != "stolen") {
          return Fail(Code::kInvalidArgument, "a device is lost or stolen");
        }
        if (mark.note.size() > kMaxNoteBytes || !IsValidUtf8(mark.note)) {
          return Fail(Code::kInvalidArgument,
                      "a note is UTF-8 text of at most 200 bytes");
        }
        core::Approval block;
        block.device_id = mark.device_id;
        block.access = "block";
        block.owner = caller.user;
        block.purpose = mark.how + ": " + mark.note;
        // First what protects: a block without its mark is found and lifted, a
        // mark without its block would be a lie.
        ASSIGN_OR_RETURN(const int64_t version, ApproveDevice(caller, block));
        core::LostMark stored = mark;
        stored.marked_by = caller.user;
        stored.mark_time = p_.clock.Now();
        RETURN_IF_ERROR(p_.store.MarkLost(stored));
        RETURN_IF_ERROR(p_.codes.RevokeFor(mark.device_id));
        RETURN_IF_ERROR(RaiseLost(stored, with));
        p_.changes.Tell({core::Change::What::kDevice, 0, mark.device_id});
        return version;
      });
}

Result<int64_t> JoinedDesk::ClearLost(const Caller& caller,
                                      const std::string& device_id,
                                      const std::string& note) {
  return WriteDown<int64_t>(caller, "device.found", "device " + device_id, note,
                            [&]() -> Result<int64_t> {
                              RETURN_IF_ERROR(p_.store.ClearLost(device_id));
                              return RevokeDevice(caller, device_id);
                            });
}

// First what counts: a request left open is asked for again, an approval that
// was written on the alert but never given is a lie.
Result<core::AlertChange> JoinedDesk::CarryOut(
    const Caller& caller, const core::Alert& asked,
    const core::RequestDecision& decision) {
  const bool approve = decision.answer == core::RequestAnswer::kApprove;
  const WallTime now = p_.clock.Now();
  store::Store::GrantChange change;
  if (asked.event && !asked.event->public_part.event_id().empty()) {
    change.answer =
        store::RequestAnswer{.alert_id = asked.alert_id,
                             .event_id = asked.event->public_part.event_id(),
                             .approved = approve,
                             .answer_time = now};
  }
  if (approve && core::AsksForTransfer(asked)) {
    ASSIGN_OR_RETURN(change.grant,
                     core::GrantFor(caller, asked, decision, now));
    ASSIGN_OR_RETURN(const auto person,
                     p_.store.FindPerson(change.grant->person));
    ASSIGN_OR_RETURN(const bool cut,
                     core::CutToContract(person, now, &change.grant->end_time));
    ASSIGN_OR_RETURN(const auto grant, p_.publisher.PutGrant(change));
    core::AlertChange closing = core::ClosingOf(decision, grant);
    if (cut) closing.comment += core::kCutNote;
    return closing;
  }
  ASSIGN_OR_RETURN(core::Approval approval,
                   core::ApprovalFor(caller, asked, decision, now));
  std::optional<core::Approval> given;
  bool cut = false;
  if (approve) {
    ASSIGN_OR_RETURN(const auto person, p_.store.FindPerson(approval.owner));
    ASSIGN_OR_RETURN(cut,
                     core::CutToContract(person, now, &*approval.expire_time));
    RETURN_IF_ERROR(ApproveDevice(caller, approval));
    given = std::move(approval);
  }
  if (change.answer) RETURN_IF_ERROR(p_.publisher.PutGrant(change));
  core::AlertChange closing = core::ClosingOf(decision, given);
  if (cut) closing.comment += core::kCutNote;
  return closing;
}

Result<core::Alert> JoinedDesk::DecideRequest(
    const Caller& caller, const core::RequestDecision& decision) {
  const bool approve = decision.answer == core::RequestAnswer::kApprove;
  return WriteDown<core::Alert>(
      caller, approve ? "request.approve" : "request.deny",
      "alert " + std::to_string(decision.alert_id), decision.reason,
      [&]() -> Result<core::Alert> {
        core::AlertFilter filter;
        filter.alert_id = decision.alert_id;
        filter.with_events = true;
        ASSIGN_OR_RETURN(const auto page,
                         p_.store.ListAlerts(Seen(caller, filter), {}));
        if (page.rows.empty()) {
          return Fail(Code::kNotFound, "there is no such request");
        }
        const core::Alert& asked = page.rows.front();
        ASSIGN_OR_RETURN(const core::AlertChange closing,
                         CarryOut(caller, asked, decision));
        auto alert = p_.store.UpdateAlert(closing, caller.user, p_.clock.Now());
        p_.changes.Tell({core::Change::What::kAlert, decision.alert_id, ""});
        return alert;
      });
}

Result<core::TransferGrant> JoinedDesk::RevokeGrant(const Caller& caller,
                                                    int64_t grant_id,
                                                    const std::string& reason) {
  return WriteDown<core::TransferGrant>(
      caller, "grant.revoke", "grant " + std::to_string(grant_id), reason,
      [&]() -> Result<core::TransferGrant> {
        if (reason.size() > kMaxNoteBytes || !IsValidUtf8(reason)) {
          return Fail(Code::kInvalidArgument,
                      "a reason is UTF-8 text of at most 200 bytes");
        }
        ASSIGN_OR_RETURN(
            const auto running,
            p_.store.ListGrants(core::WhichGrants::kRunning, caller.scope));
        const auto found =
            std::ranges::find(running, grant_id, &core::TransferGrant::id);
        if (found == running.end() || found->used_event_row_id != 0) {
          return Fail(Code::kFailedPrecondition,
                      "this grant was used, is over, or never was");
        }
        core::TransferGrant grant = *found;
        grant.over_time = p_.clock.Now();
        grant.over_why = "revoked";
        auto put = p_.publisher.PutGrant({.grant = grant, .answer = {}});
        p_.changes.Tell({core::Change::What::kAlert, grant.alert_id, ""});
        return put;
      });
}

Result<Page<core::Agent>> JoinedDesk::ListAgents(const Caller& caller,
                                                 const Paging& paging) {
  ASSIGN_OR_RETURN(auto page, p_.store.ListAgents(paging, caller.scope));
  for (core::Agent& agent : page.rows) {
    agent.state = p_.presence.StateOf(agent);
  }
  return page;
}

Result<core::Agent> JoinedDesk::GetAgent(const Caller& caller,
                                         const std::string& agent_id) {
  ASSIGN_OR_RETURN(core::Agent agent, p_.store.GetAgent(agent_id));
  RETURN_IF_ERROR(CheckSees(caller, agent.terminal, "no agent " + agent_id));
  agent.state = p_.presence.StateOf(agent);
  return agent;
}

Status JoinedDesk::RevokeAgent(const Caller& caller,
                               const std::string& agent_id,
                               const std::string& reason) {
  return WriteDown<void>(
      caller, "agent.revoke", "agent " + agent_id, reason, [&]() -> Status {
        RETURN_IF_ERROR(GetAgent(caller, agent_id));
        RETURN_IF_ERROR(p_.store.RevokeAgent(
            agent_id, EscapeUntrusted(reason, 256), p_.clock.Now()));
        p_.presence.Revoke(agent_id);
        p_.cut(agent_id, "this agent was revoked");
        p_.changes.Tell({core::Change::What::kAgent, 0, agent_id});
        return {};
      });
}

Status JoinedDesk::ApproveRenewal(const Caller& caller,
                                  const std::string& agent_id) {
  return WriteDown<void>(
      caller, "agent.approve_renewal", "agent " + agent_id, "",
      [&]() -> Status {
        RETURN_IF_ERROR(GetAgent(caller, agent_id));
        RETURN_IF_ERROR(
            p_.store.ApproveRenewal(agent_id, caller.user, p_.clock.Now()));
        p_.changes.Tell({core::Change::What::kAgent, 0, agent_id});
        return {};
      });
}

Result<core::Token> JoinedDesk::CreateToken(const Caller& caller,
                                            const core::NewToken& wish) {
  const std::string object =
      wish.hostname.empty() ? "any host" : "host " + wish.hostname;
  return WriteDown<core::Token>(
      caller, "agent.token", object, "terminal=" + wish.terminal,
      [&]() -> Result<core::Token> {
        const auto life =
            wish.ttl.count() == 0 ? std::chrono::seconds(kTokenLife) : wish.ttl;
        if (life.count() < 0 || life > kMaxTokenLife) {
          return Fail(Code::kInvalidArgument,
                      "a token lives at least a second and at most 7 days");
        }
        const auto fine = [](const std::string& name) {
          return name.size() <= 253 && std::ranges::all_of(name, [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                          c == '_';
                 });
        };
        if (!fine(wish.hostname) || !fine(wish.terminal)) {
          return Fail(Code::kInvalidArgument,
                      "names are at most 253 of letters, digits and - . _");
        }
        core::Token token;
        const std::string secret = auth::NewSecret();
        token.token =
            secret + "." + p_.ca_fingerprint.substr(0, kFingerprintDigits);
        token.expire_time = p_.clock.Now() + life;
        store::StoredToken stored;
        stored.hash = auth::HashSecret(secret);
        stored.hostname = wish.hostname;
        stored.terminal = wish.terminal;
        stored.created_by = caller.user;
        stored.create_time = p_.clock.Now();
        stored.expire_time = token.expire_time;
        RETURN_IF_ERROR(p_.store.AddToken(stored));
        return token;
      });
}

std::unique_ptr<core::Desk> MakeDesk(DeskParts parts) {
  store::Store& store = parts.store;
  const Clock& clock = parts.clock;
  return std::make_unique<GuardedDesk>(
      std::make_unique<JoinedDesk>(std::move(parts)), store, clock);
}

core::ExportGate MakeExportGate(store::Store& store, const Clock& clock) {
  using Agents = std::vector<core::Agent>;
  return [&store, &clock](const Caller& caller,
                          const std::string& agent_id) -> Result<Agents> {
    const auto agents = [&]() -> Result<Agents> {
      RETURN_IF_ERROR(core::CheckMay(caller.roles, caller.via,
                                     core::Method::kExportEvents));
      RETURN_IF_ERROR(
          core::CheckReach(caller.scope, core::Method::kExportEvents));
      if (agent_id.empty()) {
        return store.AgentsIn(caller.scope);
      }
      ASSIGN_OR_RETURN(core::Agent agent, store.GetAgent(agent_id));
      ASSIGN_OR_RETURN(const bool seen,
                       store.Sees(caller.scope, agent.terminal));
      if (!seen) return Fail(Code::kNotFound, "no agent " + agent_id);
      return Agents{std::move(agent)};
    }();
    return Written<Agents>(
        store, clock, caller, "event.export",
        agent_id.empty() ? "all agents" : "agent " + agent_id, "", agents);
  };
}

}  // namespace sekisho
