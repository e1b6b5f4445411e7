// What the house owes itself, as the nested sections of server.yaml say it: how
// soon an alert is looked at (`sla`), who reviews what is past (`review`), how
// long personal data is kept (`retention`). Pure but for the file.
//
//   sla:
//     critical: { acknowledge: 15m, close: 4h }
//     medium: { acknowledge: 1d, close: 7d,
//               hours: "Mon-Fri 09:00-18:00 Asia/Tokyo" }
//   review:
//     zone: Asia/Tokyo
//     periods:
//       - { name: call-centre, every: weekly, groups: [call-centre],
//           role: auditor, due_days: 5, sample: 20, escalate_to: [suzuki] }
//   retention: { sessions: 1y, landings: 1y, transfers: 10y }
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "policy/zone.h"
#include "server/core/expected_hours.h"
#include "server/store/role_set.h"

namespace sekisho::core {

// ---- sla ----

// Unset = no clock.
struct SlaRule {
  std::optional<std::chrono::seconds> acknowledge, close;
  // Only these count; unset = every hour does.
  std::optional<ExpectedHours> hours;
};
struct SlaRules {
  std::map<std::string, SlaRule> by_severity;
};
// `length` after `from`, in hours that count (to five minutes).
WallTime DueAt(const SlaRule& rule, WallTime from, std::chrono::seconds length);

// ---- review ----

enum class ReviewEvery { kWeekly, kMonthly };
const char* Name(ReviewEvery every);  // "weekly", "monthly"

struct ReviewRule {
  std::string name;  // letters, digits, "-", "_"
  ReviewEvery every = ReviewEvery::kWeekly;
  std::vector<std::string> groups;  // of the register; empty = all terminals
  std::optional<store::Role> role;  // who reviews: this role, or
  std::vector<std::string> people;  // one of these
  int due_days = 7;                 // after the period's end
  int sample = 20;
  std::vector<std::string> escalate_to;  // the first gets the alert
};
inline constexpr int kMaxReviewSample = 500;

struct ReviewRules {
  policy::Zone zone;  // UTC
  std::vector<ReviewRule> periods;
};

struct ReviewPeriod {
  WallTime from, to;  // [from, to)
  bool operator==(const ReviewPeriod&) const = default;
};
// The newest that is over at `now`: from Monday to Monday, or from the first to
// the first, in the zone.
ReviewPeriod LastPeriod(ReviewEvery every, const policy::Zone& zone,
                        WallTime now);

// ---- retention ----

enum class DataClass { kSessions, kLandings, kTransfers };
inline constexpr std::array kDataClasses = {
    DataClass::kSessions, DataClass::kLandings, DataClass::kTransfers};
const char* Name(DataClass data);  // "sessions", "landings", "transfers"

struct RetentionRules {
  // Unset = for ever.
  std::map<DataClass, std::optional<std::chrono::days>> keep = {
      {DataClass::kSessions, std::chrono::days(366)},
      {DataClass::kLandings, std::chrono::days(366)},
      {DataClass::kTransfers, std::chrono::days(3653)}};
};

struct Duties {
  SlaRules sla;
  ReviewRules review;
  RetentionRules retention;
};

// kInvalidArgument: each line is a problem with file, line and column. What
// other settings the file has does not matter here.
Result<Duties> ParseDuties(std::string_view file_name, std::string_view text);
// A file that is not there says nothing.
Result<Duties> ReadDuties(const std::string& path);

}  // namespace sekisho::core
