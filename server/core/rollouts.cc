#include "server/core/rollouts.h"

#include <algorithm>
#include <utility>

#include "common/text.h"
#include "policy/problems.h"
#include "server/core/audit.h"

namespace sekisho::core {
namespace {

constexpr const char* kKind = "rollout_halted";
constexpr size_t kMaxReasonBytes = 200;
constexpr size_t kMaxRefusalBytes = 512;
constexpr int kEventsRead = 500;
// What sekishod says of an envelope it did not take (agent_policy.cc).
constexpr std::string_view kRefused = "policy refused: ";

Result<policy::Rings> RingsOfText(const std::string& text) {
  auto rings = policy::ParseRings(text, "rings");
  if (!rings) return std::unexpected(policy::AsError(rings.error()));
  return std::move(*rings);
}

bool IsLive(const std::optional<Rollout>& rollout) {
  return rollout && !rollout->end_time;
}

Status CheckReason(const std::string& reason) {
  if (reason.size() > kMaxReasonBytes || !IsValidUtf8(reason)) {
    return Fail(Code::kInvalidArgument,
                "a reason is UTF-8 text of at most 200 bytes");
  }
  return {};
}

std::string Words(int64_t version) {
  return "policy version " + std::to_string(version);
}

// The worst first.
int RankOf(RolloutAnswer answer) {
  switch (answer) {
    case RolloutAnswer::kRefused:
      return 0;
    case RolloutAnswer::kUnanswered:
    case RolloutAnswer::kSilent:
      return 1;
    case RolloutAnswer::kOffered:
    case RolloutAnswer::kNotReached:
      return 2;
    case RolloutAnswer::kHasIt:
      return 3;
    case RolloutAnswer::kClosed:
      return 4;
  }
  return 4;
}

}  // namespace

// ---- what agents are given ----

Status Rollouts::Refresh() {
  const std::lock_guard one_at_a_time(refreshing_);
  ASSIGN_OR_RETURN(store::PolicyOffer offer, store_.ReadPolicyOffer());
  Given given;
  {
    const std::lock_guard lock(mutex_);
    given = given_;
  }
  const bool same_rings = given.rollout && offer.rollout &&
                          given.rollout->rings == offer.rollout->rings;
  if (!offer.rollout) {
    given.rings = nullptr;
  } else if (!same_rings) {
    ASSIGN_OR_RETURN(auto rings, RingsOfText(offer.rollout->rings));
    given.rings = std::make_shared<const policy::Rings>(std::move(rings));
  }
  given.newest = offer.newest;
  given.rollout = std::move(offer.rollout);
  const std::lock_guard lock(mutex_);
  given_ = std::move(given);
  return {};
}

int64_t Rollouts::Wanted(const std::string& agent_id,
                         const std::string& terminal) const {
  std::shared_ptr<const policy::Rings> rings;
  int64_t version = 0;
  int64_t base = 0;
  size_t open = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!given_.rollout) return given_.newest;
    rings = given_.rings;
    version = given_.rollout->version;
    base = given_.rollout->base_version;
    open = static_cast<size_t>(given_.rollout->ring);
  }
  return policy::RingOf(*rings, agent_id, terminal) <= open ? version : base;
}

std::vector<int64_t> Rollouts::WantedByAny() const {
  const std::lock_guard lock(mutex_);
  if (!given_.rollout) return {given_.newest};
  return {given_.rollout->base_version, given_.rollout->version};
}

// ---- what people do ----

Result<std::optional<policy::Rings>> Rollouts::Configured() {
  ASSIGN_OR_RETURN(const RingsText stored, store_.GetRings());
  if (stored.text.empty()) return std::nullopt;
  ASSIGN_OR_RETURN(auto rings, RingsOfText(stored.text));
  return rings;
}

Result<Pushed> Rollouts::Push(const std::string& author,
                              const std::string& text,
                              const std::string& file_name,
                              const std::string& comment, PushHow how) {
  const std::lock_guard changing(changing_);
  std::optional<policy::Rings> rings;
  if (how != PushHow::kNow) {
    ASSIGN_OR_RETURN(rings, Configured());
  }
  if (how == PushHow::kRings && !rings) {
    return Fail(Code::kFailedPrecondition,
                "no rings are set: sekisho policy rings FILE sets them");
  }
  if (!rings) {
    ASSIGN_OR_RETURN(const auto before, store_.NewestRollout());
    ASSIGN_OR_RETURN(auto pushed,
                     publisher_.PushPolicy(author, text, file_name, comment));
    if (pushed.problems.empty()) {
      RETURN_IF_ERROR(AfterEnd(before, RolloutState::kReplaced));
    }
    return pushed;
  }
  ASSIGN_OR_RETURN(const RingsText stored, store_.GetRings());
  ASSIGN_OR_RETURN(const store::SinkMark mark, store_.NewestMark());
  const WallTime now = clock_.Now();
  Rollout rollout;
  rollout.rings = stored.text;
  rollout.started_by = author;
  rollout.start_time = rollout.ring_time = rollout.watch_time = now;
  rollout.event_row_id = mark.event_row_id;
  ASSIGN_OR_RETURN(auto pushed, publisher_.StagePolicy(author, text, file_name,
                                                       comment, rollout));
  if (pushed.problems.empty()) {
    pushed.ring = rings->rings.front().name;
    looked_.reset();
  }
  return pushed;
}

