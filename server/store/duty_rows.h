// Rows of what the house owes itself: periods under review, clocks of alerts,
// suppressions, and what retention has erased. Plain values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/store/rows.h"

namespace sekisho::store {

// ---- reviews ----

// One period of one group of terminals, and what was drawn from it.
struct Review {
  int64_t id = 0;
  std::string name;    // of its line in the settings
  std::string groups;  // separated by ';'; empty = all terminals
  WallTime from, to;   // [from, to)
  WallTime due_time;
  std::string role;                      // who reviews: this role, or
  std::vector<std::string> people;       // one of these
  std::vector<std::string> escalate_to;  // who hears when it is overdue
  // The draw: the log's tree over all that was received before `to` is its
  // seed (docs/adr/0420).
  WallTime draw_time;
  int64_t log_size = 0;
  std::string log_root;                         // 32 bytes
  int64_t sample = 0;                           // asked for
  int64_t refused_count = 0, passed_count = 0;  // transfers of the period
  int64_t alert_count = 0;                      // of the period
  std::optional<WallTime> sign_time;
  std::string signed_by;
  std::string sign_note;
  std::optional<WallTime> overdue_time;  // when it was told
  int64_t overdue_alert_id = 0;

  // Read only.
  int64_t item_count = 0;
  int64_t judged_count = 0;
  int64_t finding_count = 0;  // judged, and not in order
};

struct ReviewItem {
  int64_t no = 0;  // from 1
  // "alert"; "refused" and "passed": drawn transfers.
  std::string why;
  int64_t alert_id = 0;      // 0 = a transfer
  int64_t event_row_id = 0;  // 0 = an alert without an event
  WallTime time;
  std::string terminal;
  std::string person;
  std::optional<WallTime> open_time;  // by the one who opened it last
  std::string opened_by;
  std::string verdict;  // "in_order", "violation", "unclear"; empty = none yet
  std::string note;
  std::string judged_by;
  std::optional<WallTime> judge_time;
};

struct ReviewFile {
  Review row;
  std::vector<ReviewItem> items;
};

struct ReviewFilter {
  bool only_open = false;            // not signed
  std::optional<WallTime> from, to;  // end of the period, (from, to]
};

struct PastTransfer {
  int64_t row_id = 0;
  event::v1::Outcome outcome{};
  WallTime receive_time;
  std::string terminal;
  std::string person;
};

// ---- clocks of alerts ----

enum class SlaLevel { kAcknowledge = 1, kClose = 2 };
const char* Name(SlaLevel level);  // "acknowledge", "close"

// How often what a rule found was right.
struct VerdictCount {
  std::string kind;
  std::string rule;  // empty = no rule decided
  int64_t alerts = 0;
  int64_t true_positive = 0, false_positive = 0, benign = 0;  // closed as
};

// Alerts that were looked at in time.
struct SlaCount {
  std::string severity;
  int64_t alerts = 0;
  int64_t acknowledged = 0, closed = 0;
  int64_t late_acknowledge = 0, late_close = 0;  // told as overdue
};

// Alerts of one kind that nobody needs to see for a while. What is empty fits
// every value.
struct Suppression {
  int64_t id = 0;
  std::string kind;
  std::string person, device_id, terminal, rule;
  std::string reason;
  std::string created_by;
  WallTime create_time;
  WallTime end_time;
  std::optional<WallTime> over_time;  // ended by a person before
  std::string ended_by;
  std::string end_reason;
  int64_t alert_count = 0;  // that it kept back; read only
};
enum class WhichSuppressions { kRunning, kAll };

// ---- retention ----

// Events of these kinds that were received before `before`.
struct RetentionCut {
  std::vector<int> kinds;
  WallTime before;
  int64_t upto_row = 0;  // none after this one
};

struct RetentionStep {
  int64_t erased = 0;
  int64_t held = 0;   // under legal hold
  bool more = false;  // than were looked at
};

}  // namespace sekisho::store
