// Release while written: a large new file that is written in order is judged as
// it comes, and what was judged for good and may pass goes to the medium at
// once, under a temporary name, so that its size is not bound by staging. What
// may not pass waits in staging for the verdict over the whole.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "agent/gate/filesystem.h"
#include "agent/gate/temporary_name.h"

namespace sekisho::gate {
namespace {

// What is smaller waits in memory for its verdict.
constexpr int64_t kStreamFromBytes = kMemoryFileBytes;
// The worker gets pieces of this size: the system call is then no cost.
constexpr int64_t kFeedBytes = int64_t{512} << 10;
// What waits: two pieces under way and the block that is not judged yet.
constexpr int64_t kStreamMemoryBytes = int64_t{4} << 20;
// As much as a stick writes in a good piece, and soon enough to keep it busy.
constexpr int64_t kWriteBackBytes = int64_t{4} << 20;
constexpr size_t kZeroBytes = size_t{1} << 20;

bool SameTypes(const ipc::Findings& a, const ipc::Findings& b) {
  return std::ranges::equal(a.data, b.data, {}, &ipc::DataCount::type,
                            &ipc::DataCount::type);
}

// Could policy say something else of `now` than it said of `then`?
bool SaysMore(const ipc::Findings& now, const ipc::Findings& then) {
  return now.persons != then.persons || !SameTypes(now, then) ||
         now.format != then.format || now.inspection != then.inspection ||
         now.reason != then.reason;
}

int OverwriteWithZeros(int fd) {
  struct stat about{};
  if (::fstat(fd, &about) != 0) return errno;
  const Bytes zeros(kZeroBytes);
  for (int64_t at = 0; at < about.st_size;) {
    const auto length =
        static_cast<size_t>(std::min<int64_t>(kZeroBytes, about.st_size - at));
    const ssize_t n = ::pwrite(fd, zeros.data(), length, at);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n < 0 ? errno : EIO;
    at += n;
  }
  return ::fsync(fd) == 0 ? 0 : errno;
}

}  // namespace

bool Filesystem::BeginStream(const NodePtr& node, StagedFile& staged,
                             const Who& who, int64_t end) {
  std::string path;
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    // Once, when it outgrows what waits in memory.
    if (node->on_medium || node->stream || !node->in_order || !node->linked ||
        staged.size() > kStreamFromBytes || end <= kStreamFromBytes) {
      return false;
    }
    path = tree_.PathOf(*node);
    name = node->name;
  }
  auto readable = staged.OpenReadOnly();
  if (!readable) return false;
  auto scan = parts_.scanner->Begin(readable->get(), staged.size(), name);
  if (!scan) return false;
  auto stream = std::make_shared<Stream>();
  stream->scan = std::move(scan);
  stream->path = std::move(path);
  stream->fed_fd = staged.fd();
  stream->fed_bytes = staged.size();
  staged.HoldInMemory(kStreamMemoryBytes);
  const std::lock_guard lock(mutex_);
  node->stream = std::move(stream);
  node->released = {.stream_id = ++next_stream_, .persons = 0};
  node->released_by = who;
  return true;
}

ErrnoStatus Filesystem::Advance(const NodePtr& node, StagedFile& staged) {
  StreamPtr stream;
  {
    const std::lock_guard lock(mutex_);
    stream = node->stream;
  }
  if (!stream || staged.size() - stream->fed_bytes < kFeedBytes) return {};
  UniqueFd moved;
  if (staged.fd() != stream->fed_fd) {
    auto readable = staged.OpenReadOnly();
    if (!readable) return Errno(readable.error());
    moved = *std::move(readable);
    stream->fed_fd = staged.fd();
  }
  const auto progress =
      stream->scan->Feed(moved ? moved.get() : -1, staged.size(),
                         stream->stopped ? ContentStream::Want::kQuiet
                                         : ContentStream::Want::kFindings);
  stream->fed_bytes = staged.size();
  const bool goes_on =
      progress && progress->incremental == ipc::Incremental::kYes;
  if (!goes_on && !stream->file) {
    // Nothing was released: staged whole, and asked about whole, as ever.
    const std::lock_guard lock(mutex_);
    node->stream.reset();
    node->in_order = false;
    return {};
  }
  if (!goes_on || stream->stopped ||
      progress->judged_bytes <= stream->released_bytes.load() ||
      !MayRelease(*node, *stream, *progress)) {
    return {};
  }
  RETURN_IF_ERRNO(ReleaseTo(*node, *stream, staged, progress->judged_bytes));
  WriteBackSoon(stream);
  return {};
}

