// Rollouts of a policy version, the rings, and the counts of blocks that a
// rollout is watched by.
#include <algorithm>
#include <array>

#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kColumns =
    "version, base_version, rings, state, ring, started_by, start_time, "
    "ring_time, watch_time, end_time, halt_time, halted_by, halt_reason, "
    "alert_id, event_row_id";
constexpr int64_t kMinuteMicros = 60'000'000;

RolloutState StateFrom(std::string_view word) {
  static constexpr std::array kStates = {
      RolloutState::kRunning, RolloutState::kHalted, RolloutState::kDone,
      RolloutState::kRolledBack, RolloutState::kReplaced};
  const auto found =
      std::ranges::find_if(kStates, [&](auto s) { return Name(s) == word; });
  // What a newer program wrote opens no ring.
  return found == kStates.end() ? RolloutState::kHalted : *found;
}

Rollout RolloutFrom(const Statement& row) {
  return {.version = row.Int(0),
          .base_version = row.Int(1),
          .rings = row.Text(2),
          .state = StateFrom(row.View(3)),
          .ring = static_cast<int>(row.Int(4)),
          .started_by = row.Text(5),
          .start_time = row.Time(6),
          .ring_time = row.Time(7),
          .watch_time = row.Time(8),
          .end_time = row.MaybeTime(9),
          .halt_time = row.MaybeTime(10),
          .halted_by = row.Text(11),
          .halt_reason = row.Text(12),
          .alert_id = row.Int(13),
          .event_row_id = row.Int(14)};
}

Result<std::optional<Rollout>> FindRollout(Connection& db, const char* rest) {
  ASSIGN_OR_RETURN(Statement row, db.Query(std::string("SELECT ") + kColumns +
                                           " FROM rollouts " + rest));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return RolloutFrom(row);
}

Status InsertRollout(Connection& db, const Rollout& rollout) {
  return db.Run(
      "INSERT INTO rollouts VALUES "
      "(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
      rollout.version, rollout.base_version, rollout.rings, Name(rollout.state),
      rollout.ring, rollout.started_by, rollout.start_time, rollout.ring_time,
      rollout.watch_time, rollout.end_time, rollout.halt_time,
      rollout.halted_by, rollout.halt_reason, rollout.alert_id,
      rollout.event_row_id);
}

}  // namespace

Status EndRollout(Connection& db, WallTime now) {
  return db.Run(
      "UPDATE rollouts SET state=?, end_time=? WHERE end_time IS NULL",
      Name(RolloutState::kReplaced), now);
}

// Kind, outcome and repeat as the counts of the console take them.
Status CountBlock(Connection& db, const IndexedEvent& event) {
  const bool counts = event.kind == event::v1::EVENT_KIND_DEVICE_PLUGGED ||
                      event.kind == event::v1::EVENT_KIND_DEVICE_DECIDED ||
                      event.kind == event::v1::EVENT_KIND_TRANSFER;
  if (!counts || event.repeats ||
      !IsRefusal(static_cast<event::v1::Outcome>(event.outcome))) {
    return {};
  }
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, event.agent_id));
  return db.Run(
      "INSERT INTO block_counts VALUES (?,?,?,?,?) ON CONFLICT (minute, "
      "agent_no, policy_version) DO UPDATE SET "
      "made=block_counts.made+excluded.made, "
      "observed=block_counts.observed+excluded.observed",
      event.receive_time.time_since_epoch().count() / kMinuteMicros, agent_no,
      event.policy_version, !event.observe_only, event.observe_only);
}

Result<std::string> SqliteStore::EnvelopeOf(const std::string& type,
                                            int64_t version) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT sealed FROM envelopes WHERE type=? AND version=?", type,
                version));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no envelope of type " + type + ", version " +
                                     std::to_string(version));
  }
  return row.Text(0);
}

Result<int64_t> SqliteStore::StagePolicy(PolicyVersion policy,
                                         const Rollout& rollout,
                                         const Sealer& seal) {
  const Status written = Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(const auto live,
                     FindRollout(db, "WHERE end_time IS NULL"));
    if (live) {
      return Fail(Code::kFailedPrecondition,
                  "version " + std::to_string(live->version) +
                      " is on its way through the rings: let it end, roll it "
                      "back, or push to everybody now");
    }
    Rollout row = rollout;
    ASSIGN_OR_RETURN(policy.version, InsertPolicy(db, policy, seal));
    row.version = policy.version;
    row.base_version = policy.version - 1;
    return InsertRollout(db, row);
  });
  RETURN_IF_ERROR(written);
  return policy.version;
}

