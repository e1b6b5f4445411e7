// Erasing a medium: every file and folder is removed, all that is free then is
// filled with blocks that each say where they belong, synced, read back from
// the medium, and removed again. On a medium that is smaller than it says the
// blocks come back wrong, and that is an error. What the filesystem keeps for
// itself (its tables, a journal) is not overwritten.
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "agent/gate/filesystem.h"
#include "agent/gate/temporary_name.h"
#include "common/bytes.h"

namespace sekisho::gate {
namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kStampEvery = 4096;
// FAT32 ends files at 4 GiB, and the largest medium has some thousands of them.
constexpr int64_t kFillBytes = int64_t{2} << 30;
constexpr size_t kMostFills = 65'536;
constexpr size_t kDeepest = 128;
constexpr int64_t kMostRemoved = 2'000'000;
// As long as a name may be: its entry takes the place of any that was removed.
constexpr size_t kNameBytes = 255;
constexpr size_t kMostNames = 4'096;

// A random block, stamped with where it stands.
class Pattern {
 public:
  Pattern() : bytes_(kBlockBytes) { FillRandom(bytes_); }
  ByteSpan At(uint64_t place) {
    for (size_t at = 0; at < bytes_.size(); at += kStampEvery) {
      PutU64(bytes_.data() + at, place + at);
    }
    return bytes_;
  }

 private:
  Bytes bytes_;
};

struct DirEntry {
  std::string name;
  bool is_dir = false;
};

// The first names of the open folder; empty: there are none.
ErrnoOr<std::vector<DirEntry>> FirstEntries(int dir_fd) {
  const auto again = Medium::OpenIn(dir_fd, ".", O_RDONLY | O_DIRECTORY);
  if (!again) return Errno(again.error());
  alignas(8) std::array<char, 8192> buffer;
  std::vector<DirEntry> entries;
  for (;;) {
    const long n =
        ::syscall(SYS_getdents64, again->get(), buffer.data(), buffer.size());
    if (n < 0) return Errno();
    if (n == 0) return entries;
    for (long at = 0; at < n;) {
      const char* record = buffer.data() + at;
      uint16_t length = 0;
      std::memcpy(&length, record + 16, sizeof length);
      const std::string name(record + 19);
      if (name != "." && name != "..") {
        const auto about = Medium::StatIn(again->get(), name);
        if (!about) return Errno(about.error());
        entries.push_back({name, S_ISDIR(about->st_mode)});
      }
      at += length;
    }
    if (!entries.empty()) return entries;
  }
}

}  // namespace

// One erasure; see Filesystem::Erase().
class Eraser {
 public:
  Eraser(Medium* medium, MediumCounts* counts,
         const std::function<bool()>& may_go_on, int64_t most_bytes)
      : medium_(*medium),
        counts_(*counts),
        may_go_on_(may_go_on),
        most_bytes_(most_bytes) {}

  Erased Run() {
    if (!RemoveAll() || !CoverNames() || !Fill()) return Failed();
    if (const auto synced = medium_.Sync(); !synced) {
      return Failed("sync", synced.error());
    }
    if (!ReadBack() || !RemoveFills()) return Failed();
    if (const auto synced = medium_.Sync(); !synced) {
      return Failed("sync", synced.error());
    }
    return {.ok = true, .bytes = bytes_, .error = {}};
  }

 private:
  Erased Failed() {
    // What was filled would only take the room.
    const Erased failed{.ok = false, .bytes = 0, .error = error_};
    RemoveFills();
    return failed;
  }
  Erased Failed(const char* what, int error_number) {
    Note(what, error_number);
    return Failed();
  }
  bool Note(const std::string& what, int error_number) {
    if (error_.empty()) error_ = what + ": " + std::strerror(error_number);
    return false;
  }
  bool GoOn() {
    if (may_go_on_()) return true;
    if (error_.empty()) error_ = "the medium is being closed";
    return false;
  }

  // Depth first, without recursion: the path of open folders is the stack.
  bool RemoveAll() {
    std::vector<std::pair<UniqueFd, std::string>> path;
    auto root = Medium::OpenIn(medium_.root(), ".", O_RDONLY | O_DIRECTORY);
    if (!root) return Note("open", root.error());
    path.emplace_back(*std::move(root), "");
    while (!path.empty()) {
      if (!GoOn()) return false;
      const int dir = path.back().first.get();
      const auto entries = FirstEntries(dir);
      if (!entries) return Note("list", entries.error());
      const DirEntry* folder = nullptr;
      for (const DirEntry& entry : *entries) {
        if (entry.is_dir) {
          folder = &entry;
        } else if (!RemoveOne(dir, entry.name, 0)) {
          return false;
        }
      }
      if (folder != nullptr) {
        if (path.size() >= kDeepest) return Note("folders", ELOOP);
        auto inner = Medium::OpenIn(dir, folder->name, O_RDONLY | O_DIRECTORY);
        if (!inner) return Note("open", inner.error());
        path.emplace_back(*std::move(inner), folder->name);
        continue;
      }
      if (!entries->empty()) continue;  // there may be more
      const std::string name = path.back().second;
      path.pop_back();
      if (!path.empty() &&
          !RemoveOne(path.back().first.get(), name, AT_REMOVEDIR)) {
        return false;
      }
    }
    return true;
  }

  bool RemoveOne(int dir, const std::string& name, int flags) {
    // A medium that makes up names for ever is not emptied.
    if (++removed_ > kMostRemoved) return Note("files", EOVERFLOW);
    counts_.Changed();
    if (::unlinkat(dir, name.c_str(), flags) != 0) return Note("remove", errno);
    return true;
  }

