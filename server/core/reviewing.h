// Review duty: draws what is looked at when a period is over, and tells when
// nobody looked in time. The draw is the log's own: its seed is the tree over
// all that was received before the period's end, so that nobody chooses it and
// everybody can draw it again (docs/adr/0420).
#pragma once

#include <array>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/duties.h"
#include "server/store/store.h"

namespace sekisho::core {

inline constexpr char kReviewOverdueKind[] = "review_overdue";
inline constexpr size_t kMaxReviewAlerts = 1'000;
// What comes in late is waited for.
inline constexpr auto kReviewSettle = std::chrono::minutes(10);
inline constexpr int kMaxMissedPeriods = 12;

using ReviewSeed = std::array<std::byte, 32>;

// SHA-256("sekisho-review-1" | NUL | name | NUL | from | to | size | root),
// numbers as 8 bytes, the highest first, times in microseconds since 1970.
ReviewSeed SeedOf(const std::string& name, const ReviewPeriod& period,
                  int64_t log_size, const std::string& log_root);
// SHA-256(seed | number): the `count` of `numbers` with the smallest are drawn.
// In rising order of their numbers.
std::vector<int64_t> Draw(const ReviewSeed& seed,
                          const std::vector<int64_t>& numbers, size_t count);

// Whether the user may look at, judge and sign this review.
bool IsReviewer(const store::Review& review, const std::string& user,
                store::Roles roles);

// Driven from one thread.
class Reviewing {
 public:
  // All must outlive it.
  Reviewing(store::Store& store, Changes& changes, const Clock& clock,
            ReviewRules rules)
      : store_(store), changes_(changes), clock_(clock), rules_(rules) {}

  // Looks once a minute: draws what is due, tells of what is overdue, ends the
  // alerts of what was signed.
  Status Tick();

 private:
  Status DrawDue(const ReviewRule& rule);
  Status DrawOne(const ReviewRule& rule, const ReviewPeriod& period);
  Status TellOverdue();

  store::Store& store_;
  Changes& changes_;
  const Clock& clock_;
  const ReviewRules rules_;
  std::optional<BootTime> looked_;
};

}  // namespace sekisho::core