Status Rollouts::AfterEnd(const std::optional<Rollout>& before,
                          RolloutState state) {
  RETURN_IF_ERROR(Refresh());
  if (!IsLive(before)) return {};
  RETURN_IF_ERROR(Resolve(*before));
  if (state == RolloutState::kReplaced) return {};  // the store said so
  Rollout ended = *before;
  ended.state = state;
  ended.end_time = clock_.Now();
  return store_.PutRollout(ended);
}

Result<Pushed> Rollouts::RollbackTo(const std::string& author,
                                    int64_t version) {
  const std::lock_guard changing(changing_);
  ASSIGN_OR_RETURN(const auto before, store_.NewestRollout());
  ASSIGN_OR_RETURN(auto pushed, publisher_.Rollback(author, version));
  if (pushed.problems.empty()) {
    RETURN_IF_ERROR(AfterEnd(before, RolloutState::kRolledBack));
  }
  return pushed;
}

Result<Rollout> Rollouts::Live() {
  ASSIGN_OR_RETURN(const auto newest, store_.NewestRollout());
  if (!IsLive(newest)) {
    return Fail(Code::kFailedPrecondition, "no policy is being rolled out");
  }
  return *newest;
}

Result<RolloutStatus> Rollouts::Change(const std::string& author,
                                       RolloutAct act,
                                       const std::string& reason) {
  RETURN_IF_ERROR(CheckReason(reason));
  ASSIGN_OR_RETURN(Rollout rollout, Live());
  if (act == RolloutAct::kRollback) {
    ASSIGN_OR_RETURN(const Pushed pushed,
                     RollbackTo(author, rollout.base_version));
    if (!pushed.problems.empty()) {
      // Written for an older program that took what this one refuses.
      return std::unexpected(policy::AsError(pushed.problems));
    }
    return GetStatus();
  }
  {
    const std::lock_guard changing(changing_);
    ASSIGN_OR_RETURN(rollout, Live());
    const bool halted = rollout.state == RolloutState::kHalted;
    if (act == RolloutAct::kResume ? !halted : halted) {
      return Fail(Code::kFailedPrecondition,
                  halted ? "it is halted: resume it first, or roll it back"
                         : "it is not halted");
    }
    if (act == RolloutAct::kHalt) {
      RETURN_IF_ERROR(Stop(rollout, author, reason));
    } else if (act == RolloutAct::kAdvance) {
      ASSIGN_OR_RETURN(const auto rings, RingsOfText(rollout.rings));
      RETURN_IF_ERROR(OpenNext(rollout, rings, author));
    } else {
      RETURN_IF_ERROR(Resolve(rollout));
      rollout.state = RolloutState::kRunning;
      rollout.watch_time = clock_.Now();
      rollout.alert_id = 0;
      RETURN_IF_ERROR(Put(rollout));
    }
  }
  return GetStatus();
}

Result<std::vector<policy::Problem>> Rollouts::SetRings(
    const std::string& author, const std::string& text) {
  std::string kept = text;
  if (Trim(text).empty()) {
    kept.clear();
  } else if (const auto rings = policy::ParseRings(text, "rings"); !rings) {
    return rings.error();
  }
  RETURN_IF_ERROR(store_.PutRings({kept, author, clock_.Now()}));
  return std::vector<policy::Problem>();
}

// ---- what happens by itself ----

Status Rollouts::Put(const Rollout& rollout) {
  RETURN_IF_ERROR(store_.PutRollout(rollout));
  RETURN_IF_ERROR(Refresh());
  if (announce_) announce_();
  changes_.Tell({Change::What::kPolicy, rollout.version, ""});
  return {};
}

Status Rollouts::Resolve(const Rollout& rollout) {
  if (rollout.alert_id == 0) return {};
  RETURN_IF_ERROR(store_.ResolveAlert(rollout.alert_id, clock_.Now()));
  changes_.Tell({Change::What::kAlert, rollout.alert_id, ""});
  return {};
}

Status Rollouts::NoteDeed(const char* action, const Rollout& rollout,
                          const std::string& detail) {
  return WriteAudit(store_, clock_,
                    {.user = "sekisho-server",
                     .door = "server",
                     .address = "",
                     .action = action,
                     .object = Words(rollout.version),
                     .detail = detail},
                    {});
}

