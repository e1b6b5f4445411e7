// Many small copies are one large one, also over several terminals: what one
// person carried to media within thirty days. A terminal's own policy sums up
// what leaves by it (docs/adr/0303); only the server sees them all.
#pragma once

#include <map>
#include <string>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/store/store.h"

namespace sekisho::alert {

inline constexpr char kDripKind[] = "people_carried";
inline constexpr auto kDripsLookedAtEvery = std::chrono::hours(1);
inline constexpr auto kDripSpan = std::chrono::days(30);
// More than the packs let a person carry away from one terminal.
inline constexpr int64_t kDripPersons = 101;
inline constexpr size_t kDripTerminals = 2;

// Driven from one thread.
class DripWatch {
 public:
  DripWatch(store::Store& store, core::Changes& changes, const Clock& clock)
      : store_(store), changes_(changes), clock_(clock) {}

  // At start: of whom it was told before.
  Status Load();
  // Every second or so; looks once an hour. Told again when the sum doubled or
  // thirty days have passed.
  Status Tick();

 private:
  struct Told {
    WallTime time;
    int64_t persons = 0;  // 0: not known any more
  };
  struct Carried {
    int64_t persons = 0, copies = 0;
    std::map<std::string, int64_t> terminals, devices;  // -> people
    store::Event newest;
  };

  Result<Carried> CarriedBy(const std::string& person, WallTime from);
  Status Tell(const std::string& person, const Carried& carried);

  store::Store& store_;
  core::Changes& changes_;
  const Clock& clock_;
  std::optional<BootTime> looked_;
  std::map<std::string, Told> told_;  // by person
};

}  // namespace sekisho::alert
