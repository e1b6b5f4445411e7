#include "agent/medium_files.h"

#include <algorithm>
#include <utility>

namespace sekisho::agent {
namespace {

bool IsAtOrBelow(const std::string& path, const std::string& folder) {
  return path.starts_with(folder) &&
         (path.size() == folder.size() || path[folder.size()] == '/');
}

bool IsAbout(const ipc::ToldFile& file, const std::string& path) {
  return IsAtOrBelow(path, file.path) ||
         (!file.old_path.empty() && IsAtOrBelow(path, file.old_path));
}

}  // namespace

MediumFiles::~MediumFiles() {
  for (const auto& [mount_id, waiting] : waiting_) {
    if (waiting.timer != 0) loop_.Cancel(waiting.timer);
  }
}

void MediumFiles::Add(int64_t mount_id, const ipc::FilesTold& told) {
  Waiting& waiting = waiting_[mount_id];
  for (const ipc::ToldFile& file : told.files) {
    AddFile(mount_id, waiting, file);
  }
  waiting.batch.lost_count += std::max<int64_t>(0, told.lost_count);
  if (told.listing_ends) {
    waiting.batch.listing_ends = true;
    waiting.batch.present_count = std::max<int64_t>(0, told.present_count);
    waiting.batch.complete = told.complete && !waiting.overfull;
    TellNow(mount_id, waiting);
    return;
  }
  if (waiting.timer != 0) return;
  waiting.timer = loop_.After(wait_, [this, mount_id] {
    const auto found = waiting_.find(mount_id);
    if (found == waiting_.end()) return;
    found->second.timer = 0;
    TellNow(mount_id, found->second);
  });
}

void MediumFiles::AddFile(int64_t mount_id, Waiting& waiting,
                          const ipc::ToldFile& file) {
  const bool fits = !file.path.empty() &&
                    file.path.size() <= ipc::kMaxToldPathBytes &&
                    file.old_path.size() <= ipc::kMaxToldPathBytes;
  const bool listed = file.change == ipc::FileChange::kPresent;
  if (!fits || (listed && waiting.listed >= kMaxListedFiles)) {
    waiting.overfull = true;
    return;
  }
  if (listed) ++waiting.listed;
  const size_t bytes = file.path.size() + file.old_path.size();
  if (waiting.batch.files.size() >= kMaxEventFiles ||
      (waiting.name_bytes + bytes > kMaxEventNameBytes)) {
    TellNow(mount_id, waiting);
  }
  waiting.name_bytes += bytes;
  waiting.batch.files.push_back(file);
}

bool MediumFiles::Before(int64_t mount_id, const std::string& path) {
  const auto found = waiting_.find(mount_id);
  if (found == waiting_.end()) return false;
  const bool about = std::ranges::any_of(
      found->second.batch.files,
      [&](const ipc::ToldFile& file) { return IsAbout(file, path); });
  if (about) TellNow(mount_id, found->second);
  return about;
}

void MediumFiles::TellNow(int64_t mount_id, Waiting& waiting) {
  if (waiting.timer != 0) loop_.Cancel(std::exchange(waiting.timer, 0));
  waiting.name_bytes = 0;
  Batch batch = std::exchange(waiting.batch, {});
  if (batch.files.empty() && batch.lost_count == 0 && !batch.listing_ends) {
    return;
  }
  tell_(mount_id, std::move(batch));
}

void MediumFiles::End(int64_t mount_id) {
  const auto found = waiting_.find(mount_id);
  if (found == waiting_.end()) return;
  TellNow(mount_id, found->second);
  waiting_.erase(found);
}

void MediumFiles::Flush() {
  for (auto& [mount_id, waiting] : waiting_) TellNow(mount_id, waiting);
}

}  // namespace sekisho::agent
