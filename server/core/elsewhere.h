// What other servers on the same database did: told to this one's consoles and
// to its presence. Everything that binds is read from the database where it is
// used; this is what would otherwise be seen late (docs/adr/0418).
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <set>

#include "server/core/changes.h"
#include "server/core/presence.h"
#include "server/store/store.h"

namespace sekisho::core {

inline constexpr auto kNewsEvery = std::chrono::seconds(1);
inline constexpr auto kSeenEvery = std::chrono::seconds(5);

class Elsewhere {
 public:
  // All must outlive it.
  Elsewhere(store::Store& store, Presence& presence, Changes& changes,
            const Clock& clock);

  // Now and then, from one thread; does nothing where nobody else writes.
  Status Tick();

 private:
  using Key = std::pair<Change::What, int64_t>;

  void TellRows(Change::What what, int64_t after, int64_t upto);
  void TellObject(const std::string& object);

  store::Store& store_;
  Presence& presence_;
  Changes& changes_;
  const Clock& clock_;
  std::optional<store::NewsMark> mark_;
  BootTime looked_{}, asked_{};
  std::mutex mutex_;    // guards told_
  std::set<Key> told_;  // here, since the last look: not told twice
  std::unique_ptr<Subscription> subscription_;
};

}  // namespace sekisho::core