Result<PolicyOffer> SqliteStore::ReadPolicyOffer() {
  ASSIGN_OR_RETURN(Reading db, Read());
  PolicyOffer offer;
  ASSIGN_OR_RETURN(Statement row,
                   db->Query("SELECT coalesce(max(version), 0) FROM envelopes "
                             "WHERE type='policy'"));
  RETURN_IF_ERROR(row.Step());
  offer.newest = row.Int(0);
  ASSIGN_OR_RETURN(offer.rollout, FindRollout(*db, "WHERE end_time IS NULL"));
  return offer;
}

Result<std::optional<Rollout>> SqliteStore::NewestRollout() {
  ASSIGN_OR_RETURN(Reading db, Read());
  return FindRollout(*db, "ORDER BY version DESC LIMIT 1");
}

Status SqliteStore::PutRollout(const Rollout& rollout) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run(
        "UPDATE rollouts SET state=?2, ring=?3, ring_time=?4, watch_time=?5, "
        "end_time=?6, halt_time=?7, halted_by=?8, halt_reason=?9, "
        "alert_id=?10, event_row_id=?11 WHERE version=?1",
        rollout.version, Name(rollout.state), rollout.ring, rollout.ring_time,
        rollout.watch_time, rollout.end_time, rollout.halt_time,
        rollout.halted_by, rollout.halt_reason, rollout.alert_id,
        rollout.event_row_id));
    if (db.Changes() != 1) {
      return Fail(Code::kNotFound, "version " +
                                       std::to_string(rollout.version) +
                                       " was never rolled out in rings");
    }
    return {};
  });
}

Result<std::vector<RolloutTerminal>> SqliteStore::RolloutTerminals(
    int64_t version) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT a.agent_id, r.told_time, r.ack_time, r.refuse_time, "
                "r.refuse_reason FROM rollout_terminals r "
                "JOIN agents a USING (agent_no) WHERE r.version=?",
                version));
  std::vector<RolloutTerminal> terminals;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return terminals;
    terminals.push_back({.agent_id = row.Text(0),
                         .told_time = row.Time(1),
                         .ack_time = row.MaybeTime(2),
                         .refuse_time = row.MaybeTime(3),
                         .refuse_reason = row.Text(4)});
  }
}

Status SqliteStore::PutRolloutTerminals(
    int64_t version, const std::vector<RolloutTerminal>& terminals) {
  if (terminals.empty()) return {};
  return Write([&](Connection& db) -> Status {
    for (const RolloutTerminal& one : terminals) {
      ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, one.agent_id));
      RETURN_IF_ERROR(
          db.Run("INSERT OR REPLACE INTO rollout_terminals VALUES "
                 "(?,?,?,?,?,?)",
                 version, agent_no, one.told_time, one.ack_time,
                 one.refuse_time, one.refuse_reason));
    }
    return {};
  });
}

Result<std::vector<BlockCount>> SqliteStore::CountBlocks(WallTime from,
                                                         WallTime to) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(
          "SELECT a.agent_id, b.minute, b.policy_version, b.made, "
          "b.observed FROM block_counts b JOIN agents a USING (agent_no) "
          "WHERE b.minute>=? AND b.minute<?",
          from.time_since_epoch().count() / kMinuteMicros,
          (to.time_since_epoch().count() + kMinuteMicros - 1) / kMinuteMicros));
  std::vector<BlockCount> counts;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return counts;
    counts.push_back({.agent_id = row.Text(0),
                      .minute = WallTime(std::chrono::minutes(row.Int(1))),
                      .policy_version = row.Int(2),
                      .made = row.Int(3),
                      .observed = row.Int(4)});
  }
}

Result<RingsText> SqliteStore::GetRings() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query("SELECT text, set_by, set_time FROM rings"));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return RingsText{};
  return RingsText{row.Text(0), row.Text(1), row.MaybeTime(2)};
}

Status SqliteStore::PutRings(const RingsText& rings) {
  return Write([&](Connection& db) {
    return db.Run("INSERT OR REPLACE INTO rings VALUES (1,?,?,?)", rings.text,
                  rings.set_by, rings.set_time);
  });
}

}  // namespace sekisho::store
