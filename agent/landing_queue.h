// Files that were written on the terminal's own disks and wait for a look:
// each once, when nobody has written to it for a while. Pure but for what it
// holds; bounded.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/attribute/attribution.h"
#include "agent/held_file.h"
#include "common/clock.h"

namespace sekisho::agent {

struct Landed {
  struct Key {
    uint64_t device = 0;
    uint64_t inode = 0;
    auto operator<=>(const Key&) const = default;
  };
  Key key;
  attribute::Who who;
  std::vector<std::string> source_hosts;
  HeldFile file;
  // What lies there for long: since when, and whose it is.
  std::optional<WallTime> unchanged_since;
  std::string owner;
  uint64_t lying_key = 0;  // of LyingFiles
};

class LandingQueue {
 public:
  struct Timing {
    BootTime quiet{2'000'000};
    BootTime longest_wait{60'000'000};
    // A file that is written again and again is looked at again after the
    // first, then after twice that, up to the last.
    BootTime again_first{60'000'000};
    BootTime again_last{3'600'000'000};
  };
  explicit LandingQueue(const Timing& timing) : timing_(timing) {}

  // Of a file that waits already only who and where from are taken. False:
  // there is no room, and it is not looked at.
  bool Offer(Landed landed, BootTime now);
  std::optional<BootTime> NextDue() const;
  std::optional<Landed> Take(BootTime now);
  size_t size() const { return waiting_.size(); }

  // People a file was told with, 0: it was not.
  int64_t ToldPersons(const Landed::Key& key) const;
  void SetTold(const Landed::Key& key, int64_t persons);

 private:
  struct Waiting {
    Landed landed;
    BootTime first{};
    BootTime due{};
  };
  struct Seen {
    BootTime taken{};
    BootTime again{};  // how long it is left alone after that
    int64_t told_persons = 0;
  };
  BootTime DueAt(const Landed::Key& key, BootTime first, BootTime now) const;
  void Forget();

  const Timing timing_;
  std::map<Landed::Key, Waiting> waiting_;
  std::set<std::pair<BootTime, Landed::Key>> by_due_;
  std::map<Landed::Key, Seen> seen_;
};

inline constexpr size_t kMaxWaitingFiles = 4096;
inline constexpr size_t kMaxSeenFiles = 4096;

}  // namespace sekisho::agent
