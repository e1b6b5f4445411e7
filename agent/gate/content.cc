// Open, read, write: content goes to and comes from staging while it is
// undecided, and from the medium otherwise.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "agent/gate/filesystem.h"
#include "agent/gate/scan_client.h"

namespace sekisho::gate {
namespace {

// A program that writes more than fits should hear it before it closes.
constexpr int64_t kSpaceCheckBytes = int64_t{1} << 20;

bool Writes(int flags) { return (flags & O_ACCMODE) != O_RDONLY; }

}  // namespace

uint64_t Filesystem::AddHandleLocked(HandlePtr handle) {
  Node& node = *handle->node;
  ++node.open_handles;
  if (handle->write) ++node.write_handles;
  handle->refusals_seen = node.refusals;
  const uint64_t fh = ++next_fh_;
  handles_[fh] = std::move(handle);
  return fh;
}

ErrnoOr<SharedFd> Filesystem::RealLocked(Node& node) {
  if (node.real) return node.real;
  if (!node.linked || !node.parent) return Errno(ESTALE);
  auto dir = DirLocked(*node.parent);
  if (!dir) return Errno(dir.error());
  counts_.Changed();  // its access time
  auto fd = Medium::OpenIn((*dir)->get(), node.name, O_RDONLY);
  if (!fd) return Errno(fd.error());
  auto real = std::make_shared<UniqueFd>(*std::move(fd));
  if (node.open_handles > 0) node.real = real;
  return real;
}

void Filesystem::TouchLocked(Node& node) {
  ::clock_gettime(CLOCK_REALTIME, &node.mtime);
}

ErrnoStatus Filesystem::HandleFitLocked(const Handle& handle) const {
  if (stopped_.load()) return Errno(ENODEV);
  if (handle.refusals_seen != handle.node->refusals) {
    return Errno(handle.node->refused_errno);
  }
  return {};
}

ErrnoOr<uint64_t> Filesystem::Open(uint64_t id, int flags,
                                   const Requester& requester) {
  auto handle = std::make_shared<Handle>();
  handle->write = Writes(flags) || (flags & O_TRUNC) != 0;
  if (handle->write) {
    {
      const std::lock_guard lock(mutex_);
      RETURN_IF_ERRNO(MayChangeLocked());
    }
    const auto who = parts_.core->AskWho(requester);
    if (!who && access_.load() != Access::kAudit) return Errno(EACCES);
    handle->who = who.value_or(Who{});
  }
  NodePtr node;
  uint64_t fh = 0;
  {
    const std::lock_guard lock(mutex_);
    node = NodeLocked(id);
    if (!node) return Errno(stopped_.load() ? ENODEV : ESTALE);
    if (handle->write) RETURN_IF_ERRNO(MayChangeLocked());
    if (!node->staged && !node->real) {
      // Says now what a plain open would say.
      ++node->open_handles;
      auto real = RealLocked(*node);
      --node->open_handles;
      if (!real) return Errno(real.error());
    }
    handle->node = node;
    fh = AddHandleLocked(handle);
  }
  if ((flags & O_TRUNC) != 0) {
    const std::lock_guard writing(node->writing);
    auto emptied = Writable(node, Keep::kNothing);
    if (!emptied) {
      Release(fh);
      return Errno(emptied.error());
    }
    const std::lock_guard lock(mutex_);
    node->dirty = true;
    TouchLocked(*node);
  }
  return fh;
}

ErrnoOr<Filesystem::Created> Filesystem::Create(uint64_t parent_id,
                                                const std::string& name,
                                                int flags, mode_t mode,
                                                const Requester& requester) {
  uint64_t existing = 0;
  {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERRNO(MayChangeLocked());
    const NodePtr parent = NodeLocked(parent_id);
    if (!parent) return Errno(ESTALE);
    auto found = ChildLocked(parent, name);
    if (!found && found.error() != ENOENT) return Errno(found.error());
    if (found) {
      if ((flags & O_EXCL) != 0) return Errno(EEXIST);
      existing = (*found)->id;
    } else {
      RETURN_IF_ERRNO(parts_.medium->CheckName(name));
    }
  }
  if (existing != 0) {
    auto fh = Open(existing, flags, requester);
    if (!fh) return Errno(fh.error());
    const std::lock_guard lock(mutex_);
    const NodePtr node = NodeLocked(existing);
    if (!node) return Errno(ESTALE);
    auto entry = EntryLocked(*node);
    if (!entry) return Errno(entry.error());
    return Created{*entry, *fh};
  }
  const auto who = parts_.core->AskWho(requester);
  if (!who && access_.load() != Access::kAudit) return Errno(EACCES);
  auto staged = parts_.staging->NewFile();
  if (!staged) return Errno(staged.error());

  const std::lock_guard lock(mutex_);
  RETURN_IF_ERRNO(MayChangeLocked());
  const NodePtr parent = NodeLocked(parent_id);
  if (!parent || !parent->linked) return Errno(ESTALE);
  if (ChildLocked(parent, name)) return Errno(EEXIST);  // it was made meanwhile
  const NodePtr node = tree_.Add(parent, name);
  node->on_medium = false;
  node->staged = *std::move(staged);
  node->dirty = true;
  node->mode = S_IFREG | (mode & 07777);
  TouchLocked(*node);
  node->atime = node->mtime;
  auto handle = std::make_shared<Handle>();
  handle->node = node;
  handle->who = who.value_or(Who{});
  // A handle that only reads still has to bring the empty file to the medium.
  handle->write = true;
  const uint64_t fh = AddHandleLocked(std::move(handle));
  auto entry = EntryLocked(*node);
  if (!entry) return Errno(entry.error());
  return Created{*entry, fh};
}

ErrnoOr<size_t> Filesystem::Read(uint64_t fh, int64_t offset,
                                 std::span<std::byte> out) {
  std::shared_ptr<StagedFile> staged;
  StreamPtr stream;
  SharedFd real;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_.load()) return Errno(ENODEV);
    const auto found = handles_.find(fh);
    if (found == handles_.end()) return Errno(EBADF);
    Node& node = *found->second->node;
    staged = node.staged;
    stream = node.stream;
    if (stream) real = stream->file;
    if (!staged) {
      auto opened = RealLocked(node);
      if (!opened) return Errno(opened.error());
      real = *opened;
    }
  }
  if (staged) return ReadUndecided(*staged, stream, real, offset, out);
  return ReadAt(real->get(), out, offset);
}

