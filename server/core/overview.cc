#include "server/core/overview.h"

#include <algorithm>
#include <tuple>

#include "common/text.h"

namespace sekisho::core {
namespace {

constexpr size_t kTopRows = 8;
constexpr auto kSettled = std::chrono::minutes(10);
// A span that ended before is not asked for any more.
constexpr auto kKeptFor = std::chrono::hours(24);
constexpr size_t kMaxKept = 128;

constexpr store::TopBy kBy[] = {store::TopBy::kDevice, store::TopBy::kTerminal,
                                store::TopBy::kPerson};

void Add(std::map<std::string, TopRow>& sums, const TopRow& row) {
  const auto [at, added] = sums.try_emplace(row.value, row);
  if (added) {
    return;
  }
  TransferCounts& sum = at->second.counts;
  sum.transfers += row.counts.transfers;
  sum.blocked += row.counts.blocked;
  sum.observed += row.counts.observed;
  sum.alerted += row.counts.alerted;
  sum.persons += row.counts.persons;
  sum.persons_blocked += row.counts.persons_blocked;
  sum.persons_written += row.counts.persons_written;
}

// The most people's data first: that is what the product is about.
std::vector<TopRow> TopOf(const std::map<std::string, TopRow>& sums) {
  std::vector<TopRow> rows;
  for (const auto& [value, row] : sums) {
    rows.push_back(row);
  }
  const auto order = [](const TopRow& row) {
    return std::tuple(-row.counts.persons, -row.counts.blocked,
                      -row.counts.transfers, std::string_view(row.value));
  };
  const size_t shown = std::min(rows.size(), kTopRows);
  std::ranges::partial_sort(rows, rows.begin() + static_cast<long>(shown), {},
                            order);
  rows.resize(shown);
  return rows;
}

Coverage CoverageOf(const std::vector<Agent>& agents,
                    const Presence& presence) {
  Coverage coverage;
  for (const Agent& agent : agents) {
    switch (presence.StateOf(agent)) {
      case AgentState::kRevoked:
        continue;
      case AgentState::kEnrolled:
        ++coverage.never_connected;
        continue;
      case AgentState::kSilent:
        ++coverage.silent;
        continue;
      case AgentState::kConnected:
        break;
    }
    if (agent.mode != "enforce") {
      ++coverage.observing;
    } else if (agent.gate_state == "full" && agent.core_alive) {
      ++coverage.enforcing;
    } else {
      ++coverage.degraded;
    }
  }
  return coverage;
}

}  // namespace

Result<policy::Zone> ZoneOf(const std::string& name) {
  const auto found = policy::Zone::Find(name);
  if (!found) {
    return Fail(Code::kInvalidArgument,
                "'" + EscapeUntrusted(name, 64) + "' is no time zone");
  }
  return *found;
}

Result<std::vector<WallTime>> DayBounds(WallTime now, int days,
                                        const policy::Zone& zone) {
  if (days < 1 || days > kMaxOverviewDays) {
    return Fail(Code::kInvalidArgument,
                "days is 1 to " + std::to_string(kMaxOverviewDays));
  }
  const auto today = std::chrono::floor<std::chrono::days>(zone.ToLocal(now));
  std::vector<WallTime> bounds;
  for (int back = days - 1; back >= -1; --back) {
    bounds.push_back(zone.ToUtc(today - std::chrono::days(back)));
  }
  return bounds;
}

Result<OverviewReader::Past> OverviewReader::Count(
    const std::vector<WallTime>& bounds, const Scope& scope) {
  Past past;
  ASSIGN_OR_RETURN(past.days, store_.CountDays(bounds, scope));
  for (size_t i = 0; i < kSubjects; ++i) {
    ASSIGN_OR_RETURN(auto rows, store_.CountBy(kBy[i], bounds.front(),
                                               bounds.back(), scope));
    for (TopRow& row : rows) {
      past.sums[i].emplace(row.value, std::move(row));
    }
  }
  return past;
}

Result<std::shared_ptr<const OverviewReader::Past>> OverviewReader::PastOf(
    const std::vector<WallTime>& bounds, const Scope& scope, WallTime now) {
  Span span{bounds.front(), bounds.back(), scope};
  if (!scope.IsWholeFleet()) {
    ASSIGN_OR_RETURN(span.register_version, store_.RegisterVersion());
  }
  std::lock_guard lock(mutex_);
  if (const auto at = kept_.find(span); at != kept_.end()) {
    return at->second;
  }
  ASSIGN_OR_RETURN(Past counted, Count(bounds, scope));
  auto past = std::make_shared<const Past>(std::move(counted));
  // Just after midnight the indexer may still be behind yesterday's events.
  if (now - bounds.back() > kSettled) {
    std::erase_if(kept_, [&](const auto& one) {
      return one.first.to < now - kKeptFor || kept_.size() >= kMaxKept;
    });
    kept_.emplace(span, past);
  }
  return past;
}

Result<Overview> OverviewReader::Read(WallTime now, const Scope& scope,
                                      const OverviewQuery& query) {
  ASSIGN_OR_RETURN(const policy::Zone zone, ZoneOf(query.zone));
  ASSIGN_OR_RETURN(const auto bounds, DayBounds(now, query.days, zone));
  ASSIGN_OR_RETURN(Past counted,
                   Count({bounds[bounds.size() - 2], bounds.back()}, scope));
  Overview overview;
  if (bounds.size() > 2) {
    ASSIGN_OR_RETURN(const auto past,
                     PastOf({bounds.begin(), bounds.end() - 1}, scope, now));
    overview.days = past->days;
    for (size_t i = 0; i < kSubjects; ++i) {
      for (const auto& [value, row] : past->sums[i]) {
        Add(counted.sums[i], row);
      }
    }
  }
  overview.days.push_back(counted.days.front());
  overview.to = bounds.back();
  overview.top_devices = TopOf(counted.sums[0]);
  overview.top_terminals = TopOf(counted.sums[1]);
  overview.top_persons = TopOf(counted.sums[2]);
  ASSIGN_OR_RETURN(overview.open, store_.CountOpenAlerts(scope));
  ASSIGN_OR_RETURN(const auto agents, store_.AgentsIn(scope));
  overview.coverage = CoverageOf(agents, presence_);
  return overview;
}

}  // namespace sekisho::core
