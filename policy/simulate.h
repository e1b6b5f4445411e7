// Replays past events against a draft: what would have been blocked that was
// not, and the other way, by terminal and person.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "policy/evaluator.h"
#include "policy/history.h"

namespace sekisho::policy {

struct ChangeCounts {
  int64_t devices_blocked = 0;  // decisions that were open
  int64_t devices_freed = 0;    // decisions that were closed
  int64_t devices_unclear = 0;  // the draft asks a medium that nobody saw
  int64_t transfers_blocked = 0;
  int64_t transfers_freed = 0;
  int64_t persons_blocked = 0;  // in the files that would be blocked
};

class Simulation {
 public:
  // Who at which terminal.
  struct Place {
    std::string terminal;
    std::string person;
    auto operator<=>(const Place&) const = default;
  };
  struct Change {  // the same device, rule and direction at one place
    Place place;
    PastEvent::Kind kind = PastEvent::Kind::kDevice;
    bool blocked = false;  // else freed
    std::string device;    // "0951:1666:SERIAL", raw
    std::string rule;
    auto operator<=>(const Change&) const = default;
  };
  // More different changes than this are counted, not listed.
  static constexpr size_t kMaxChanges = 10'000;

  // The mode of the draft does not count: it is judged as if it were enforced.
  explicit Simulation(std::shared_ptr<const Snapshot> draft)
      : draft_(std::move(draft)) {}

  // Events of one terminal come in their order. Totals are summed from the
  // events seen so far; their people are not joined across files, so that a sum
  // may be too high.
  void Add(const PastEvent& event);

  int64_t event_count() const { return events_; }
  const std::map<Place, ChangeCounts>& places() const { return places_; }
  const std::map<Change, int64_t>& changes() const { return changes_; }
  const std::map<std::string, int64_t>& rules() const { return rules_; }
  int64_t unlisted_count() const { return unlisted_; }

 private:
  struct Hour {
    int64_t hour = 0;
    std::array<int64_t, 3> sums{};  // by TotalOf
  };

  void AddDevice(const PastEvent& event);
  void AddTransfer(const PastEvent& event);
  void List(const PastEvent& event, bool blocked, const std::string& rule);
  std::deque<Hour>& HoursOf(const PastEvent& event, TotalBy by);

  const std::shared_ptr<const Snapshot> draft_;
  int64_t events_ = 0;
  int64_t unlisted_ = 0;
  std::map<Place, ChangeCounts> places_;
  std::map<Change, int64_t> changes_;
  std::map<std::string, int64_t> rules_;  // how often each decided
  std::map<std::string, std::deque<Hour>> hours_;
};

// "0951:1666:SERIAL"
std::string DeviceName(const DeviceFacts& device);

}  // namespace sekisho::policy
