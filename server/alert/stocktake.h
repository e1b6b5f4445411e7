// Stocktake: whoever answers for an approved device says from time to time that
// he still has it (`sekisho device confirm`). A reminder before that is due and
// an alert when it is overdue, each resolved once he has said so or the device
// is not approved any more.
#pragma once

#include <map>
#include <string>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/store/store.h"

namespace sekisho::alert {

inline constexpr auto kStocktakeLookedAtEvery = std::chrono::minutes(10);

struct StocktakePlan {
  std::chrono::days every{0};  // 0: none
  std::chrono::days remind{0};
};

enum class Stock { kFine, kDue, kOverdue };
// Of an approved device; pure. What was approved or confirmed last counts.
Stock StockOf(const store::Device& device, const StocktakePlan& plan,
              WallTime now);

class StocktakeWatch {
 public:
  StocktakeWatch(store::Store& store, core::Changes& changes,
                 const Clock& clock, const StocktakePlan& plan)
      : store_(store), changes_(changes), clock_(clock), plan_(plan) {}

  // At start: alerts that were open before a restart.
  Status Load();
  // Every second or so, from one thread; looks every ten minutes.
  Status Tick();

 private:
  // Kind and device.
  using Key = std::pair<std::string, std::string>;
  Status Open(const Key& key, const store::Device& device);

  store::Store& store_;
  core::Changes& changes_;
  const Clock& clock_;
  const StocktakePlan plan_;
  std::map<Key, int64_t> open_;  // its alert
  std::optional<BootTime> looked_;
};

}  // namespace sekisho::alert