Status Rollouts::Stop(Rollout rollout, const std::string& by,
                      const std::string& reason) {
  rollout.state = RolloutState::kHalted;
  rollout.halt_time = clock_.Now();
  rollout.halted_by = by;
  rollout.halt_reason = reason;
  rollout.alert_id = 0;
  if (by.empty()) {
    store::NewAlert alert;
    alert.key = std::string(kKind) + ":" + std::to_string(rollout.version) +
                ":" +
                std::to_string(rollout.watch_time.time_since_epoch().count());
    alert.alert.kind = kKind;
    alert.alert.severity = "high";
    alert.alert.title =
        "The rollout of " + Words(rollout.version) + " has halted: " + reason;
    alert.alert.create_time = clock_.Now();
    ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
    rollout.alert_id = id.value_or(0);
    if (id) changes_.Tell({Change::What::kAlert, *id, ""});
    RETURN_IF_ERROR(NoteDeed("rollout.halt", rollout, reason));
  }
  return Put(rollout);
}

Status Rollouts::OpenNext(Rollout rollout, const policy::Rings& rings,
                          const std::string& by) {
  const auto next = static_cast<size_t>(rollout.ring) + 1;
  if (next >= rings.rings.size()) {
    rollout.state = RolloutState::kDone;
    rollout.end_time = clock_.Now();
  } else {
    rollout.ring = static_cast<int>(next);
    rollout.ring_time = clock_.Now();
  }
  if (by.empty()) {
    RETURN_IF_ERROR(
        NoteDeed("rollout.advance", rollout,
                 rollout.end_time ? "done" : "ring " + rings.rings[next].name));
  }
  return Put(rollout);
}

Result<Rollouts::Look> Rollouts::Read(const Rollout& rollout) {
  Look look;
  look.rollout = rollout;
  look.now = clock_.Now();
  ASSIGN_OR_RETURN(look.rings, RingsOfText(rollout.rings));
  ASSIGN_OR_RETURN(look.agents, store_.AllAgents());
  for (Agent& agent : look.agents) agent.state = presence_.StateOf(agent);
  std::erase_if(look.agents, [](const Agent& agent) {
    return agent.state == AgentState::kRevoked;
  });
  ASSIGN_OR_RETURN(const auto rows, store_.RolloutTerminals(rollout.version));
  for (const auto& row : rows) look.offered.emplace(row.agent_id, row);
  return look;
}

Status Rollouts::Judge(Look& look) {
  look.terminals = TerminalsOf(look.View());
  ASSIGN_OR_RETURN(const auto blocks,
                   store_.CountBlocks(look.rollout.start_time -
                                          std::chrono::days(kDaysBefore + 1),
                                      look.now + std::chrono::minutes(1)));
  look.numbers = NumbersOf(look.View(), look.terminals, blocks);
  return {};
}

Status Rollouts::NoteRefusals(
    Look& look, std::map<std::string, store::RolloutTerminal>& changed) {
  EventFilter filter;
  filter.kinds = {event::v1::EVENT_KIND_POLICY_CHANGED};
  filter.outcomes = {event::v1::OUTCOME_BLOCKED};
  const int64_t before = look.rollout.event_row_id;
  for (;;) {
    filter.after_row_id = look.rollout.event_row_id;
    ASSIGN_OR_RETURN(const auto page,
                     store_.ListEvents(filter, {kEventsRead, ""}));
    for (const Event& event : page.rows) {
      look.rollout.event_row_id = event.row_id;
      const auto& part = event.public_part;
      if (part.changed_version() != look.rollout.version ||
          !part.reason().starts_with(kRefused)) {
        continue;
      }
      auto row = look.offered.find(event.agent_id);
      if (row == look.offered.end()) {
        row =
            look.offered
                .emplace(event.agent_id,
                         store::RolloutTerminal{.agent_id = event.agent_id,
                                                .told_time = event.receive_time,
                                                .ack_time = {},
                                                .refuse_time = {},
                                                .refuse_reason = ""})
                .first;
      }
      row->second.refuse_time = event.receive_time;
      row->second.refuse_reason = EscapeUntrusted(
          part.reason().substr(kRefused.size()), kMaxRefusalBytes);
      changed[event.agent_id] = row->second;
    }
    if (std::ssize(page.rows) < kEventsRead) break;
  }
  return look.rollout.event_row_id == before ? Status()
                                             : store_.PutRollout(look.rollout);
}