// Asked again whenever policy could say something else, and at each doubling
// for what it says of sizes.
bool Filesystem::MayRelease(Node& node, Stream& stream,
                            const ipc::ScanProgress& progress) {
  if (access_.load() == Access::kReadOnly) return false;
  const bool asked = stream.allowed_bytes > 0 &&
                     progress.judged_bytes < stream.allowed_bytes * 2 &&
                     progress.judged.persons == stream.allowed_persons &&
                     !SaysMore(progress.findings, stream.allowed);
  if (asked) return true;
  ipc::ReleaseQuestion ask;
  Who who;
  {
    const std::lock_guard lock(mutex_);
    ask.stream_id = node.released.stream_id;
    who = node.released_by;
  }
  ask.path = stream.path;
  ask.release_bytes = progress.judged_bytes;
  ask.released = progress.judged;
  ask.findings = progress.findings;
  const Judgement judgement = parts_.core->AskRelease(
      who, std::move(ask), std::chrono::steady_clock::now() + kCoreWait);
  if (!judgement.answered) return access_.load() == Access::kAudit;
  if (!judgement.allowed) {
    stream.stopped = true;
    return false;
  }
  stream.allowed = progress.findings;
  stream.allowed_bytes = progress.judged_bytes;
  stream.allowed_persons = progress.judged.persons;
  // Counted from the answer on, written or not.
  const std::lock_guard lock(mutex_);
  node.released.persons = progress.judged.persons;
  return true;
}

ErrnoStatus Filesystem::OpenReleased(Node& node, Stream& stream) {
  const std::lock_guard lock(mutex_);
  if (!node.linked) return Errno(ENOENT);
  auto dir = DirLocked(*node.parent);
  if (!dir) return Errno(dir.error());
  const std::string name = TemporaryName();
  CountEntryLocked(*node.parent);
  auto made =
      Medium::OpenIn((*dir)->get(), name, O_RDWR | O_CREAT | O_EXCL, 0600);
  if (!made) return Errno(made.error());
  temporary_names_.insert(name);
  stream.file = std::make_shared<UniqueFd>(*std::move(made));
  stream.dir = *dir;
  stream.temporary_name = name;
  return {};
}

ErrnoStatus Filesystem::ReleaseTo(Node& node, Stream& stream,
                                  StagedFile& staged, int64_t end) {
  if (!stream.file) {
    auto opened = OpenReleased(node, stream);
    if (!opened) {
      // Removed meanwhile: these bytes never go anywhere.
      if (opened.error() == ENOENT) return {};
      return opened;
    }
  }
  counts_.Wrote(end - stream.released_bytes.load());
  RETURN_IF_ERRNO(CopyRange(staged.fd(), stream.file->get(),
                            stream.released_bytes.load(), end));
  stream.released_bytes.store(end);
  staged.Discard(end);
  return {};
}

// Left to itself the kernel keeps what was released for seconds, and whoever
// syncs, or unplugs, then waits for all of it. A slow device makes the request
// wait: it has a thread of its own.
void Filesystem::WriteBackSoon(const StreamPtr& stream) {
  const int64_t end = stream->released_bytes.load();
  if (end - stream->written_back_bytes.load() < kWriteBackBytes) return;
  SharedFd file;
  {
    const std::lock_guard lock(mutex_);
    file = stream->file;
  }
  if (!file || stream->writing_back.exchange(true)) return;
  write_back_.Post([stream, file = std::move(file), end] {
    const int64_t start = stream->written_back_bytes.exchange(end);
    // A hint: who syncs gets the errors.
    [[maybe_unused]] const int rc = ::sync_file_range(
        file->get(), start, end - start, SYNC_FILE_RANGE_WRITE);
    stream->writing_back.store(false);
  });
}

