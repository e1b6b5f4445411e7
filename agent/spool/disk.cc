#include "agent/spool/disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "common/file.h"

namespace sekisho::spool {
namespace {

constexpr size_t kChunkBytes = size_t{256} * 1024;

class PosixFile final : public DiskFile {
 public:
  PosixFile(UniqueFd fd, int64_t size_bytes)
      : fd_(std::move(fd)), size_bytes_(size_bytes) {}

  int64_t size_bytes() const override { return size_bytes_; }

  Status ReadAt(int64_t offset, std::span<std::byte> out) override {
    while (!out.empty()) {
      const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FailErrno("read");
      if (n == 0) return Fail(Code::kDataLoss, "read: file ends early");
      offset += n;
      out = out.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  Status WriteAt(int64_t offset, ByteSpan bytes) override {
    while (!bytes.empty()) {
      const ssize_t n = ::pwrite(fd_.get(), bytes.data(), bytes.size(), offset);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return FailErrno("write");
      offset += n;
      bytes = bytes.subspan(static_cast<size_t>(n));
    }
    return {};
  }

  Status Sync() override {
    if (::fdatasync(fd_.get()) != 0) return FailErrno("fdatasync");
    return {};
  }

 private:
  UniqueFd fd_;
  int64_t size_bytes_;
};

class PosixDisk final : public Disk {
 public:
  Status Claim(const std::string& dir) override {
    if (::mkdir(dir.c_str(), 0700) != 0 && errno != EEXIST) {
      return FailErrno("mkdir " + dir);
    }
    ASSIGN_OR_RETURN(dir_, OpenAt(AT_FDCWD, dir, O_RDONLY | O_DIRECTORY));
    if (::flock(dir_.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) {
        return Fail(Code::kFailedPrecondition,
                    dir + " is in use by another process");
      }
      return FailErrno("lock " + dir);
    }
    return {};
  }

  Result<std::vector<std::string>> List() override {
    ASSIGN_OR_RETURN(UniqueFd fd,
                     OpenAt(dir_.get(), ".", O_RDONLY | O_DIRECTORY));
    const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()),
                                                     ::closedir);
    if (!stream) return FailErrno("list");
    fd.Release();
    std::vector<std::string> names;
    while (const dirent* entry = ::readdir(stream.get())) {
      if (entry->d_type == DT_REG) names.emplace_back(entry->d_name);
    }
    std::ranges::sort(names);
    return names;
  }

  Result<std::unique_ptr<DiskFile>> Open(const std::string& name) override {
    ASSIGN_OR_RETURN(UniqueFd fd,
                     OpenAt(dir_.get(), name, O_RDWR | O_NOFOLLOW));
    struct stat info{};
    if (::fstat(fd.get(), &info) != 0) return FailErrno("stat " + name);
    return std::make_unique<PosixFile>(std::move(fd), info.st_size);
  }

  Status Create(const std::string& name, int64_t size_bytes) override {
    const std::string temporary = name + ".new";
    auto made = Fill(temporary, size_bytes);
    if (!made) {
      ::unlinkat(dir_.get(), temporary.c_str(), 0);
      return Wrap("make " + name, std::move(made).error());
    }
    return Rename(temporary, name);
  }

  Status Rename(const std::string& from, const std::string& to) override {
    if (::renameat(dir_.get(), from.c_str(), dir_.get(), to.c_str()) != 0) {
      return FailErrno("rename " + from);
    }
    return SyncDirectory();
  }

  Status Remove(const std::string& name) override {
    if (::unlinkat(dir_.get(), name.c_str(), 0) != 0) {
      return FailErrno("remove " + name);
    }
    return SyncDirectory();
  }

 private:
  Status Fill(const std::string& name, int64_t size_bytes) {
    ASSIGN_OR_RETURN(const UniqueFd fd,
                     OpenAt(dir_.get(), name,
                            O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600));
    // One extent where there is one; where it is not known, writing does it.
    if (::fallocate(fd.get(), 0, 0, size_bytes) != 0 && errno != EOPNOTSUPP) {
      return FailErrno("reserve space");
    }
    const Bytes zeros(kChunkBytes);
    for (int64_t left = size_bytes; left > 0;) {
      const auto part = std::min(static_cast<size_t>(left), zeros.size());
      RETURN_IF_ERROR(WriteAll(fd.get(), ByteSpan(zeros).first(part)));
      left -= static_cast<int64_t>(part);
    }
    if (::fsync(fd.get()) != 0) return FailErrno("fsync");
    return {};
  }

  Status SyncDirectory() {
    if (::fsync(dir_.get()) != 0) return FailErrno("fsync of the directory");
    return {};
  }

  UniqueFd dir_;
};

}  // namespace

std::unique_ptr<Disk> NewPosixDisk() { return std::make_unique<PosixDisk>(); }

}  // namespace sekisho::spool
