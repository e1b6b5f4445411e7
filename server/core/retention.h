// Erases what is over its time: salt and personal part of events, and names in
// what was decided about them. The chain and the log stay whole. What a case
// under legal hold contains is passed by. Once a day, in small steps, told in
// the audit log.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/core/duties.h"
#include "server/store/store.h"

namespace sekisho::core {

// To which class an event's kind belongs: transfers and what belongs to their
// proof; landings; who was there when (all else, and what is not known).
DataClass ClassOf(int kind);

// A class with what is over its time in it at `now`; no kinds: it is kept for
// ever.
struct ClassCut {
  DataClass data = DataClass::kSessions;
  store::RetentionCut cut;
};
std::vector<ClassCut> CutsOf(const RetentionRules& rules, WallTime now);

// Driven from one thread.
class Retention {
 public:
  // `told`: the newest event that every sink that hears events was told of;
  // none after it is erased. All must outlive it.
  Retention(store::Store& store, const Clock& clock, RetentionRules rules,
            std::function<int64_t()> told)
      : store_(store),
        clock_(clock),
        rules_(std::move(rules)),
        told_(std::move(told)) {}

  // A step of the day's run, if it is time for one.
  Status Tick();

 private:
  Status Step();
  Status End();

  store::Store& store_;
  const Clock& clock_;
  const RetentionRules rules_;
  const std::function<int64_t()> told_;
  // Of the run under way.
  bool runs_ = false;
  size_t at_ = 0;  // which class
  std::map<DataClass, store::RetentionStep> done_;
  std::optional<BootTime> next_;
};

}  // namespace sekisho::core
