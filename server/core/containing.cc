#include "server/core/containing.h"

#include <algorithm>
#include <string_view>
#include <tuple>

#include "common/text.h"
#include "policy/containment.h"
#include "policy/unlock.h"
#include "server/core/device_id.h"
#include "server/core/event_words.h"
#include "server/core/requests.h"

namespace sekisho::core {
namespace {

constexpr auto kPatience = std::chrono::hours(1);
constexpr size_t kMaxReasonBytes = 512;

// Whom he would help himself.
Status CheckNotHimself(const Caller& caller, std::string_view kind,
                       const std::string& target) {
  if (kind == "person" && Concerns(caller, target)) {
    return Fail(Code::kPermissionDenied,
                "this concerns you: another person must do it");
  }
  return {};
}

Status CheckReason(const std::string& reason) {
  if (!IsOneLine(reason, kMaxReasonBytes)) {
    return Fail(Code::kInvalidArgument,
                "a reason is one line of at most 512 bytes");
  }
  return {};
}

Status CheckLength(std::chrono::seconds length) {
  if (length.count() < 60 || length.count() > policy::kMaxContainSeconds) {
    return Fail(Code::kInvalidArgument,
                "a containment lasts a minute to 24 hours");
  }
  return {};
}

Status CheckKnown(const Caller& caller) {
  if (!policy::PersonOf(caller.user).empty()) return {};
  return Fail(Code::kPermissionDenied,
              "nobody knows who you are: log in as yourself and use sudo");
}

int RankOf(const ContainedTerminal& row) {
  switch (row.answer) {
    case ContainAnswer::kClosing:
    case ContainAnswer::kOver:
      return 0;
    case ContainAnswer::kObserved:
      return row.media > 0 ? 0 : 2;
    case ContainAnswer::kNotReached:
    case ContainAnswer::kWaiting:
      return 1;
    case ContainAnswer::kClosed:
      return row.media > 0 ? 0 : 3;
  }
  return 0;
}

}  // namespace

const char* Name(ContainAnswer answer) {
  switch (answer) {
    case ContainAnswer::kClosed:
      return "closed";
    case ContainAnswer::kClosing:
      return "closing";
    case ContainAnswer::kObserved:
      return "would_close";
    case ContainAnswer::kWaiting:
      return "waiting";
    case ContainAnswer::kNotReached:
      return "not_reached";
    case ContainAnswer::kOver:
      return "over";
  }
  return "waiting";
}

Status Containing::CheckTarget(const Scope& scope, const ContainWish& wish) {
  if (!IsOneLine(wish.target, policy::kMaxContainTargetBytes)) {
    return Fail(Code::kInvalidArgument, "whom or what to contain is needed");
  }
  if (wish.kind != "terminal" && !scope.IsWholeFleet()) {
    return Fail(
        Code::kPermissionDenied,
        "this closes media on every terminal; you see: " + store::Print(scope));
  }
  if (wish.kind == "terminal") {
    ASSIGN_OR_RETURN(const Agent agent, store_.GetAgent(wish.target));
    ASSIGN_OR_RETURN(const bool seen, store_.Sees(scope, agent.terminal));
    if (!seen) return Fail(Code::kNotFound, "no agent " + wish.target);
    if (agent.state == AgentState::kRevoked) {
      return Fail(Code::kFailedPrecondition,
                  agent.terminal + " is revoked: it takes no orders");
    }
    return {};
  }
  if (wish.kind == "device") {
    if (DeviceFromId(wish.target)) return {};
    DeviceFilter filter;
    filter.device_id = wish.target;
    ASSIGN_OR_RETURN(const auto seen,
                     store_.ListDevices(filter, {1, ""}, clock_.Now()));
    if (!seen.rows.empty()) return {};
    return Fail(Code::kNotFound, "no device " + wish.target + " was seen");
  }
  if (wish.kind != "person") {
    return Fail(Code::kInvalidArgument,
                "one of person, terminal, device can be contained");
  }
  if (wish.target == "unknown") {
    return Fail(Code::kInvalidArgument,
                "an unknown person cannot be contained: contain the terminal "
                "or the device");
  }
  return {};
}

Result<ContainmentStatus> Containing::Begin(const Caller& caller,
                                            const ContainWish& wish) {
  const auto length = wish.length.count() == 0 ? kContainDefault : wish.length;
  RETURN_IF_ERROR(CheckLength(length));
  RETURN_IF_ERROR(CheckReason(wish.reason));
  RETURN_IF_ERROR(CheckNotHimself(caller, wish.kind, wish.target));
  RETURN_IF_ERROR(CheckTarget(caller.scope, wish));
  const std::lock_guard changing(changing_);
  ASSIGN_OR_RETURN(const auto running,
                   store_.ListContainments(Contained::kRunning, {}));
  if (running.size() >= policy::kMaxContainments) {
    return Fail(Code::kResourceExhausted, "too many containments run already");
  }
  for (const Containment& one : running) {
    if (one.kind == wish.kind && one.target == wish.target) {
      return Fail(
          Code::kAlreadyExists,
          "it is contained already: see containment " + std::to_string(one.id));
    }
  }
  const WallTime now = std::chrono::floor<std::chrono::seconds>(clock_.Now());
  Containment row{.id = 0,
                  .kind = wish.kind,
                  .target = wish.target,
                  .reason = wish.reason,
                  .created_by = caller.user,
                  .create_time = now,
                  .from_time = now,
                  .end_time = now + length,
                  .over_time = std::nullopt,
                  .lifted_by = "",
                  .lift_reason = "",
                  .alert_id = 0,
                  .version = 0};
  // Raised first: no containment without its alert.
  store::NewAlert alert;
  alert.key = "containment:" + wish.kind + ":" + wish.target + ":" +
              std::to_string(clock_.Now().time_since_epoch().count());
  alert.alert.kind = "containment";
  alert.alert.severity = "high";
  alert.alert.create_time = now;
  if (wish.kind == "person") alert.alert.person = wish.target;
  if (wish.kind == "device") alert.alert.device_id = wish.target;
  if (wish.kind == "terminal") {
    ASSIGN_OR_RETURN(const Agent agent, store_.GetAgent(wish.target));
    alert.alert.agent_id = agent.agent_id;
    alert.alert.terminal = agent.terminal;
  }
  const std::string& name =
      alert.alert.terminal.empty() ? wish.target : alert.alert.terminal;
  alert.alert.title = "Media of the " + wish.kind + " " +
                      EscapeUntrusted(name, 64) + " are closed until " +
                      MinuteText(row.end_time) + " by order of " + caller.user;
  ASSIGN_OR_RETURN(const auto alert_id, store_.AddAlert(alert));
  row.alert_id = alert_id.value_or(0);
  ASSIGN_OR_RETURN(row, publisher_.PutContainment(row));
  if (alert_id) changes_.Tell({Change::What::kAlert, *alert_id, ""});
  changes_.Tell({Change::What::kContain, row.id, ""});
  return StatusOfOne(row);
}

Result<Containment> Containing::FindRunning(int64_t id, const Scope& scope) {
  ASSIGN_OR_RETURN(const auto running,
                   store_.ListContainments(Contained::kRunning, scope));
  const auto found = std::ranges::find(running, id, &Containment::id);
  if (found == running.end() || found->end_time <= clock_.Now()) {
    return Fail(Code::kNotFound,
                "no containment " + std::to_string(id) + " runs");
  }
  return *found;
}

Status Containing::AskExtension(const Caller& caller, int64_t id,
                                std::chrono::seconds length,
                                const std::string& reason) {
  RETURN_IF_ERROR(CheckKnown(caller));
  RETURN_IF_ERROR(CheckLength(length));
  RETURN_IF_ERROR(CheckReason(reason));
  ASSIGN_OR_RETURN(const Containment row, FindRunning(id, caller.scope));
  RETURN_IF_ERROR(CheckNotHimself(caller, row.kind, row.target));
  {
    const std::lock_guard lock(mutex_);
    extensions_[id] = {caller.user, length, reason, clock_.Now()};
  }
  changes_.Tell({Change::What::kContain, id, ""});
  return {};
}

Result<ContainmentStatus> Containing::AgreeExtension(const Caller& caller,
                                                     int64_t id) {
  RETURN_IF_ERROR(CheckKnown(caller));
  const std::lock_guard changing(changing_);
  ASSIGN_OR_RETURN(Containment row, FindRunning(id, caller.scope));
  RETURN_IF_ERROR(CheckNotHimself(caller, row.kind, row.target));
  {
    const std::lock_guard lock(mutex_);
    const auto asked = extensions_.find(id);
    if (asked == extensions_.end() ||
        clock_.Now() - asked->second.ask_time > kPatience) {
      return Fail(Code::kNotFound,
                  "nobody asked to extend it within the last hour");
    }
    if (IsHimself(caller, asked->second.asked_by)) {
      return Fail(Code::kPermissionDenied,
                  "who asked cannot agree; another person must");
    }
    row.from_time = std::chrono::floor<std::chrono::seconds>(clock_.Now());
    // Agreeing late takes nothing away.
    row.end_time = std::max(row.end_time, row.from_time + asked->second.length);
    extensions_.erase(asked);
  }
  ASSIGN_OR_RETURN(row, publisher_.PutContainment(row));
  changes_.Tell({Change::What::kContain, id, ""});
  return StatusOfOne(row);
}

Result<ContainmentStatus> Containing::Lift(const Caller& caller, int64_t id,
                                           const std::string& reason) {
  RETURN_IF_ERROR(CheckKnown(caller));
  RETURN_IF_ERROR(CheckReason(reason));
  const std::lock_guard changing(changing_);
  ASSIGN_OR_RETURN(Containment row, FindRunning(id, caller.scope));
  RETURN_IF_ERROR(CheckNotHimself(caller, row.kind, row.target));
  row.lifted_by = caller.user;
  row.lift_reason = reason;
  ASSIGN_OR_RETURN(row, PutOver(std::move(row)));
  return StatusOfOne(row);
}

Result<Containment> Containing::PutOver(Containment row) {
  row.over_time = clock_.Now();
  ASSIGN_OR_RETURN(row, publisher_.PutContainment(row));
  {
    const std::lock_guard lock(mutex_);
    extensions_.erase(row.id);
  }
  if (row.alert_id != 0) {
    RETURN_IF_ERROR(store_.ResolveAlert(row.alert_id, clock_.Now()));
    changes_.Tell({Change::What::kAlert, row.alert_id, ""});
  }
  changes_.Tell({Change::What::kContain, row.id, ""});
  return row;
}

Result<std::vector<Containment>> Containing::EndDue() {
  const std::lock_guard changing(changing_);
  ASSIGN_OR_RETURN(const auto running,
                   store_.ListContainments(Contained::kRunning, {}));
  std::vector<Containment> ended;
  for (const Containment& row : running) {
    if (row.end_time > clock_.Now()) continue;
    ASSIGN_OR_RETURN(const Containment over, PutOver(row));
    ended.push_back(over);
  }
  return ended;
}

void Containing::OnHeard(const std::string& agent_id, Heard heard) {
  if (heard.version == 0) return;
  {
    const std::lock_guard lock(mutex_);
    Heard& known = heard_[agent_id];
    if (known == heard) return;
    known = std::move(heard);
  }
  changes_.Tell({Change::What::kContain, 0, agent_id});
}

ContainedTerminal Containing::AnswerOf(const Containment& row,
                                       const Agent& agent) {
  ContainedTerminal out;
  out.agent_id = agent.agent_id;
  out.terminal = agent.terminal;
  const std::lock_guard lock(mutex_);
  const auto heard = heard_.find(agent.agent_id);
  const bool knows =
      heard != heard_.end() && heard->second.version >= row.version;
  const auto report = knows ? heard->second.reports.find(row.id)
                            : std::map<int64_t, Report>::const_iterator();
  if (knows && report == heard->second.reports.end()) {
    out.answer = ContainAnswer::kOver;
    return out;
  }
  if (knows) {
    out.close_time = report->second.close_time;
    out.media = report->second.media;
    out.open_media = report->second.open_media;
    out.answer = report->second.observes ? ContainAnswer::kObserved
                 : out.close_time && out.open_media == 0
                     ? ContainAnswer::kClosed
                     : ContainAnswer::kClosing;
    return out;
  }
  const bool late = clock_.Now() - row.from_time > kContainPatience;
  const bool connected = presence_.StateOf(agent) == AgentState::kConnected;
  // What it was heard to be in last may be old: only its own answer counts.
  out.answer =
      connected && !late ? ContainAnswer::kWaiting : ContainAnswer::kNotReached;
  return out;
}

Result<ContainmentStatus> Containing::StatusOfOne(const Containment& row) {
  ASSIGN_OR_RETURN(auto all, StatusOf({row}));
  return std::move(all.front());
}

Result<std::vector<ContainmentStatus>> Containing::List(Contained which,
                                                        const Scope& scope) {
  ASSIGN_OR_RETURN(const auto rows, store_.ListContainments(which, scope));
  return StatusOf(rows);
}

Result<std::vector<ContainmentStatus>> Containing::StatusOf(
    const std::vector<Containment>& rows) {
  std::vector<ContainmentStatus> all;
  if (rows.empty()) return all;
  ASSIGN_OR_RETURN(const auto agents, store_.AllAgents());
  for (const Containment& row : rows) {
    ContainmentStatus& status = all.emplace_back();
    status.containment = row;
    for (const Agent& agent : agents) {
      const bool concerned =
          row.kind != "terminal" || row.target == agent.agent_id;
      if (!concerned) continue;
      if (row.kind == "terminal") status.terminal = agent.terminal;
      if (row.over_time || presence_.StateOf(agent) == AgentState::kRevoked) {
        continue;
      }
      status.terminals.push_back(AnswerOf(row, agent));
      ++status.counts[Name(status.terminals.back().answer)];
    }
    std::ranges::sort(status.terminals, {}, [](const ContainedTerminal& one) {
      return std::tuple(RankOf(one), std::string_view(one.terminal),
                        std::string_view(one.agent_id));
    });
    if (status.terminals.size() > kMaxContainedTerminals) {
      status.terminals.resize(kMaxContainedTerminals);
    }
    const std::lock_guard lock(mutex_);
    const auto asked = extensions_.find(row.id);
    if (asked != extensions_.end() &&
        clock_.Now() - asked->second.ask_time <= kPatience) {
      status.extension_asked_by = asked->second.asked_by;
      status.extension = asked->second.length;
      status.extension_reason = asked->second.reason;
    }
  }
  return all;
}

}  // namespace sekisho::core
