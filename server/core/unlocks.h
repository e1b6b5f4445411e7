// Maintenance unlocks that one admin has asked for and another has not agreed
// to yet. They live in memory, for an hour: a server that starts anew asks
// again. Signing and telling are left to others.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>

#include "common/clock.h"
#include "common/result.h"
#include "policy/unlock.h"
#include "server/core/queries.h"

namespace sekisho::core {

// Thread-safe.
class Unlocks {
 public:
  struct Pending {
    UnlockWish wish;
    std::string requested_by;
    WallTime ask_time;
    int64_t alert_id = 0;  // of the request; 0 = none
  };

  // kInvalidArgument: too long, no reason; kPermissionDenied: a root of whom
  // nobody knows who he is. What was asked before for that agent is forgotten.
  Status Ask(const Caller& caller, const UnlockWish& wish, WallTime now);
  void SetAlert(const std::string& agent_id, int64_t alert_id);
  // What is to be signed; it is not pending any more. kNotFound: nothing was
  // asked within the hour; kPermissionDenied: by the same person, and it goes
  // on waiting.
  Result<Pending> Confirm(const Caller& caller, const std::string& agent_id,
                          WallTime now);

 private:
  std::mutex mutex_;  // guards all below
  std::map<std::string, Pending> pending_;
};

}  // namespace sekisho::core
