// Searches that people keep under a name; a part of Store (store.h), with its
// promises about threads.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace sekisho::store {

struct SavedSearch {
  int64_t id = 0;
  std::string place;  // "events", "alerts"
  std::string name;   // one for a place and an owner
  // As the console's page has them in its address. Neither names nor values
  // have line breaks.
  std::map<std::string, std::string> filters;
  bool is_shared = false;
  std::string owner;
  WallTime create_time;
  WallTime change_time;
};

class SearchStore {
 public:
  virtual ~SearchStore() = default;

  // The id. kAlreadyExists: the owner has one of this name in this place;
  // kResourceExhausted: he has `most` of them.
  virtual Result<int64_t> AddSearch(const SavedSearch& row, int most) = 0;
  // His own and those that are shared, by place, name and id.
  virtual Result<std::vector<SavedSearch>> ListSearches(
      const std::string& user) = 0;
  // Read, handed to `change` and written in one transaction; an error of
  // `change`, which may be called more than once, leaves all as it was.
  // kNotFound; kAlreadyExists as AddSearch().
  using SearchChange = std::function<Status(SavedSearch&)>;
  virtual Result<SavedSearch> PutSearch(int64_t id,
                                        const SearchChange& change) = 0;
  // What was removed; an error of `may` leaves it. kNotFound.
  virtual Result<SavedSearch> RemoveSearch(
      int64_t id, const std::function<Status(const SavedSearch&)>& may) = 0;
};

}  // namespace sekisho::store
