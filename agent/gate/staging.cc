#include "agent/gate/staging.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "common/file.h"

namespace sekisho::gate {
namespace {

ErrnoStatus PwriteAll(int fd, ByteSpan bytes, int64_t offset) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd, bytes.data(), bytes.size(), offset);
    if (n < 0) {
      if (errno == EINTR) continue;
      return Errno();
    }
    if (n == 0) return Errno(EIO);
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += n;
  }
  return {};
}

}  // namespace

ErrnoStatus CopyRange(int from, int to, int64_t start, int64_t end) {
  constexpr int64_t kPieceBytes = int64_t{256} << 10;
  std::vector<std::byte> piece(
      static_cast<size_t>(std::min(kPieceBytes, end - start)));
  while (start < end) {
    const auto want =
        static_cast<size_t>(std::min<int64_t>(kPieceBytes, end - start));
    const ssize_t n = ::pread(from, piece.data(), want, start);
    if (n < 0) {
      if (errno == EINTR) continue;
      return Errno();
    }
    if (n == 0) return Errno(EIO);  // shorter than it said
    RETURN_IF_ERRNO(
        PwriteAll(to, std::span(piece).first(static_cast<size_t>(n)), start));
    start += n;
  }
  return {};
}

ErrnoOr<size_t> ReadAt(int fd, std::span<std::byte> out, int64_t offset) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::pread(fd, out.data() + done, out.size() - done,
                              offset + static_cast<int64_t>(done));
    if (n < 0) {
      if (errno == EINTR) continue;
      return Errno();
    }
    if (n == 0) break;
    done += static_cast<size_t>(n);
  }
  return done;
}

ErrnoStatus CopyContent(int from, int to, int64_t size) {
  int64_t position = 0;
  while (position < size) {
    const off_t data = ::lseek(from, position, SEEK_DATA);
    if (data < 0) {
      if (errno != ENXIO) {
        // The filesystem cannot tell holes: everything is data.
        RETURN_IF_ERRNO(CopyRange(from, to, position, size));
        position = size;
      }
      break;
    }
    const off_t hole = ::lseek(from, data, SEEK_HOLE);
    const int64_t end = hole < 0 ? size : std::min<int64_t>(hole, size);
    if (data < end) RETURN_IF_ERRNO(CopyRange(from, to, data, end));
    position = std::max<int64_t>(end, data);
    if (data >= size) break;
  }
  struct stat made{};
  if (::fstat(to, &made) != 0) return Errno();
  if (made.st_size < size && ::ftruncate(to, size) != 0) return Errno();
  return {};
}

Result<std::unique_ptr<StagingArea>> StagingArea::Open(
    const std::string& directory, StagingLimits limits) {
  ASSIGN_OR_RETURN(UniqueFd dir,
                   OpenAt(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY));
  ASSIGN_OR_RETURN(UniqueFd self,
                   OpenAt(AT_FDCWD, "/proc/self/fd", O_RDONLY | O_DIRECTORY));
  return std::unique_ptr<StagingArea>(
      new StagingArea(std::move(dir), std::move(self), limits));
}

bool StagingArea::Take(int64_t bytes) {
  if (used_.fetch_add(bytes) + bytes <= limits_.total_bytes) return true;
  used_.fetch_sub(bytes);
  return false;
}

bool StagingArea::TakeMemory(int64_t bytes) {
  if (memory_.fetch_add(bytes) + bytes <= kMemoryTotalBytes) return true;
  memory_.fetch_sub(bytes);
  return false;
}

ErrnoOr<std::unique_ptr<StagedFile>> StagingArea::NewFile() {
  std::unique_ptr<StagedFile> file(new StagedFile(this));
  file->memory_fd_.Reset(::memfd_create("staged", MFD_CLOEXEC));
  if (!file->memory_fd_) return Errno();
  file->current_fd_.store(file->memory_fd_.get());
  file->in_memory_ = true;
  return file;
}

StagedFile::~StagedFile() {
  area_->GiveBack(taken_);
  if (in_memory_) area_->GiveBackMemory(taken_);
}

// Takes the budget for a file of `size` bytes and moves it to disk when it no
// longer fits in memory. Holes are paid for as well: they may be filled later
// through a mapping, when no error can be told any more.
ErrnoStatus StagedFile::Reserve(int64_t size) {
  const int64_t held = size - start();
  if (held > area_->limits_.file_bytes) return Errno(EFBIG);
  if (held <= taken_) return {};
  const int64_t more = held - taken_;
  if (!area_->Take(more)) return Errno(ENOSPC);
  if (in_memory_ && (held > memory_bytes_ || !area_->TakeMemory(more))) {
    if (auto moved = MoveToDisk(); !moved) {
      area_->GiveBack(more);
      return moved;
    }
  }
  taken_ = held;
  return {};
}

void StagedFile::Discard(int64_t end) {
  const int64_t gone = std::min(end, size()) - start();
  if (gone <= 0) return;
  // What cannot be punched is paid for until the file goes.
  if (::fallocate(fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, start(),
                  gone) != 0) {
    return;
  }
  start_.store(start() + gone);
  const int64_t back = std::min(gone, taken_);
  taken_ -= back;
  area_->GiveBack(back);
  if (in_memory_) area_->GiveBackMemory(back);
}

ErrnoStatus StagedFile::Restore(int from) {
  const int64_t end = start();
  start_.store(0);
  if (auto reserved = Reserve(size()); !reserved) {
    start_.store(end);
    return reserved;
  }
  return CopyRange(from, fd(), 0, end);
}

ErrnoStatus StagedFile::MoveToDisk() {
  UniqueFd disk(::openat(area_->directory_.get(), ".",
                         O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600));
  if (!disk) return Errno();
  RETURN_IF_ERRNO(CopyContent(fd(), disk.get(), size()));
  area_->GiveBackMemory(taken_);
  in_memory_ = false;
  disk_fd_ = std::move(disk);
  current_fd_.store(disk_fd_.get());
  return {};
}

ErrnoStatus StagedFile::Write(ByteSpan bytes, int64_t offset) {
  const auto length = static_cast<int64_t>(bytes.size());
  if (offset < 0 || offset > INT64_MAX - length) return Errno(EFBIG);
  const int64_t end = offset + length;
  RETURN_IF_ERRNO(Reserve(std::max(end, size())));
  RETURN_IF_ERRNO(PwriteAll(fd(), bytes, offset));
  if (end > size()) size_.store(end);
  return {};
}

ErrnoStatus StagedFile::Truncate(int64_t size) {
  if (size < 0) return Errno(EINVAL);
  RETURN_IF_ERRNO(Reserve(size));
  if (::ftruncate(fd(), size) != 0) return Errno();
  size_.store(size);
  return {};
}

ErrnoOr<size_t> StagedFile::Read(std::span<std::byte> out,
                                 int64_t offset) const {
  return ReadAt(fd(), out, offset);
}

ErrnoOr<UniqueFd> StagedFile::OpenReadOnly() const {
  const std::string number = std::to_string(fd());
  UniqueFd fd(
      ::openat(area_->self_fds_.get(), number.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return Errno();
  return fd;
}

ErrnoOr<std::unique_ptr<StagedFile>> StagedFile::Clone() const {
  auto copy = area_->NewFile();
  if (!copy) return copy;
  RETURN_IF_ERRNO((*copy)->Reserve(size()));
  RETURN_IF_ERRNO(CopyContent(fd(), (*copy)->fd(), size()));
  (*copy)->size_.store(size());
  return copy;
}

}  // namespace sekisho::gate
