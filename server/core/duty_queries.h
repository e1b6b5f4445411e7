// What the desk is asked of reviews, clocks and suppressions: plain values.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/store/duty_rows.h"
#include "server/store/user_store.h"

namespace sekisho::core {

using store::Review;
using store::ReviewFile;
using store::ReviewFilter;
using store::ReviewItem;
using store::SlaCount;
using store::Suppression;
using store::VerdictCount;
using store::WhichSuppressions;

// "open", "overdue", "signed", "signed_late"
const char* StateOf(const Review& review, WallTime now);

struct ReviewStory {
  ReviewFile file;
  std::string state;
  bool is_reviewer = false;                // who asks may judge and sign it
  std::vector<store::AuditEntry> history;  // newest first
};

// What an item is about, in full.
struct OpenedItem {
  ReviewItem item;
  std::optional<store::Alert> alert;
  std::optional<store::Event> event;
};

struct ReviewVerdict {
  int64_t review_id = 0;
  int64_t item_no = 0;
  std::string verdict;  // "in_order", "violation", "unclear"
  std::string note;     // needed for the latter two
};

// Who reviewed what, and what nobody did.
struct ReviewStatement {
  WallTime from, to;  // end of the periods, (from, to]
  WallTime make_time;
  std::string made_by;
  std::string checkpoint;  // of the log, signed
  struct Row {
    Review review;
    std::string state;
    std::map<std::string, int64_t> judged_by;  // items by who judged them
    std::vector<ReviewItem> findings;          // not in order
  };
  std::vector<Row> rows;  // oldest first
  std::vector<SlaCount> sla;
  std::vector<VerdictCount> verdicts;
};
inline constexpr int kMaxStatementDays = 400;

}  // namespace sekisho::core
