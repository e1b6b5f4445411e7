#include "agent/gate/file_news.h"

#include <utility>

namespace sekisho::gate {

void FileNews::Add(ipc::ToldFile file) {
  const bool fits = file.path.size() <= ipc::kMaxToldPathBytes &&
                    file.old_path.size() <= ipc::kMaxToldPathBytes;
  if (!fits || waiting_.size() >= kMaxUntoldFiles) {
    ++lost_count_;
    lost_any_ = true;
    return;
  }
  waiting_.push_back(std::move(file));
  ++added_;
}

ipc::FilesTold FileNews::Next() const {
  ipc::FilesTold next;
  next.lost_count = lost_count_;
  size_t bytes = 0;
  for (const ipc::ToldFile& file : waiting_) {
    // What the end is behind goes before it, what came later after it.
    if (end_ && dropped_ + next.files.size() == end_->after) break;
    bytes += file.path.size() + file.old_path.size() + 64;
    if (bytes > kMaxToldBytes && !next.files.empty()) break;
    if (next.files.size() == ipc::kMaxToldFiles) break;
    next.files.push_back(file);
  }
  if (end_ && dropped_ + next.files.size() == end_->after) {
    next.listing_ends = true;
    next.present_count = end_->end.present_count;
    next.complete = end_->end.complete && !lost_any_;
  }
  return next;
}

void FileNews::Drop(const ipc::FilesTold& sent) {
  lost_count_ -= sent.lost_count;
  for (size_t i = 0; i < sent.files.size(); ++i) waiting_.pop_front();
  dropped_ += sent.files.size();
  if (sent.listing_ends) end_.reset();
}

}  // namespace sekisho::gate
