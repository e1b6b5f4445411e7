// What the desk is asked of cases: plain values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "server/store/case_rows.h"
#include "server/store/user_store.h"

namespace sekisho::core {

using store::Case;
using store::CaseFile;
using store::CaseFilter;
using store::CaseItems;
using store::CaseState;

struct CaseWish {
  std::string title;
  CaseItems items;
  std::string owner;  // empty = who opens it
  std::string comment;
  std::string hold_reason;  // set: under legal hold from its first moment
};

struct CaseChange {
  int64_t case_id = 0;
  std::optional<std::string> title;
  std::optional<std::string> owner;  // "" takes it away
  CaseItems add, remove;
  std::string comment;  // empty = none
};

struct CaseClosing {
  int64_t case_id = 0;
  std::string verdict;  // "true_positive", "false_positive", "benign"
  std::string reason;
  bool with_alerts = false;  // those that are open are closed alike
};

// With what was done to it, newest first.
struct CaseStory {
  CaseFile file;
  std::vector<store::AuditEntry> history;
};

}  // namespace sekisho::core
