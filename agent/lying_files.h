// Which of the files that lie on the disks for long were looked at, and when
// those that hold many people were told of: once, and again while they lie
// there. A file that was changed is another one.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <string>
#include <unordered_map>

#include "common/clock.h"
#include "common/result.h"

namespace sekisho::agent {

inline constexpr size_t kMaxLyingFiles = 200'000;
inline constexpr int64_t kTellAgainDays = 30;

class LyingFiles {
 public:
  // `persons`: how many are many. Of a file for another number only what was
  // told counts; one that is damaged is as none, and `problem` says so.
  static LyingFiles Open(const std::string& path, int64_t persons,
                         std::string* problem);

  static uint64_t KeyOf(const struct stat& about);
  bool IsDue(uint64_t key, WallTime now) const;
  void SetClean(uint64_t key);
  void SetTold(uint64_t key, WallTime now);
  // What counts as many people has changed.
  void ForgetClean();
  // If anything is new. After a crash before it, some are looked at again.
  Status Save();
  size_t size() const { return told_day_.size(); }

 private:
  void Put(uint64_t key, int64_t day);

  std::string path_;
  int64_t persons_ = 0;
  std::unordered_map<uint64_t, int64_t> told_day_;  // 0: few people in it
  bool changed_ = false;
};

}  // namespace sekisho::agent