ErrnoStatus Filesystem::Fetch(int from, StagedFile& to) {
  Bytes piece(size_t{256} << 10);
  int64_t offset = 0;
  while (true) {
    const ssize_t n = ::pread(from, piece.data(), piece.size(), offset);
    if (n < 0) {
      if (errno == EINTR) continue;
      return Errno();
    }
    if (n == 0) return {};
    RETURN_IF_ERRNO(
        to.Write(std::span(piece).first(static_cast<size_t>(n)), offset));
    offset += n;
  }
}

ErrnoOr<std::shared_ptr<StagedFile>> Filesystem::Writable(const NodePtr& node,
                                                          Keep keep) {
  std::shared_ptr<StagedFile> old;
  StreamPtr stream;
  SharedFd real;
  {
    const std::lock_guard lock(mutex_);
    old = node->staged;
    if (old && !node->frozen && keep == Keep::kContent) return old;
    stream = node->stream;
    if (!old && node->on_medium) {
      auto opened = RealLocked(*node);
      if (!opened) return Errno(opened.error());
      real = *opened;
    }
  }
  std::shared_ptr<StagedFile> made;
  if (keep == Keep::kContent && old) {
    auto copy = old->Clone();  // the verdict goes on with what it was given
    if (!copy) return Errno(copy.error());
    made = *std::move(copy);
    if (old->start() > 0) {
      RETURN_IF_ERRNO(
          CopyRange(stream->file->get(), made->fd(), 0, old->start()));
    }
  } else {
    auto fresh = parts_.staging->NewFile();
    if (!fresh) return Errno(fresh.error());
    made = *std::move(fresh);
    if (keep == Keep::kContent && real) {
      RETURN_IF_ERRNO(Fetch(real->get(), *made));
    }
  }
  const std::lock_guard lock(mutex_);
  if (!node->staged && real) {
    struct stat about{};
    if (::fstat(real->get(), &about) != 0) return Errno();
    node->mode = about.st_mode;
    node->atime = about.st_atim;
    node->mtime = about.st_mtim;
  }
  if (node->stream && !node->frozen) {
    RemoveSoon(std::move(node->stream), Overwrite::kYes);
  }
  node->stream.reset();  // frozen: the verdict's from here on
  node->in_order = keep == Keep::kNothing;
  node->staged = made;
  node->frozen = false;
  return made;
}

