#include "server/core/rollout_progress.h"

#include <algorithm>
#include <array>

#include "server/core/presence.h"

namespace sekisho::core {
namespace {

using std::chrono::days;

constexpr int64_t kWaitingOneIn = 10;

using Counts =
    std::map<std::string, std::vector<const store::BlockCount*>, std::less<>>;

RolloutAnswer AnswerOf(const RolloutView& view, const Agent& agent, int ring,
                       const store::RolloutTerminal* offered) {
  const bool has_it = agent.policy_version >= view.rollout.version;
  const bool silent = agent.state == AgentState::kSilent;
  const auto silent_since = [&](std::optional<WallTime> time) {
    return silent && time && agent.last_seen_time &&
           *agent.last_seen_time - *time < kSilenceWindow;
  };
  if (has_it) {
    return offered != nullptr && silent_since(offered->ack_time)
               ? RolloutAnswer::kSilent
               : RolloutAnswer::kHasIt;
  }
  if (ring > view.rollout.ring) return RolloutAnswer::kClosed;
  if (offered == nullptr) return RolloutAnswer::kNotReached;
  if (offered->refuse_time) return RolloutAnswer::kRefused;
  if (silent_since(offered->told_time)) return RolloutAnswer::kSilent;
  if (silent) return RolloutAnswer::kNotReached;
  return view.now - offered->told_time >= kAnswerPatience
             ? RolloutAnswer::kUnanswered
             : RolloutAnswer::kOffered;
}

// A person who let it go on knew of it.
bool IsExcused(const RolloutView& view, const Agent& agent,
               const RolloutTerminal& terminal) {
  const WallTime from = view.rollout.watch_time;
  switch (terminal.answer) {
    case RolloutAnswer::kRefused:
      return terminal.refuse_time && *terminal.refuse_time <= from;
    case RolloutAnswer::kUnanswered:
      return terminal.told_time &&
             *terminal.told_time + kAnswerPatience <= from;
    case RolloutAnswer::kSilent:
      return agent.last_seen_time &&
             *agent.last_seen_time + kSilentAfter <= from;
    default:
      return false;
  }
}

double Hours(WallTime from, WallTime to) {
  return to > from ? std::chrono::duration<double, std::ratio<3600>>(to - from)
                         .count()
                   : 0;
}

void Add(BlockSum& sum, int64_t blocks, double hours) {
  sum.blocks += blocks;
  sum.terminals += blocks > 0 ? 1 : 0;
  sum.hours += hours;
}

// Which of the days before, the last first, say something of one on which
// people work: those on which at least half as much was refused as on the
// busiest, in all the house. A Sunday would make a Monday look like a jump.
using WorkDays = std::array<bool, kDaysBefore>;

WorkDays WorkDaysOf(const std::vector<store::BlockCount>& blocks,
                    const RolloutView& view) {
  const WallTime from = view.rollout.watch_time;
  const auto length = std::min<WallTime::duration>(view.now - from, days(1));
  std::array<int64_t, kDaysBefore> sums{};
  for (const store::BlockCount& row : blocks) {
    for (int day = 1; day <= kDaysBefore; ++day) {
      const WallTime begin = from - days(day);
      if (row.minute >= begin && row.minute < begin + length) {
        sums[static_cast<size_t>(day - 1)] += row.made + row.observed;
      }
    }
  }
  const int64_t most = *std::ranges::max_element(sums);
  WorkDays work{};
  std::ranges::transform(sums, work.begin(),
                         [&](int64_t sum) { return 2 * sum >= most; });
  return work;
}

// The same hours of the days before [from, to), as far as the terminal was
// there then. A span of more than a day is the whole days.
void AddBefore(BlockSum& sum, const Counts& counts, const WorkDays& work,
               const Agent& agent, int64_t version, WallTime from,
               WallTime to) {
  const auto length = std::min<WallTime::duration>(to - from, days(1));
  const auto rows = counts.find(agent.agent_id);
  int64_t blocks = 0;
  double hours = 0;
  for (int day = 1; day <= kDaysBefore; ++day) {
    if (!work[static_cast<size_t>(day - 1)]) continue;
    const WallTime begin = from - days(day);
    hours += Hours(std::max(begin, agent.enrol_time), begin + length);
    if (rows == counts.end()) continue;
    for (const store::BlockCount* row : rows->second) {
      if (row->policy_version != version && row->minute >= begin &&
          row->minute < begin + length) {
        blocks += row->made + row->observed;
      }
    }
  }
  Add(sum, blocks, hours);
}

void AddTerminal(RolloutNumbers& numbers, const RolloutView& view,
                 const Counts& counts, const WorkDays& work, const Agent& agent,
                 const RolloutTerminal& terminal) {
  const int64_t version = view.rollout.version;
  const bool has_it = agent.policy_version >= version;
  const WallTime watch = view.rollout.watch_time;
  const WallTime from =
      has_it ? std::max(watch, terminal.ack_time.value_or(watch)) : watch;
  // Of the minute in which a person let it go on, nothing counts.
  const WallTime first = watch > view.rollout.start_time
                             ? watch
                             : std::chrono::floor<std::chrono::minutes>(watch);
  int64_t blocks = 0;
  if (const auto rows = counts.find(agent.agent_id); rows != counts.end()) {
    for (const store::BlockCount* row : rows->second) {
      if (row->minute < first) continue;
      if (has_it && row->policy_version == version) blocks += row->made;
      if (!has_it) blocks += row->made + row->observed;
    }
  }
  Add(has_it ? numbers.since : numbers.others_since, blocks,
      Hours(from, view.now));
  AddBefore(has_it ? numbers.before : numbers.others_before, counts, work,
            agent, version, from, view.now);
}

}  // namespace

const char* Name(RolloutAnswer answer) {
  switch (answer) {
    case RolloutAnswer::kHasIt:
      return "has_it";
    case RolloutAnswer::kOffered:
      return "offered";
    case RolloutAnswer::kNotReached:
      return "not_reached";
    case RolloutAnswer::kClosed:
      return "closed";
    case RolloutAnswer::kRefused:
      return "refused";
    case RolloutAnswer::kUnanswered:
      return "unanswered";
    case RolloutAnswer::kSilent:
      return "silent";
  }
  return "closed";
}

std::vector<RolloutTerminal> TerminalsOf(const RolloutView& view) {
  std::vector<RolloutTerminal> terminals;
  terminals.reserve(view.agents.size());
  for (const Agent& agent : view.agents) {
    RolloutTerminal& one = terminals.emplace_back();
    one.agent_id = agent.agent_id;
    one.terminal = agent.terminal;
    one.ring = static_cast<int>(
        policy::RingOf(view.rings, agent.agent_id, agent.terminal));
    one.wanted_version = one.ring <= view.rollout.ring
                             ? view.rollout.version
                             : view.rollout.base_version;
    one.policy_version = agent.policy_version;
    const auto offered = view.offered.find(agent.agent_id);
    const bool known = offered != view.offered.end();
    one.answer =
        AnswerOf(view, agent, one.ring, known ? &offered->second : nullptr);
    if (!known) continue;
    one.told_time = offered->second.told_time;
    one.ack_time = offered->second.ack_time;
    one.refuse_time = offered->second.refuse_time;
    if (one.answer == RolloutAnswer::kRefused) {
      one.reason = offered->second.refuse_reason;
    }
  }
  return terminals;
}

RolloutNumbers NumbersOf(const RolloutView& view,
                         const std::vector<RolloutTerminal>& terminals,
                         const std::vector<store::BlockCount>& blocks) {
  Counts counts;
  for (const store::BlockCount& row : blocks) {
    counts[row.agent_id].push_back(&row);
  }
  const WorkDays work = WorkDaysOf(blocks, view);
  RolloutNumbers numbers;
  for (size_t i = 0; i < terminals.size(); ++i) {
    const RolloutTerminal& one = terminals[i];
    const Agent& agent = view.agents[i];
    AddTerminal(numbers, view, counts, work, agent, one);
    if (agent.policy_version >= view.rollout.version) ++numbers.acknowledged;
    if (IsExcused(view, agent, one)) continue;
    if (one.answer == RolloutAnswer::kNotReached ||
        one.answer == RolloutAnswer::kClosed) {
      continue;
    }
    ++numbers.offered;
    if (one.answer == RolloutAnswer::kOffered) ++numbers.waiting;
    if (one.answer == RolloutAnswer::kRefused) ++numbers.refused;
    if (one.answer == RolloutAnswer::kUnanswered) ++numbers.unanswered;
    if (one.answer == RolloutAnswer::kSilent) ++numbers.silent;
  }
  return numbers;
}

std::vector<RingProgress> RingsOf(
    const policy::Rings& rings, int open,
    const std::vector<RolloutTerminal>& terminals) {
  std::vector<RingProgress> all;
  for (const policy::Ring& ring : rings.rings) {
    all.push_back({.name = ring.name,
                   .percent = ring.percent,
                   .soak = ring.soak,
                   .open = std::ssize(all) <= open,
                   .terminals = 0,
                   .counts = {}});
  }
  for (const RolloutTerminal& one : terminals) {
    RingProgress& ring = all[static_cast<size_t>(one.ring)];
    ++ring.terminals;
    ++ring.counts[Name(one.answer)];
  }
  return all;
}

NextRing NextRingOf(const RolloutView& view,
                    const std::vector<RolloutTerminal>& terminals,
                    const RolloutNumbers& numbers) {
  const policy::Ring& ring =
      view.rings.rings[static_cast<size_t>(view.rollout.ring)];
  if (ring.soak.count() == 0) return {{}, "person"};
  // Time passes for a policy that somebody has: from the first of the ring
  // on, unless nobody is in it.
  bool is_empty = true;
  std::optional<WallTime> first;
  for (const RolloutTerminal& one : terminals) {
    if (one.ring != view.rollout.ring) continue;
    is_empty = false;
    if (one.ack_time && one.policy_version >= view.rollout.version) {
      first = std::min(first.value_or(*one.ack_time), *one.ack_time);
    }
  }
  if (numbers.acknowledged == 0 || (!is_empty && !first)) {
    return {{}, "first_terminal"};
  }
  const WallTime from =
      std::max({view.rollout.ring_time, view.rollout.watch_time,
                first.value_or(view.rollout.ring_time)});
  const WallTime due = from + ring.soak;
  if (view.now < due) return {due, "soak"};
  if (numbers.waiting * kWaitingOneIn > numbers.offered) {
    return {due, "answers"};
  }
  return {due, ""};
}

}  // namespace sekisho::core
