#include "agent/write_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <unistd.h>

#include <array>

#include "common/file.h"
#include "common/log.h"

namespace sekisho::agent {
namespace {

// One read takes few events: each holds an open file.
constexpr size_t kReadEvents = 32;
constexpr size_t kReadBytes = kReadEvents * sizeof(fanotify_event_metadata);
constexpr std::chrono::milliseconds kRest{100};
constexpr int kRestsPerSecond = 10;

}  // namespace

Result<std::unique_ptr<WriteWatch>> WriteWatch::Start(EventLoop& loop,
                                                      Events events,
                                                      const Limits& limits) {
  std::unique_ptr<WriteWatch> watch(
      new WriteWatch(loop, std::move(events), limits));
  // O_NONBLOCK: a file that somebody holds a lease on is passed over, not
  // waited for.
  watch->fanotify_.Reset(::fanotify_init(
      FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK,
      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME | O_NONBLOCK));
  if (!watch->fanotify_) return FailErrno("fanotify");
  ASSIGN_OR_RETURN(watch->mounts_,
                   OpenAt(AT_FDCWD, "/proc/1/mountinfo", O_RDONLY));
  WriteWatch* raw = watch.get();
  RETURN_IF_ERROR(loop.Add(watch->fanotify_.get(), EPOLLIN,
                           [raw](uint32_t) { raw->Read(); }));
  RETURN_IF_ERROR(loop.Add(watch->mounts_.get(), EPOLLPRI,
                           [raw](uint32_t) { raw->Refresh(); }));
  raw->Refresh();
  return watch;
}

WriteWatch::WriteWatch(EventLoop& loop, Events events, const Limits& limits)
    : loop_(loop), events_(std::move(events)), limits_(limits) {}

WriteWatch::~WriteWatch() {
  if (resting_ != 0) loop_.Cancel(resting_);
  if (fanotify_) loop_.Remove(fanotify_.get());
  if (mounts_) loop_.Remove(mounts_.get());
}

void WriteWatch::Refresh() {
  const auto mounts = enforce::InitMounts();
  if (!mounts) {
    Log(LogLevel::kError, mounts.error().message);
    return;
  }
  std::set<int> present;
  for (const enforce::MountEntry& mount : *mounts) {
    present.insert(mount.id);
    if (mount.type == "fuse" || marked_.contains(mount.id) ||
        !events_.wanted(mount)) {
      continue;
    }
    const Status marked = Mark(mount);
    if (!marked && marked.error().code == Code::kNotFound) continue;
    if (!marked) events_.lost(marked.error().message);
    marked_.insert(mount.id);
  }
  std::erase_if(marked_, [&](int id) { return !present.contains(id); });
}

// kNotFound: another mount stands over it.
Status WriteWatch::Mark(const enforce::MountEntry& mount) {
  // By path in this namespace; a mark holds for the whole file system.
  const UniqueFd root(::open(mount.mount_point.c_str(), O_PATH | O_CLOEXEC));
  struct statx about{};
  if (!root ||
      ::statx(root.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &about) != 0 ||
      about.stx_mnt_id != static_cast<uint64_t>(mount.id)) {
    return Fail(Code::kNotFound, mount.mount_point + " is not that mount");
  }
  const std::string path = fmt::format("/proc/self/fd/{}", root.get());
  if (::fanotify_mark(fanotify_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
                      FAN_CLOSE_WRITE, AT_FDCWD, path.c_str()) != 0) {
    return FailErrno("watch " + mount.mount_point);
  }
  return {};
}

void WriteWatch::Read() {
  alignas(fanotify_event_metadata) std::array<char, kReadBytes> buffer{};
  ssize_t size = ::read(fanotify_.get(), buffer.data(), buffer.size());
  if (size <= 0) return;
  const auto* event =
      reinterpret_cast<const fanotify_event_metadata*>(buffer.data());
  for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
    ++taken_;
    if ((event->mask & FAN_Q_OVERFLOW) != 0) {
      events_.lost("the kernel dropped notices of written files");
      continue;
    }
    Tell(event->pid, UniqueFd(event->fd));
  }
  Rest();
}

void WriteWatch::Tell(pid_t pid, UniqueFd file) {
  Written written;
  if (!file || pid == ::getpid() || ::fstat(file.get(), &written.about) != 0 ||
      !S_ISREG(written.about.st_mode)) {
    return;
  }
  written.pid = pid;
  written.file = std::move(file);
  events_.written(std::move(written));
}

// The queue is left alone for a while: it is the kernel's, and bounded.
void WriteWatch::Rest() {
  const bool enough = limits_.events_per_second > 0 &&
                      taken_ >= limits_.events_per_second / kRestsPerSecond;
  if (!enough || resting_ != 0) return;
  if (!loop_.Modify(fanotify_.get(), 0)) return;
  resting_ = loop_.After(kRest, [this] {
    resting_ = 0;
    taken_ = 0;
    const Status on = loop_.Modify(fanotify_.get(), EPOLLIN);
    if (!on) events_.lost(on.error().message);
  });
}

Result<std::string> PathOf(int file) {
  std::array<char, 4096> path{};
  const ssize_t length = ::readlink(
      fmt::format("/proc/self/fd/{}", file).c_str(), path.data(), path.size());
  if (length <= 0) return FailErrno("path of a file");
  return std::string(path.data(), static_cast<size_t>(length));
}

}  // namespace sekisho::agent
