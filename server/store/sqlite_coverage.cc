// When each terminal was covered: written from heartbeats, read with what the
// chain says of the time between.
#include <algorithm>
#include <array>

#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

// A clock that is set back by less is one that is being kept.
constexpr auto kClockSlack = std::chrono::minutes(2);
constexpr int kMaxTurns = 64;
// A stop is among an agent's last events before it was not heard any more.
constexpr int64_t kLookBack = 8;

constexpr const char* kSpanColumns =
    "state, from_time, to_time, first_boot, first_microseconds, first_epoch, "
    "first_sequence, last_boot, last_microseconds, last_epoch, last_sequence";

CoverMark MarkFrom(const Statement& row, int first) {
  return {row.Text(first), row.Int(first + 1),
          static_cast<int32_t>(row.Int(first + 2)), row.Int(first + 3)};
}

CoverSpan SpanFrom(const Statement& row) {
  return {static_cast<Cover>(row.Int(0)), row.Time(1), row.Time(2),
          MarkFrom(row, 3), MarkFrom(row, 7)};
}

Status InsertSpan(Connection& db, int64_t agent_no, const CoverSpan& span) {
  return db.Run(std::string("INSERT INTO coverage_spans (agent_no, ") +
                    kSpanColumns + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
                agent_no, static_cast<int>(span.state), span.from, span.to,
                span.first.boot_id, span.first.boot_microseconds,
                span.first.epoch, span.first.sequence, span.last.boot_id,
                span.last.boot_microseconds, span.last.epoch,
                span.last.sequence);
}

Status OpenSpan(Connection& db, int64_t agent_no, Cover state, WallTime from,
                WallTime to, const CoverMark& mark) {
  return db.Run(
      std::string("INSERT OR REPLACE INTO coverage_open (agent_no, ") +
          kSpanColumns + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
      agent_no, static_cast<int>(state), from, to, mark.boot_id,
      mark.boot_microseconds, mark.epoch, mark.sequence, mark.boot_id,
      mark.boot_microseconds, mark.epoch, mark.sequence);
}

Result<std::vector<CoverSpan>> ReadSpans(Statement row) {
  std::vector<CoverSpan> spans;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return spans;
    spans.push_back(SpanFrom(row));
  }
}

// Those that reach into [from, to), the last before and the first after.
Result<std::vector<CoverSpan>> ReadHeard(Connection& db, int64_t agent_no,
                                         WallTime from, WallTime to) {
  static const std::string kHeard =
      " FROM coverage_spans WHERE agent_no=?1 AND state NOT IN (7,8)";
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query(std::string("SELECT ") + kSpanColumns + kHeard +
                   " AND from_time >= coalesce((SELECT max(from_time)" +
                   kHeard +
                   " AND from_time < ?2), ?2) AND from_time <= "
                   "coalesce((SELECT min(from_time)" +
                   kHeard + " AND from_time >= ?3), ?3) UNION ALL SELECT " +
                   kSpanColumns + " FROM coverage_open WHERE agent_no=?1",
               agent_no, from, to));
  ASSIGN_OR_RETURN(auto spans, ReadSpans(std::move(row)));
  std::ranges::sort(spans, {}, &CoverSpan::from);
  return spans;
}

Result<std::vector<CoverSpan>> ReadOverlays(Connection& db, int64_t agent_no,
                                            WallTime from, WallTime to) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query(std::string("SELECT ") + kSpanColumns +
                   " FROM coverage_spans WHERE agent_no=? AND state IN (7,8) "
                   "AND from_time < ? AND to_time > ?",
               agent_no, to, from));
  return ReadSpans(std::move(row));
}

