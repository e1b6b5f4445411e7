// Alerts that nobody acknowledged or closed in the time that server.yaml gives
// them: each level of each is told once, as an alert of its own, which the
// sinks hear as any other; it is over when none of those that it names waits.
#pragma once

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/duties.h"
#include "server/store/store.h"

namespace sekisho::alert {

inline constexpr char kOverdueKind[] = "alert_overdue";

// Driven from one thread.
class OverdueWatch {
 public:
  // All must outlive it.
  OverdueWatch(store::Store& store, core::Changes& changes, const Clock& clock,
               core::SlaRules rules)
      : store_(store), changes_(changes), clock_(clock), rules_(rules) {}

  // Looks every ten seconds; tells of what is overdue and ends what is not.
  Status Tick();

 private:
  Status Look(store::SlaLevel level);
  Status Tell(store::SlaLevel level, const std::vector<store::Alert>& late);

  store::Store& store_;
  core::Changes& changes_;
  const Clock& clock_;
  const core::SlaRules rules_;
  std::optional<BootTime> looked_;
};

}  // namespace sekisho::alert
