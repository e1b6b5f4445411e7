// One server a state folder.
#pragma once

#include <string>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::operate {

// Holds state_dir/server/server.lock until it goes, also by SIGKILL.
// kAlreadyExists: another process holds it, and which.
class StateLock {
 public:
  static Result<StateLock> Take(const std::string& state_dir);

 private:
  explicit StateLock(UniqueFd fd) : fd_(std::move(fd)) {}

  UniqueFd fd_;
};

// Whether a server runs on this folder; false also if there is no folder.
bool IsLocked(const std::string& state_dir);

}  // namespace sekisho::operate