Result<CoverGap> ReadGap(Connection& db, int64_t agent_no,
                         const CoverMark& last, const CoverMark& first) {
  CoverGap gap;
  if (last.epoch != first.epoch || first.sequence < last.sequence ||
      last.epoch == 0) {
    return gap;
  }
  {
    ASSIGN_OR_RETURN(
        Statement count,
        db.Query("SELECT count(*) FROM event_index WHERE "
                 "agent_no=? AND epoch=? AND sequence>? AND "
                 "sequence<=?",
                 agent_no, last.epoch, last.sequence, first.sequence));
    RETURN_IF_ERROR(count.Step());
    gap.whole = count.Int(0) == first.sequence - last.sequence;
  }
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT i.sequence, e.public_part FROM event_index i JOIN "
               "events e USING (row_id) WHERE i.agent_no=? AND i.epoch=? AND "
               "i.sequence>? AND i.sequence<=? AND i.kind IN (7,8,9,10,11,12) "
               "ORDER BY i.sequence LIMIT " +
                   std::to_string(kMaxTurns + 1),
               agent_no, last.epoch, last.sequence - kLookBack,
               first.sequence));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return gap;
    if (std::ssize(gap.turns) == kMaxTurns) {
      gap.whole = false;
      return gap;
    }
    event::v1::PublicPart part;
    part.ParseFromString(row.Text(1));
    gap.turns.push_back({.kind = part.kind(),
                         .boot_id = part.boot_id(),
                         .boot_microseconds = part.since_boot_microseconds(),
                         .observe_only = part.observe_only(),
                         .gate_state = part.gate_state(),
                         .before = row.Int(0) <= last.sequence});
  }
}

// Without sekishod nobody knows the head: the next that is known counts.
Result<std::vector<CoverGap>> ReadGaps(Connection& db, int64_t agent_no,
                                       const std::vector<CoverSpan>& heard) {
  std::vector<CoverGap> gaps;
  for (size_t i = 0; i + 1 < heard.size(); ++i) {
    size_t next = i + 1;
    while (next < heard.size() && heard[next].state == Cover::kNoCore) ++next;
    gaps.emplace_back();
    if (next == heard.size() || heard[i + 1].from <= heard[i].to) continue;
    ASSIGN_OR_RETURN(gaps.back(),
                     ReadGap(db, agent_no, heard[i].last, heard[next].first));
  }
  return gaps;
}

WallTime TimeOf(const google::protobuf::Timestamp& time) {
  // A terminal's numbers: what makes no sense becomes something harmless.
  return WallTime(std::chrono::seconds(
             std::clamp<int64_t>(time.seconds(), 0, int64_t{1} << 33))) +
         std::chrono::microseconds(std::clamp(time.nanos() / 1000, 0, 999'999));
}

// What terminals say that they lost, by agent. A GAP that names no time says
// so of all since the event before it.
Result<std::map<int64_t, std::vector<CoverSpan>>> ReadLosses(Connection& db,
                                                             WallTime from) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT i.agent_no, e.public_part, i.receive_time, (SELECT "
               "max(receive_time) FROM events b WHERE b.row_id=(SELECT "
               "max(c.row_id) FROM event_index c WHERE c.agent_no=i.agent_no "
               "AND c.row_id<i.row_id)), a.enrol_time FROM event_index i JOIN "
               "events e USING (row_id) JOIN agents a ON a.agent_no=i.agent_no "
               "WHERE i.kind=10 AND i.receive_time>=?",
               from));
  std::map<int64_t, std::vector<CoverSpan>> losses;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return losses;
    event::v1::PublicPart part;
    part.ParseFromString(row.Text(1));
    CoverSpan span;
    span.state = Cover::kLost;
    span.from = part.has_lost_from_time()
                    ? TimeOf(part.lost_from_time())
                    : row.MaybeTime(3).value_or(row.Time(4));
    span.to =
        part.has_lost_to_time() ? TimeOf(part.lost_to_time()) : row.Time(2);
    // A loss of one event has no length; a second of doubt has.
    span.to = std::max(span.to, span.from) + std::chrono::seconds(1);
    losses[row.Int(0)].push_back(span);
  }
}

}  // namespace

