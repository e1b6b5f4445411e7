#include "agent/gate/dispatcher.h"

#include <fcntl.h>

#include <algorithm>
#include <cstring>

namespace sekisho::gate {
namespace {

// 7.31 (Linux 5.4) is the first with every structure as laid out here.
constexpr uint32_t kOldestMinor = 31;
constexpr uint32_t kMaxPages = kMaxWriteBytes / 4096;
constexpr uint32_t kMaxReadahead = uint32_t{1} << 20;

}  // namespace

struct Dispatcher::Request {
  fuse_in_header header{};
  ByteSpan body;

  uint64_t unique() const { return header.unique; }
  uint64_t node() const { return header.nodeid; }
  Requester requester() const {
    return {header.pid, header.uid,
            std::chrono::steady_clock::now() + kCoreWait};
  }
  // The first bytes of the body as T; the kernel writes all of it.
  template <typename T>
  T Head() const {
    T head{};
    std::memcpy(&head, body.data(), std::min(sizeof head, body.size()));
    return head;
  }
  // The NUL-terminated text at `offset`, and the offset behind it.
  std::string Text(size_t offset = 0, size_t* end = nullptr) const {
    const ByteSpan rest = body.subspan(std::min(offset, body.size()));
    const auto nul = std::find(rest.begin(), rest.end(), std::byte{0});
    const auto length = static_cast<size_t>(nul - rest.begin());
    if (end != nullptr) *end = offset + length + 1;
    return std::string(AsText(rest.first(length)));
  }
};

void Dispatcher::Answer(uint64_t unique, const ErrnoStatus& status) {
  if (status) return channel_->Reply(unique, {});
  channel_->ReplyError(unique, status.error());
}

template <typename T>
void Dispatcher::Answer(uint64_t unique, const ErrnoOr<T>& value) {
  if (value) return channel_->Reply(unique, BytesOf(*value));
  channel_->ReplyError(unique, value.error());
}

bool Dispatcher::RunHere(WorkerPool& pool, const WorkerPool::Job& job) {
  const bool may_wait = may_wait_.fetch_sub(1) > 0;
  if (may_wait) pool.RunHere(job);
  may_wait_.fetch_add(1);
  return may_wait;
}

void Dispatcher::Run(WorkerPool& pool, WorkerPool::Job job) {
  if (!RunHere(pool, job)) pool.Post(std::move(job));
}

void Dispatcher::Init(const Request& request) {
  const auto in = request.Head<fuse_init_in>();
  if (in.major != FUSE_KERNEL_VERSION || in.minor < kOldestMinor) {
    return channel_->ReplyError(request.unique(), EPROTO);
  }
  fuse_init_out out{};
  out.major = FUSE_KERNEL_VERSION;
  out.minor = std::min<uint32_t>(in.minor, FUSE_KERNEL_MINOR_VERSION);
  out.max_readahead = std::min(in.max_readahead, kMaxReadahead);
  // Never FUSE_WRITEBACK_CACHE: with it a refusal shows as an I/O error, and
  // FLUSH comes before the data. No FUSE_POSIX_LOCKS or FUSE_FLOCK_LOCKS: the
  // kernel's own locks do, since nobody else has this medium.
  out.flags = in.flags &
              (FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_ATOMIC_O_TRUNC |
               FUSE_PARALLEL_DIROPS | FUSE_DO_READDIRPLUS |
               FUSE_READDIRPLUS_AUTO | FUSE_MAX_PAGES | FUSE_HANDLE_KILLPRIV);
  out.max_background = 12;
  out.congestion_threshold = 9;
  out.max_write = kMaxWriteBytes;
  out.max_pages = kMaxPages;
  out.time_gran = 1;
  channel_->Reply(request.unique(), BytesOf(out));
}

void Dispatcher::SetAttr(const Request& request) {
  const auto in = request.Head<fuse_setattr_in>();
  const uint64_t unique = request.unique();
  const uint64_t node = request.node();
  if ((in.valid & FATTR_SIZE) == 0) {
    return Answer(unique, filesystem_->SetAttr(node, in));
  }
  const uint64_t fh = (in.valid & FATTR_FH) != 0 ? in.fh : 0;
  Run(*verdicts_,
      [this, unique, node, fh, in, requester = request.requester()] {
        filesystem_->Truncate(
            node, fh, static_cast<int64_t>(in.size), requester,
            [this, unique, node, in](int error_number) {
              if (error_number != 0) {
                return channel_->ReplyError(unique, error_number);
              }
              fuse_setattr_in rest = in;
              rest.valid &= ~uint32_t{FATTR_SIZE};
              if ((rest.valid & (FATTR_MODE | FATTR_UID | FATTR_GID |
                                 FATTR_ATIME | FATTR_MTIME)) == 0) {
                return Answer(unique, filesystem_->GetAttr(node));
              }
              Answer(unique, filesystem_->SetAttr(node, rest));
            });
      });
}

void Dispatcher::Open(const Request& request) {
  const auto in = request.Head<fuse_open_in>();
  const auto flags = static_cast<int>(in.flags);
  auto open = [this, unique = request.unique(), node = request.node(), flags,
               requester = request.requester()] {
    const auto fh = filesystem_->Open(node, flags, requester);
    if (!fh) return channel_->ReplyError(unique, fh.error());
    fuse_open_out out{};
    out.fh = *fh;
    channel_->Reply(unique, BytesOf(out));
  };
  if ((flags & O_ACCMODE) == O_RDONLY && (flags & O_TRUNC) == 0) return open();
  Run(*asking_, open);
}

void Dispatcher::Create(const Request& request) {
  const auto in = request.Head<fuse_create_in>();
  Run(*asking_,
      [this, unique = request.unique(), parent = request.node(), in,
       name = request.Text(sizeof in), requester = request.requester()] {
        const auto made = filesystem_->Create(
            parent, name, static_cast<int>(in.flags), in.mode, requester);
        if (!made) return channel_->ReplyError(unique, made.error());
        fuse_open_out out{};
        out.fh = made->fh;
        channel_->Reply(unique, BytesOf(made->entry), BytesOf(out));
      });
}

void Dispatcher::MakeDirectory(const Request& request) {
  const auto in = request.Head<fuse_mkdir_in>();
  Run(*asking_,
      [this, unique = request.unique(), parent = request.node(), in,
       name = request.Text(sizeof in), requester = request.requester()] {
        Answer(unique,
               filesystem_->MakeDirectory(parent, name, in.mode, requester));
      });
}

void Dispatcher::Symlink(const Request& request) {
  size_t end = 0;
  const std::string name = request.Text(0, &end);
  Run(*verdicts_,
      [this, unique = request.unique(), parent = request.node(), name,
       target = request.Text(end), requester = request.requester()] {
        Answer(unique, filesystem_->Symlink(parent, name, target, requester));
      });
}

void Dispatcher::Rename(const Request& request, size_t head_bytes) {
  // RENAME's head is the first member of RENAME2's.
  fuse_rename2_in in{};
  std::memcpy(&in, request.body.data(),
              std::min(head_bytes, request.body.size()));
  size_t end = 0;
  const std::string name = request.Text(head_bytes, &end);
  Run(*verdicts_,
      [this, unique = request.unique(), parent = request.node(), in, name,
       new_name = request.Text(end), requester = request.requester()] {
        filesystem_->Rename(parent, name, in.newdir, new_name, in.flags,
                            requester, [this, unique](int error_number) {
                              channel_->ReplyError(unique, error_number);
                            });
      });
}

void Dispatcher::Read(const Request& request, std::span<std::byte> buffer) {
  const auto in = request.Head<fuse_read_in>();
  const uint64_t unique = request.unique();
  const auto room = buffer.first(std::min<size_t>(in.size, buffer.size()));
  const auto n =
      filesystem_->Read(in.fh, static_cast<int64_t>(in.offset), room);
  if (!n) return channel_->ReplyError(unique, n.error());
  channel_->Reply(unique, room.first(*n));
}

void Dispatcher::Write(const Request& request) {
  const auto in = request.Head<fuse_write_in>();
  const uint64_t unique = request.unique();
  const ByteSpan rest =
      request.body.subspan(std::min(sizeof in, request.body.size()));
  const ByteSpan data = rest.first(std::min<size_t>(in.size, rest.size()));
  const auto write = [this, unique, in](ByteSpan bytes) {
    const auto n =
        filesystem_->Write(in.fh, static_cast<int64_t>(in.offset), bytes);
    if (!n) return channel_->ReplyError(unique, n.error());
    fuse_write_out out{};
    out.size = static_cast<uint32_t>(*n);
    channel_->Reply(unique, BytesOf(out));
  };
  if (!filesystem_->WriteMayWait(in.fh)) return write(data);
  // Copied only for another thread.
  if (RunHere(*verdicts_, [&] { write(data); })) return;
  verdicts_->Post(
      [write, copy = Bytes(data.begin(), data.end())] { write(copy); });
}

void Dispatcher::Flush(const Request& request) {
  const uint64_t unique = request.unique();
  const uint64_t fh = request.Head<fuse_flush_in>().fh;
  // Whoever only read must not queue behind verdicts to close.
  if (filesystem_->FlushIsIdle(fh)) return channel_->Reply(unique, {});
  Run(*verdicts_, [this, unique, fh] {
    filesystem_->Flush(fh, [this, unique](int error_number) {
      channel_->ReplyError(unique, error_number);
    });
  });
}

void Dispatcher::Fsync(const Request& request) {
  const auto in = request.Head<fuse_fsync_in>();
  Run(*verdicts_, [this, unique = request.unique(), in] {
    filesystem_->Fsync(in.fh, [this, unique](int error_number) {
      channel_->ReplyError(unique, error_number);
    });
  });
}

void Dispatcher::ReadDirectory(const Request& request,
                               Filesystem::Entries entries) {
  const auto in = request.Head<fuse_read_in>();
  const auto listed =
      filesystem_->ReadDirectory(request.node(), in.fh, in.offset,
                                 std::min<size_t>(in.size, 1U << 17), entries);
  if (!listed) return channel_->ReplyError(request.unique(), listed.error());
  channel_->Reply(request.unique(), *listed);
}

void Dispatcher::BatchForget(const Request& request) {
  const auto in = request.Head<fuse_batch_forget_in>();
  size_t at = sizeof in;
  for (uint32_t i = 0; i < in.count; ++i) {
    fuse_forget_one one{};
    if (at + sizeof one > request.body.size()) return;
    std::memcpy(&one, request.body.data() + at, sizeof one);
    at += sizeof one;
    filesystem_->Forget(one.nodeid, one.nlookup);
  }
}

void Dispatcher::Xattr(const Request& request,
                       const ErrnoOr<std::string>& value) {
  const auto in = request.Head<fuse_getxattr_in>();
  if (!value) return channel_->ReplyError(request.unique(), value.error());
  if (in.size == 0) {
    fuse_getxattr_out out{};
    out.size = static_cast<uint32_t>(value->size());
    return channel_->Reply(request.unique(), BytesOf(out));
  }
  if (value->size() > in.size) {
    return channel_->ReplyError(request.unique(), ERANGE);
  }
  channel_->Reply(request.unique(), AsBytes(*value));
}

void Dispatcher::Handle(std::span<std::byte> buffer, size_t request_bytes) {
  Request request;
  if (request_bytes < sizeof request.header) return;
  std::memcpy(&request.header, buffer.data(), sizeof request.header);
  request.body = buffer.first(request_bytes).subspan(sizeof request.header);
  const uint64_t unique = request.unique();
  const uint64_t node = request.node();
  switch (request.header.opcode) {
    case FUSE_INIT:
      return Init(request);
    case FUSE_LOOKUP:
      return Answer(unique, filesystem_->Lookup(node, request.Text()));
    case FUSE_FORGET:
      return filesystem_->Forget(node, request.Head<fuse_forget_in>().nlookup);
    case FUSE_BATCH_FORGET:
      return BatchForget(request);
    case FUSE_GETATTR:
      return Answer(unique, filesystem_->GetAttr(node));
    case FUSE_SETATTR:
      return SetAttr(request);
    case FUSE_READLINK: {
      const auto target = filesystem_->ReadLink(node);
      if (!target) return channel_->ReplyError(unique, target.error());
      return channel_->Reply(unique, AsBytes(*target));
    }
    case FUSE_SYMLINK:
      return Symlink(request);
    case FUSE_MKDIR:
      return MakeDirectory(request);
    case FUSE_UNLINK:
      return Answer(unique, filesystem_->Unlink(node, request.Text()));
    case FUSE_RMDIR:
      return Answer(unique, filesystem_->RemoveDirectory(node, request.Text()));
    case FUSE_RENAME:
      return Rename(request, sizeof(fuse_rename_in));
    case FUSE_RENAME2:
      return Rename(request, sizeof(fuse_rename2_in));
    case FUSE_OPEN:
      return Open(request);
    case FUSE_CREATE:
      return Create(request);
    case FUSE_READ:
      return Read(request, buffer);
    case FUSE_WRITE:
      return Write(request);
    case FUSE_STATFS:
      return Answer(unique, filesystem_->Space());
    case FUSE_FLUSH:
      return Flush(request);
    case FUSE_FSYNC:
      return Fsync(request);
    case FUSE_RELEASE:
      filesystem_->Release(request.Head<fuse_release_in>().fh);
      return channel_->Reply(unique, {});
    case FUSE_OPENDIR: {
      const auto fh = filesystem_->OpenDirectory(node);
      if (!fh) return channel_->ReplyError(unique, fh.error());
      fuse_open_out out{};
      out.fh = *fh;
      return channel_->Reply(unique, BytesOf(out));
    }
    case FUSE_READDIR:
      return ReadDirectory(request, Filesystem::Entries::kPlain);
    case FUSE_READDIRPLUS:
      return ReadDirectory(request, Filesystem::Entries::kPlus);
    case FUSE_RELEASEDIR:
      filesystem_->ReleaseDirectory(request.Head<fuse_release_in>().fh);
      return channel_->Reply(unique, {});
    case FUSE_FSYNCDIR:
      Run(*verdicts_, [this, unique, node] {
        Answer(unique, filesystem_->SyncDirectory(node));
      });
      return;
    case FUSE_GETXATTR:
      return Xattr(request, filesystem_->GetXattr(
                                node, request.Text(sizeof(fuse_getxattr_in))));
    case FUSE_LISTXATTR:
      return Xattr(request, filesystem_->ListXattr(node));
    case FUSE_SETXATTR:
      return channel_->ReplyError(
          unique, filesystem_->XattrRefusal(
                      request.Text(FUSE_COMPAT_SETXATTR_IN_SIZE)));
    case FUSE_REMOVEXATTR:
      return channel_->ReplyError(unique,
                                  filesystem_->XattrRefusal(request.Text()));
    case FUSE_MKNOD:
    case FUSE_LINK:
      return channel_->ReplyError(unique, EPERM);
    case FUSE_INTERRUPT:
      return;  // bounded waits anyway; the answer comes in its time
    case FUSE_DESTROY:
      return channel_->Reply(unique, {});
    default:
      // copy_file_range, fallocate, lseek, ioctl, poll, bmap, ...: the kernel
      // falls back or says that it is not supported, and does not ask again.
      return channel_->ReplyError(unique, ENOSYS);
  }
}

}  // namespace sekisho::gate
