// What lies on the medium when it becomes usable, for sekishod's list of it.
// In a thread of its own beside whoever works on the medium: it rests as long
// as it worked, and holds the mutex for one look at one name at most.
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <thread>

#include "agent/gate/filesystem.h"

namespace sekisho::gate {
namespace {

constexpr std::chrono::milliseconds kLongestRest{100};
// A file in the middle of its verdict is looked at again, this often.
constexpr int kSecondLooks = 20;
constexpr std::chrono::milliseconds kSecondLookAfter{500};
constexpr size_t kMaxBusy = 1024;
constexpr size_t kLookedAtOnce = 64;

struct Folder {
  std::string path;
  size_t depth = 0;
};

// The names in the open folder `fd`, some at a time; empty: that was all.
ErrnoOr<std::vector<std::string>> SomeNames(int fd) {
  alignas(8) std::array<char, 8192> buffer;
  const long n = ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
  if (n < 0) return Errno();
  std::vector<std::string> names;
  for (long at = 0; at < n;) {
    const char* record = buffer.data() + at;
    uint16_t length = 0;
    std::memcpy(&length, record + 16, sizeof length);
    names.emplace_back(record + 19);
    at += length;
  }
  return names;
}

}  // namespace

// One walk; see ListContents().
class ContentsWalk {
 public:
  ContentsWalk(Filesystem* filesystem, const ListingBounds& bounds,
               const std::function<bool()>& may_go_on)
      : filesystem_(*filesystem),
        bounds_(bounds),
        may_go_on_(may_go_on),
        until_(std::chrono::steady_clock::now() + bounds.time),
        moves_(filesystem->FolderMoves()) {}

  ListingEnd Run() {
    ahead_.push_back({"", 0});
    while (!ahead_.empty() && GoOn()) {
      const Folder folder = std::move(ahead_.back());
      ahead_.pop_back();
      Enter(folder);
    }
    if (!ahead_.empty()) end_.complete = false;
    for (int i = 0; i < kSecondLooks && !busy_.empty() && GoOn(); ++i) {
      std::this_thread::sleep_for(kSecondLookAfter);
      LookAgain();
    }
    if (!busy_.empty()) end_.complete = false;
    if (filesystem_.FolderMoves() != moves_) end_.complete = false;
    return end_;
  }

 private:
  bool GoOn() {
    if (std::chrono::steady_clock::now() >= until_ ||
        entries_ >= bounds_.entries) {
      end_.complete = false;
      return false;
    }
    return may_go_on_();
  }

  void Enter(const Folder& folder) {
    auto dir = filesystem_.OpenToList(folder.path);
    if (!dir) {
      // Removed since it was seen: nothing of it is there.
      if (dir.error() != ENOENT) end_.complete = false;
      return;
    }
    while (true) {
      const auto began = std::chrono::steady_clock::now();
      const auto names = SomeNames(dir->get());
      if (!names) end_.complete = false;
      if (!names || names->empty()) return;
      for (size_t i = 0; i < names->size(); ++i) {
        if (i % kLookedAtOnce == 0 && !GoOn()) {
          end_.complete = false;
          return;
        }
        Look(dir->get(), folder, (*names)[i]);
      }
      const auto took = std::chrono::steady_clock::now() - began;
      std::this_thread::sleep_for(
          std::min<std::chrono::nanoseconds>(took, kLongestRest));
    }
  }

  void Look(int dir_fd, const Folder& folder, const std::string& name) {
    if (name == "." || name == "..") return;
    ++entries_;
    const std::string path =
        folder.path.empty() ? name : folder.path + "/" + name;
    // What the medium must be read for is in memory when the mutex is held.
    const auto about = Medium::StatIn(dir_fd, name);
    if (!about) {
      if (about.error() != ENOENT) end_.complete = false;
      return;
    }
    if (S_ISDIR(about->st_mode)) {
      if (folder.depth + 1 > bounds_.depth ||
          ahead_.size() >= bounds_.folders_ahead) {
        end_.complete = false;
      } else {
        ahead_.push_back({path, folder.depth + 1});
      }
      return;
    }
    Tell(dir_fd, name, path);
  }

  void Tell(int dir_fd, const std::string& name, const std::string& path) {
    const bool told = told_ < bounds_.files;
    switch (filesystem_.TellPresent(dir_fd, name, path, told)) {
      case Filesystem::Seen::kThere:
        ++end_.present_count;
        ++told_;
        if (!told) end_.complete = false;
        return;
      case Filesystem::Seen::kNot:
        return;
      case Filesystem::Seen::kBusy:
        if (busy_.size() < kMaxBusy) {
          busy_.push_back(path);
        } else {
          end_.complete = false;
        }
        return;
    }
  }

  void LookAgain() {
    for (const std::string& path : std::exchange(busy_, {})) {
      const size_t slash = path.rfind('/');
      const std::string parent =
          slash == std::string::npos ? "" : path.substr(0, slash);
      const auto dir = filesystem_.OpenToList(parent);
      if (dir) Tell(dir->get(), path.substr(slash + 1), path);
    }
  }

  Filesystem& filesystem_;
  const ListingBounds bounds_;
  const std::function<bool()>& may_go_on_;
  const std::chrono::steady_clock::time_point until_;
  const uint64_t moves_;
  std::vector<Folder> ahead_;
  std::vector<std::string> busy_;
  size_t entries_ = 0;
  size_t told_ = 0;
  ListingEnd end_{.present_count = 0, .complete = true};
};

ListingEnd Filesystem::ListContents(const ListingBounds& bounds,
                                    const std::function<bool()>& may_go_on) {
  return ContentsWalk(this, bounds, may_go_on).Run();
}

uint64_t Filesystem::FolderMoves() {
  const std::lock_guard lock(mutex_);
  return folder_moves_;
}

ErrnoOr<UniqueFd> Filesystem::OpenToList(const std::string& path) {
  if (stopped_.load()) return Errno(ENODEV);
  counts_.Changed();  // its access time
  const auto dir = parts_.medium->Directory(path);
  if (!dir) return Errno(dir.error());
  return Medium::OpenIn(dir->get(), ".", O_RDONLY | O_DIRECTORY);
}

void Filesystem::TellPresentLocked(const std::string& path,
                                   const struct stat& about) {
  parts_.core->TellFile(
      {.path = path,
       .change = ipc::FileChange::kPresent,
       .size_bytes = about.st_size,
       .modified_us = int64_t{about.st_mtim.tv_sec} * 1'000'000 +
                      about.st_mtim.tv_nsec / 1'000});
}

Filesystem::Seen Filesystem::TellPresent(int dir_fd, const std::string& name,
                                         const std::string& path, bool tell) {
  const std::lock_guard lock(mutex_);
  if (temporary_names_.contains(name)) return Seen::kNot;
  if (judged_paths_.contains(path)) return Seen::kBusy;
  const auto about = Medium::StatIn(dir_fd, name);
  if (!about) return Seen::kNot;
  if (tell) TellPresentLocked(path, *about);
  return Seen::kThere;
}

}  // namespace sekisho::gate