Status ExtendCoverage(Connection& db, const AgentHeartbeat& heartbeat) {
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, heartbeat.agent_id));
  const Cover state = CoverOf(heartbeat);
  const WallTime now = heartbeat.time;
  CoverMark mark = {heartbeat.boot_id, heartbeat.boot_microseconds,
                    heartbeat.head.epoch, heartbeat.head.sequence};
  std::optional<CoverSpan> open;
  {
    ASSIGN_OR_RETURN(Statement row,
                     db.Query(std::string("SELECT ") + kSpanColumns +
                                  " FROM coverage_open WHERE agent_no=?",
                              agent_no));
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (found) open = SpanFrom(row);
  }
  if (!open) return OpenSpan(db, agent_no, state, now, now, mark);
  if (state == Cover::kNoCore) {
    mark.epoch = open->last.epoch;
    mark.sequence = open->last.sequence;
  }
  const bool same_boot = mark.boot_id == open->last.boot_id;
  const bool set_back = open->to > now + kClockSlack;
  const bool follows =
      same_boot && !set_back && now - open->to <= kMaxHeartbeatGap;
  const WallTime heard = std::max(now, open->to);
  if (follows && state == open->state) {
    return db.Run(
        "UPDATE coverage_open SET to_time=?2, last_boot=?3, "
        "last_microseconds=?4, last_epoch=?5, last_sequence=?6 "
        "WHERE agent_no=?1",
        agent_no, heard, mark.boot_id, mark.boot_microseconds, mark.epoch,
        mark.sequence);
  }
  WallTime from = set_back ? now : heard;
  if (follows) {
    // Between two heartbeats the worse state of both is believed.
    if (state > open->state) {
      from = open->to;
    } else {
      open->to = heard;
    }
  }
  RETURN_IF_ERROR(InsertSpan(db, agent_no, *open));
  if (set_back) {
    CoverSpan doubt;
    doubt.state = Cover::kClock;
    doubt.from = now;
    doubt.to = open->to;
    RETURN_IF_ERROR(InsertSpan(db, agent_no, doubt));
  }
  return OpenSpan(db, agent_no, state, from, set_back ? now : heard, mark);
}

Status SqliteStore::AddCoverSpan(const std::string& agent_id, Cover state,
                                 WallTime from, WallTime to) {
  return Write([&](Connection& db) -> Status {
    ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(db, agent_id));
    CoverSpan span;
    span.state = state;
    span.from = from;
    span.to = to;
    return InsertSpan(db, agent_no, span);
  });
}

Status SqliteStore::ReadCoverage(WallTime from, WallTime to,
                                 const WhichTerminals& which,
                                 const AgentCoverageRow& row) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(auto losses, ReadLosses(*db, from));
  ASSIGN_OR_RETURN(
      Statement agent,
      db->Query("SELECT agent_no, agent_id, terminal, enrol_time, revoke_time "
                "FROM agents WHERE (?1='' OR terminal=?1) AND terminal>?2" +
                    AndTerminal("terminal", which.scope, 3) +
                    " ORDER BY terminal, enrol_time, agent_no",
                which.only, which.after));
  BindScope(agent, which.scope, 3);
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, agent.Step());
    if (!more) return {};
    const int64_t agent_no = agent.Int(0);
    AgentCoverage one;
    one.agent_id = agent.Text(1);
    one.terminal = agent.Text(2);
    one.enrol_time = agent.Time(3);
    one.revoke_time = agent.MaybeTime(4);
    ASSIGN_OR_RETURN(one.heard, ReadHeard(*db, agent_no, from, to));
    ASSIGN_OR_RETURN(one.gaps, ReadGaps(*db, agent_no, one.heard));
    ASSIGN_OR_RETURN(one.overlays, ReadOverlays(*db, agent_no, from, to));
    for (const CoverSpan& loss : losses[agent_no]) one.overlays.push_back(loss);
    RETURN_IF_ERROR(row(one));
  }
}

}  // namespace sekisho::store