Status Rollouts::NoteAnswers(Look& look) {
  std::map<std::string, store::RolloutTerminal> changed;
  const int64_t version = look.rollout.version;
  for (const Agent& agent : look.agents) {
    const auto ring = static_cast<int>(
        policy::RingOf(look.rings, agent.agent_id, agent.terminal));
    const bool has_it = agent.policy_version >= version;
    if (ring > look.rollout.ring && !has_it) continue;
    const auto known = look.offered.find(agent.agent_id);
    if (known == look.offered.end() && !has_it &&
        agent.state != AgentState::kConnected) {
      continue;
    }
    store::RolloutTerminal row =
        known != look.offered.end()
            ? known->second
            : store::RolloutTerminal{.agent_id = agent.agent_id,
                                     .told_time = look.now,
                                     .ack_time = {},
                                     .refuse_time = {},
                                     .refuse_reason = ""};
    if (has_it && !row.ack_time) {
      row.ack_time = agent.last_seen_time.value_or(look.now);
      row.told_time = std::min(row.told_time, *row.ack_time);
    }
    // It undid the policy by itself. 0: it does not know what it has.
    if (!has_it && row.ack_time && agent.policy_version > 0 &&
        !row.refuse_time) {
      row.refuse_time = look.now;
      row.refuse_reason = "had it and went back to version " +
                          std::to_string(agent.policy_version);
    }
    if (known == look.offered.end() || !(known->second == row)) {
      look.offered[agent.agent_id] = row;
      changed[agent.agent_id] = row;
    }
  }
  RETURN_IF_ERROR(NoteRefusals(look, changed));
  if (changed.empty()) return {};
  std::vector<store::RolloutTerminal> rows;
  for (auto& [agent_id, row] : changed) rows.push_back(std::move(row));
  RETURN_IF_ERROR(store_.PutRolloutTerminals(version, rows));
  changes_.Tell({Change::What::kPolicy, version, ""});
  return {};
}

Status Rollouts::Tick() {
  const std::lock_guard changing(changing_);
  if (looked_ && clock_.SinceBoot() - *looked_ < kRolloutLookedAtEvery) {
    return {};
  }
  looked_ = clock_.SinceBoot();
  ASSIGN_OR_RETURN(const auto newest, store_.NewestRollout());
  if (!IsLive(newest)) return {};
  ASSIGN_OR_RETURN(Look look, Read(*newest));
  RETURN_IF_ERROR(NoteAnswers(look));
  if (look.rollout.state != RolloutState::kRunning) return {};
  RETURN_IF_ERROR(Judge(look));
  const std::string reason = HaltReason(look.numbers, look.rings.halt);
  if (!reason.empty()) return Stop(look.rollout, "", reason);
  const NextRing next = NextRingOf(look.View(), look.terminals, look.numbers);
  return next.waits_for.empty() ? OpenNext(look.rollout, look.rings, "")
                                : Status();
}

Result<RolloutStatus> Rollouts::GetStatus() {
  RolloutStatus status;
  ASSIGN_OR_RETURN(const store::PolicyOffer offer, store_.ReadPolicyOffer());
  ASSIGN_OR_RETURN(status.rollout, store_.NewestRollout());
  status.newest_version = offer.newest;
  status.is_live = IsLive(status.rollout);
  if (status.is_live) {
    ASSIGN_OR_RETURN(Look look, Read(*status.rollout));
    RETURN_IF_ERROR(Judge(look));
    status.rings = RingsOf(look.rings, look.rollout.ring, look.terminals);
    status.blocks = look.numbers.since.blocks;
    status.expected_blocks = ExpectedBlocks(look.numbers, look.rings.halt);
    status.terminal_hours = look.numbers.since.hours;
    if (look.rollout.state == RolloutState::kRunning) {
      const NextRing next =
          NextRingOf(look.View(), look.terminals, look.numbers);
      status.next_time = next.time;
      status.waits_for = next.waits_for;
    } else {
      status.waits_for = "person";
    }
    status.terminals = std::move(look.terminals);
    std::ranges::sort(status.terminals, {}, [](const RolloutTerminal& one) {
      return std::tuple(RankOf(one.answer), std::string_view(one.terminal),
                        std::string_view(one.agent_id));
    });
    if (status.terminals.size() > kMaxRolloutTerminals) {
      status.terminals.resize(kMaxRolloutTerminals);
    }
    return status;
  }
  ASSIGN_OR_RETURN(const auto rings, Configured());
  if (!rings) return status;
  // All are open: everybody is given the newest.
  Rollout all;
  all.version = offer.newest;
  all.ring = static_cast<int>(rings->rings.size());
  ASSIGN_OR_RETURN(auto agents, store_.AllAgents());
  for (Agent& agent : agents) agent.state = presence_.StateOf(agent);
  std::erase_if(agents, [](const Agent& agent) {
    return agent.state == AgentState::kRevoked;
  });
  const std::map<std::string, store::RolloutTerminal> none;
  status.rings = RingsOf(
      *rings, all.ring, TerminalsOf({all, *rings, agents, none, clock_.Now()}));
  return status;
}

}  // namespace sekisho::core
