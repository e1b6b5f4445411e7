#include "agent/lying_files.h"

#include <fcntl.h>

#include <string_view>
#include <utility>

#include "agent/record_bytes.h"
#include "common/file.h"

namespace sekisho::agent {
namespace {

constexpr std::string_view kMagic = "SKLYING1";
constexpr size_t kEntryBytes = 16;

int64_t DayOf(WallTime now) {
  return std::chrono::floor<std::chrono::days>(now.time_since_epoch()).count();
}

}  // namespace

LyingFiles LyingFiles::Open(const std::string& path, int64_t persons,
                            std::string* problem) {
  LyingFiles files;
  files.path_ = path;
  files.persons_ = persons;
  const auto text =
      ReadFileAt(AT_FDCWD, path, 64 + kMaxLyingFiles * kEntryBytes);
  if (!text) {
    if (text.error().code != Code::kNotFound) *problem = text.error().message;
    return files;
  }
  std::string_view rest = *text;
  std::string_view body;
  bool good = rest.starts_with(kMagic);
  if (good) rest.remove_prefix(kMagic.size());
  uint64_t was_many = 0;
  good = good && TakeFrame(&rest, &body) && rest.empty() &&
         TakeNumber(&body, &was_many);
  while (good && !body.empty()) {
    uint64_t key = 0;
    uint64_t day = 0;
    good = TakeNumber(&body, &key) && TakeNumber(&body, &day);
    if (good) files.told_day_[key] = static_cast<int64_t>(day);
  }
  if (!good) {
    files.told_day_.clear();
    *problem = path + " is damaged; what lies there is looked at again";
  }
  if (was_many != static_cast<uint64_t>(persons)) files.ForgetClean();
  return files;
}

uint64_t LyingFiles::KeyOf(const struct stat& about) {
  std::string text;
  PutNumber(text, about.st_dev);
  PutNumber(text, about.st_ino);
  PutNumber(text, static_cast<uint64_t>(about.st_size));
  PutNumber(text, static_cast<uint64_t>(about.st_mtim.tv_sec));
  PutNumber(text, static_cast<uint64_t>(about.st_mtim.tv_nsec));
  return Check(text);
}

bool LyingFiles::IsDue(uint64_t key, WallTime now) const {
  const auto known = told_day_.find(key);
  if (known == told_day_.end()) return true;
  return known->second != 0 && DayOf(now) - known->second >= kTellAgainDays;
}

void LyingFiles::SetClean(uint64_t key) { Put(key, 0); }

void LyingFiles::SetTold(uint64_t key, WallTime now) { Put(key, DayOf(now)); }

void LyingFiles::Put(uint64_t key, int64_t day) {
  if (told_day_.size() >= kMaxLyingFiles && !told_day_.contains(key)) {
    ForgetClean();
    if (told_day_.size() >= kMaxLyingFiles) told_day_.clear();
  }
  told_day_[key] = day;
  changed_ = true;
}

void LyingFiles::ForgetClean() {
  changed_ |= std::erase_if(told_day_, [](const auto& one) {
                return one.second == 0;
              }) > 0;
}

Status LyingFiles::Save() {
  if (!changed_) return {};
  std::string body;
  body.reserve(8 + told_day_.size() * kEntryBytes);
  PutNumber(body, static_cast<uint64_t>(persons_));
  for (const auto& [key, day] : told_day_) {
    PutNumber(body, key);
    PutNumber(body, static_cast<uint64_t>(day));
  }
  RETURN_IF_ERROR(ReplaceFile(path_, std::string(kMagic) + Framed(body), 0600));
  changed_ = false;
  return {};
}

}  // namespace sekisho::agent