bool Filesystem::WriteMayWait(uint64_t fh) {
  const std::lock_guard lock(mutex_);
  const auto found = handles_.find(fh);
  if (found == handles_.end()) return false;
  const Node& node = *found->second->node;
  return !node.staged || node.stream != nullptr;
}

ErrnoOr<size_t> Filesystem::Write(uint64_t fh, int64_t offset, ByteSpan bytes) {
  const HandlePtr handle = HandleOf(fh);
  if (!handle || !handle->write) return Errno(EBADF);
  if (offset < 0 || offset > INT64_MAX - static_cast<int64_t>(bytes.size())) {
    return Errno(EFBIG);
  }
  const NodePtr node = handle->node;
  const std::lock_guard writing(node->writing);
  {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERRNO(MayChangeLocked());
    RETURN_IF_ERRNO(HandleFitLocked(*handle));
  }
  auto staged = Writable(node, Keep::kContent);
  const int64_t end = offset + static_cast<int64_t>(bytes.size());
  if (!staged) {
    if (staged.error() == EFBIG || staged.error() == ENOSPC) {
      LimitHit(node, handle, end, staged.error());
    }
    return Errno(staged.error());
  }
  const int64_t before = (*staged)->size();
  if (end > before && before / kSpaceCheckBytes != end / kSpaceCheckBytes) {
    const auto space = parts_.medium->Space();
    if (space && static_cast<uint64_t>(end - (*staged)->start()) >
                     space->f_bavail * static_cast<uint64_t>(space->f_bsize)) {
      return Errno(ENOSPC);
    }
  }
  ErrnoStatus written;
  bool begun = false;
  if (offset == before) {
    begun = BeginStream(node, **staged, handle->who, end);
  } else {
    written = Restage(node);
  }
  if (written) written = (*staged)->Write(bytes, offset);
  if (!written) {
    if (written.error() == EFBIG || written.error() == ENOSPC) {
      LimitHit(node, handle, end, written.error());
    }
    return Errno(written.error());
  }
  {
    const std::lock_guard lock(mutex_);
    node->dirty = true;
    TouchLocked(*node);
  }
  // Not with the first write, which may be on a reading thread.
  if (begun) return bytes.size();
  if (auto released = Advance(node, **staged); !released) {
    const std::lock_guard lock(mutex_);
    RefuseLocked(*node, released.error());
    return Errno(released.error());
  }
  return bytes.size();
}

// More than can be held back for inspection. The part that is here is dropped
// and sekishod is told, so that the attempt is on record.
void Filesystem::LimitHit(const NodePtr& node, const HandlePtr& handle,
                          int64_t size, int error_number) {
  std::string path;
  bool overwrite = false;
  Released released;
  {
    const std::lock_guard lock(mutex_);
    path = tree_.PathOf(*node);
    overwrite = node->on_medium;
    released = std::exchange(node->released, {});
    RefuseLocked(*node, error_number);
  }
  parts_.pool->Post([this, node, handle, size, path, overwrite, released] {
    [[maybe_unused]] const Judgement told = parts_.core->Judge(
        handle->who, path, overwrite ? "overwrite" : "create",
        Uninspected(size, "limit:staging"), released,
        std::chrono::steady_clock::now() + kCoreWait);
    ForgetInKernel(node);
  });
}

void Filesystem::Release(uint64_t fh) {
  NodePtr node;
  Ask ask;
  bool judge = false;
  {
    const std::lock_guard lock(mutex_);
    const auto found = handles_.find(fh);
    if (found == handles_.end()) return;
    const HandlePtr handle = found->second;
    handles_.erase(found);
    node = handle->node;
    --node->open_handles;
    if (handle->write) --node->write_handles;
    if (!node->linked && node->open_handles == 0 && !node->judging) {
      DropContentLocked(*node);
    }
    if (node->open_handles == 0) node->real.reset();
    judge = handle->write && node->write_handles == 0 && node->dirty;
    ask.who = handle->who;
    ask.even_empty = true;
    if (!judge) tree_.DropIfUnused(node.get());
  }
  if (!judge) return;
  parts_.pool->Post([this, node, ask] { Judge(node, ask, [](int) {}); });
}

}  // namespace sekisho::gate
