// What a saved search may hold: the filters that the console's pages of events
// and of alerts know. Pure. A filter that no page knows any more is told, never
// left out: without it the search would find more than its name says.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "server/store/search_store.h"

namespace sekisho::core {

using store::SavedSearch;

inline constexpr int kMaxSearchesOfOne = 100;
inline constexpr size_t kMaxSearchNameBytes = 120;
inline constexpr size_t kMaxFilterBytes = 512;

enum class Sharing { kPrivate, kShared };

// What is wrong with one filter, and what to do.
struct FilterProblem {
  std::string filter;
  std::string value;
  std::string message;
};

// What is set is changed.
struct SearchWish {
  std::optional<std::string> name;
  std::optional<std::map<std::string, std::string>> filters;
};

// A saved search as one reader sees it.
struct KeptSearch {
  SavedSearch row;
  bool is_mine = false;
  std::vector<FilterProblem> problems;
};

// Empty: it can be run.
std::vector<FilterProblem> ProblemsOf(const SavedSearch& search);
// Place, name and filters of one that is to be kept; kInvalidArgument.
Status CheckSavedSearch(const SavedSearch& search);
// "alerts 'Night shift': kind=tamper state=new", for the audit log.
std::string Shown(const SavedSearch& search);

}  // namespace sekisho::core