  // Names of what was removed stay in the root folder's entries until others
  // take their place.
  bool CoverNames() {
    std::vector<std::string> names;
    bool good = true;
    for (size_t i = 0;
         good && i < kMostNames && static_cast<int64_t>(i) < removed_ + 16;
         ++i) {
      if (!GoOn()) return false;
      std::string name = std::to_string(i);
      name.resize(kNameBytes, 'x');
      counts_.Changed();
      counts_.Grew(kLongestEntryBytes);
      const auto made = Medium::OpenIn(medium_.root(), name,
                                       O_WRONLY | O_CREAT | O_EXCL, 0600);
      // A root folder of FAT16 is full some time, and then all of it was taken.
      if (!made && made.error() == ENOSPC) break;
      if (!made) good = Note("name", made.error());
      if (made) names.push_back(std::move(name));
    }
    for (const std::string& name : names) {
      counts_.Changed();
      if (::unlinkat(medium_.root(), name.c_str(), 0) != 0) {
        return Note("remove", errno);
      }
    }
    return good;
  }

  bool Fill() {
    for (bool full = false; !full;) {
      if (fills_.size() >= kMostFills) return Note("fill", EOVERFLOW);
      const std::string name = TemporaryName();
      counts_.Changed();
      counts_.Grew(kLongestEntryBytes);
      auto file =
          Medium::OpenIn(medium_.root(), name, O_RDWR | O_CREAT | O_EXCL, 0600);
      if (!file && file.error() == ENOSPC) break;
      if (!file) return Note("fill", file.error());
      fills_.push_back({name, 0});
      if (!FillOne(file->get(), &full)) return false;
      if (::fsync(file->get()) != 0) return Note("sync", errno);
    }
    return true;
  }

  bool FillOne(int fd, bool* full) {
    int64_t& size = fills_.back().second;
    // Where a block ends that did not fit, smaller ones may.
    size_t piece = kBlockBytes;
    while (size < kFillBytes && piece > 0 && bytes_ < most_bytes_) {
      if (!GoOn()) return false;
      const ByteSpan block = pattern_.At(static_cast<uint64_t>(bytes_));
      counts_.Wrote(static_cast<int64_t>(piece));
      const ssize_t n =
          ::pwrite(fd, block.data(), piece, static_cast<off_t>(size));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0 && errno == EFBIG && size > 0) return true;
      if (n < 0 && errno != ENOSPC) return Note("fill", errno);
      if (n <= 0) {
        piece /= 2;
        continue;
      }
      lengths_.push_back(n);
      size += n;
      bytes_ += n;
    }
    *full = piece == 0 || bytes_ >= most_bytes_;
    return true;
  }

  bool ReadBack() {
    Bytes read(kBlockBytes);
    size_t next = 0;
    uint64_t place = 0;
    for (const auto& [name, size] : fills_) {
      auto file = Medium::OpenIn(medium_.root(), name, O_RDONLY);
      if (!file) return Note("read back", file.error());
      // What is in memory proves nothing.
      if (const int failed =
              ::posix_fadvise(file->get(), 0, 0, POSIX_FADV_DONTNEED);
          failed != 0) {
        return Note("read back", failed);
      }
      for (int64_t at = 0; at < size; ++next) {
        if (!GoOn()) return false;
        const auto length = static_cast<size_t>(lengths_[next]);
        size_t done = 0;
        while (done < length) {
          const ssize_t n =
              ::pread(file->get(), read.data() + done, length - done,
                      static_cast<off_t>(at + static_cast<int64_t>(done)));
          if (n < 0 && errno == EINTR) continue;
          if (n <= 0) return Note("read back", n < 0 ? errno : EIO);
          done += static_cast<size_t>(n);
        }
        const ByteSpan block = pattern_.At(place);
        if (std::memcmp(read.data(), block.data(), length) != 0) {
          error_ =
              "what was written does not come back: the medium is broken, "
              "or smaller than it says";
          return false;
        }
        at += lengths_[next];
        place += length;
      }
    }
    return true;
  }

  bool RemoveFills() {
    bool good = true;
    for (const auto& [name, size] : fills_) {
      counts_.Changed();
      counts_.Freed(size);
      if (::unlinkat(medium_.root(), name.c_str(), 0) != 0 && good) {
        good = Note("remove", errno);
      }
    }
    fills_.clear();
    return good;
  }

  Medium& medium_;
  MediumCounts& counts_;
  const std::function<bool()>& may_go_on_;
  const int64_t most_bytes_;
  Pattern pattern_;
  int64_t removed_ = 0;
  std::vector<std::pair<std::string, int64_t>> fills_;  // name, size
  std::vector<ssize_t> lengths_;  // of each write, in order
  int64_t bytes_ = 0;
  std::string error_;
};

Erased Filesystem::Erase(const std::function<bool()>& may_go_on,
                         int64_t most_bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (auto may = MayChangeLocked(); !may) {
      return {.ok = false, .bytes = 0, .error = std::strerror(may.error())};
    }
    for (const auto& [fh, handle] : handles_) {
      if (handle->write || handle->node->judging) {
        return {.ok = false,
                .bytes = 0,
                .error = "somebody is writing to the medium"};
      }
    }
    erasing_ = true;
  }
  const std::function<bool()> go_on = [&] {
    return !stopped_.load() && may_go_on();
  };
  const Erased erased =
      Eraser(parts_.medium, &counts_, go_on, most_bytes).Run();
  const std::lock_guard lock(mutex_);
  erasing_ = false;
  return erased;
}

}  // namespace sekisho::gate