ErrnoOr<size_t> Filesystem::ReadUndecided(const StagedFile& staged,
                                          const StreamPtr& stream,
                                          SharedFd released, int64_t offset,
                                          std::span<std::byte> out) {
  if (!stream) return staged.Read(out, offset);
  while (true) {
    const int64_t boundary = stream->released_bytes.load();
    if (boundary > 0 && !released) {
      const std::lock_guard lock(mutex_);
      released = stream->file;
      if (!released) return Errno(EIO);  // refused meanwhile
    }
    size_t done = 0;
    if (offset < boundary) {
      done = std::min(out.size(), static_cast<size_t>(boundary - offset));
      auto before = ReadAt(released->get(), out.first(done), offset);
      if (!before) return before;
      if (*before < done) return Errno(EIO);
    }
    auto rest =
        staged.Read(out.subspan(done), offset + static_cast<int64_t>(done));
    if (!rest) return rest;
    // What was released meanwhile is no longer where it was looked for.
    if (stream->released_bytes.load() == boundary) return done + *rest;
  }
}

ErrnoStatus Filesystem::Restage(const NodePtr& node) {
  StreamPtr stream;
  std::shared_ptr<StagedFile> staged;
  {
    const std::lock_guard lock(mutex_);
    node->in_order = false;
    stream = node->stream;
    staged = node->staged;
  }
  if (!stream) return {};
  if (staged->start() > 0) {
    RETURN_IF_ERRNO(staged->Restore(stream->file->get()));
  }
  const std::lock_guard lock(mutex_);
  node->stream.reset();
  RemoveSoon(std::move(stream), Overwrite::kYes);
  return {};
}

void Filesystem::RemoveSoon(StreamPtr stream, Overwrite overwrite) {
  parts_.pool->Post([this, stream = std::move(stream), overwrite] {
    Remove(*stream, overwrite);
  });
}

void Filesystem::Remove(Stream& stream, Overwrite overwrite) {
  SharedFd file;
  SharedFd dir;
  {
    const std::lock_guard lock(mutex_);
    file = std::exchange(stream.file, nullptr);
    dir = stream.dir;
  }
  if (!file) return;
  counts_.Changed();
  counts_.Freed(stream.released_bytes.load());
  if (overwrite == Overwrite::kYes) {
    // Up to the end of the file, which a failed commit has written more of.
    struct stat about{};
    if (::fstat(file->get(), &about) == 0) counts_.Wrote(about.st_size);
    // Best effort on a medium that may be gone: there is nobody to tell.
    [[maybe_unused]] const int failed = OverwriteWithZeros(file->get());
    if (::ftruncate(file->get(), 0) == 0) ::fsync(file->get());
  }
  ::unlinkat(dir->get(), stream.temporary_name.c_str(), 0);
  const std::lock_guard lock(mutex_);
  temporary_names_.erase(stream.temporary_name);
}

void Filesystem::TellEndedLocked(Node& node) {
  const Released released = std::exchange(node.released, {});
  if (released.persons == 0) return;
  ipc::StreamEnded ended;
  ended.stream_id = released.stream_id;
  ended.path = node.stream ? node.stream->path : tree_.PathOf(node);
  ended.persons_released = released.persons;
  parts_.core->TellEnded(node.released_by, std::move(ended));
}

// The rest goes behind what was released, and all of it gets its name.
int Filesystem::CommitStream(const NodePtr& node, const Taken& taken, Sync sync,
                             SharedFd* committed) {
  Stream& stream = *taken.stream;
  const int fd = stream.file->get();
  counts_.Wrote(taken.content->size() - stream.released_bytes.load());
  if (auto copied =
          CopyRange(taken.content->fd(), fd, stream.released_bytes.load(),
                    taken.content->size());
      !copied) {
    return copied.error();
  }
  if (const int failed = SealFile(*node, fd, sync); failed != 0) return failed;
  const std::lock_guard lock(mutex_);
  if (!node->linked) {
    RemoveSoon(taken.stream, Overwrite::kNo);
    return 0;
  }
  auto dir = DirLocked(*node->parent);
  if (!dir) return dir.error();
  CountEntryLocked(*node->parent);
  if (taken.overwrite) CountRemovalLocked((*dir)->get(), node->name);
  // An existing file of that name is replaced only where it was to be.
  if (::renameat2(stream.dir->get(), stream.temporary_name.c_str(),
                  (*dir)->get(), node->name.c_str(),
                  taken.overwrite ? 0 : RENAME_NOREPLACE) != 0) {
    return errno;
  }
  temporary_names_.erase(stream.temporary_name);
  node->on_medium = true;
  *committed = stream.file;
  return 0;
}

}  // namespace sekisho::gate
