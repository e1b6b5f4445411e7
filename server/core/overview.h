// The landing page in numbers: the last days of transfers, who and what had
// most, how far the terminals are covered, what is open.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <mutex>

#include "policy/zone.h"
#include "server/core/presence.h"
#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::core {

// kInvalidArgument: neither a name of the table nor a POSIX TZ rule.
Result<policy::Zone> ZoneOf(const std::string& name);

// Beginnings of the last `days` calendar days of the zone, oldest first, and
// the end of today. kInvalidArgument: days not 1 to kMaxOverviewDays.
Result<std::vector<WallTime>> DayBounds(WallTime now, int days,
                                        const policy::Zone& zone);

// Days that are over do not change: what was counted of them is kept, so that
// a look costs what today costs. Thread-safe; counts one span at a time.
class OverviewReader {
 public:
  OverviewReader(store::Store& store, const Presence& presence)
      : store_(store), presence_(presence) {}

  Result<Overview> Read(WallTime now, const Scope& scope,
                        const OverviewQuery& query);

 private:
  static constexpr size_t kSubjects = 3;  // device, terminal, person
  using Sums = std::map<std::string, TopRow>;
  struct Past {
    std::vector<DayCounts> days;
    std::array<Sums, kSubjects> sums;
  };
  struct Span {
    WallTime from, to;
    Scope scope{};
    int64_t register_version = 0;  // its groups; none for the whole fleet
    auto operator<=>(const Span&) const = default;
  };

  Result<Past> Count(const std::vector<WallTime>& bounds, const Scope& scope);
  Result<std::shared_ptr<const Past>> PastOf(
      const std::vector<WallTime>& bounds, const Scope& scope, WallTime now);

  store::Store& store_;
  const Presence& presence_;
  std::mutex mutex_;  // guards kept_
  std::map<Span, std::shared_ptr<const Past>> kept_;
};

}  // namespace sekisho::core
