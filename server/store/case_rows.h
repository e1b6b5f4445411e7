// Rows of a case: what belongs together and is worked on by one person until it
// is closed with a verdict. Plain values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/store/rows.h"

namespace sekisho::store {

// Alerts, and events, in one case at most.
inline constexpr int64_t kMaxCaseItems = 500;

enum class CaseState { kOpen = 1, kClosed = 2 };
const char* Name(CaseState state);  // "open", "closed"

struct Case {
  int64_t id = 0;
  std::string title;
  CaseState state = CaseState::kOpen;
  std::string verdict;  // when closed: as of an alert
  std::string close_reason;
  std::string owner;  // empty = nobody
  std::string opened_by;
  WallTime open_time;
  WallTime update_time;
  std::string closed_by;
  std::optional<WallTime> close_time;
  // Set: nothing that the case contains is deleted, whatever its age.
  std::optional<WallTime> hold_time;
  std::string hold_reason;
  std::string held_by;
  // Of the last hold that was lifted.
  std::optional<WallTime> release_time;
  std::string release_reason;
  std::string released_by;

  // Read only.
  int64_t alert_count = 0;
  int64_t event_count = 0;  // that stand in it without an alert
  // Whose alerts and events these are; only while it is changed.
  std::vector<std::string> persons;
};

struct CaseItems {
  std::vector<int64_t> alert_ids;
  std::vector<int64_t> event_row_ids;

  bool empty() const { return alert_ids.empty() && event_row_ids.empty(); }
};

// What a change puts in, takes out and says.
struct CaseEdit {
  CaseItems add, remove;
  std::string comment;  // empty = none
  std::string by;
  WallTime now;
  // What is not seen is not there: the case itself, and what is added.
  Scope scope{};
};

struct CaseFilter {
  std::optional<CaseState> state;
  std::string owner;
  bool only_held = false;
  int64_t alert_id = 0;  // that stands in it; 0 = all
  Scope scope{};         // only those with nothing in them that is not seen
};

// A case with all that is in it, oldest first.
struct CaseFile {
  Case row;
  std::vector<AlertComment> comments;
  struct AlertItem {
    Alert alert;  // with its event
    std::string added_by;
    WallTime add_time;
  };
  std::vector<AlertItem> alerts;
  struct EventItem {
    Event event;
    std::string added_by;
    WallTime add_time;
  };
  std::vector<EventItem> events;
};

}  // namespace sekisho::store
