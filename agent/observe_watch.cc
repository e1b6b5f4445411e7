#include "agent/observe_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <set>

#include "agent/enforce/mount.h"
#include "common/file.h"
#include "common/log.h"

namespace sekisho::agent {
namespace {

// One read takes few events: each holds an open file.
constexpr size_t kReadBytes = 32 * sizeof(fanotify_event_metadata);

}  // namespace

Result<std::unique_ptr<ObserveWatch>> ObserveWatch::Start(EventLoop& loop,
                                                          Events events) {
  std::unique_ptr<ObserveWatch> watch(
      new ObserveWatch(loop, std::move(events)));
  watch->fanotify_.Reset(
      ::fanotify_init(FAN_CLASS_NOTIF | FAN_CLOEXEC | FAN_NONBLOCK,
                      O_RDONLY | O_LARGEFILE | O_CLOEXEC | O_NOATIME));
  if (!watch->fanotify_) return FailErrno("fanotify");
  ASSIGN_OR_RETURN(watch->mounts_,
                   OpenAt(AT_FDCWD, "/proc/1/mountinfo", O_RDONLY));
  ObserveWatch* raw = watch.get();
  RETURN_IF_ERROR(loop.Add(watch->fanotify_.get(), EPOLLIN,
                           [raw](uint32_t) { raw->Read(); }));
  RETURN_IF_ERROR(loop.Add(watch->mounts_.get(), EPOLLPRI,
                           [raw](uint32_t) { raw->Refresh(); }));
  raw->Refresh();
  return watch;
}

ObserveWatch::ObserveWatch(EventLoop& loop, Events events)
    : loop_(loop), events_(std::move(events)) {}

ObserveWatch::~ObserveWatch() {
  if (fanotify_) loop_.Remove(fanotify_.get());
  if (mounts_) loop_.Remove(mounts_.get());
}

void ObserveWatch::Refresh() {
  const auto mounts = enforce::InitMounts();
  if (!mounts) {
    Log(LogLevel::kError, mounts.error().message);
    return;
  }
  std::set<int> present;
  for (const enforce::MountEntry& mount : *mounts) {
    present.insert(mount.id);
    if (mount.type == "fuse" || marked_.contains(mount.id) ||
        !events_.external(mount.device)) {
      continue;
    }
    // By path in this namespace; a mark holds for the whole file system.
    const UniqueFd root(
        ::open(mount.mount_point.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    struct stat about{};
    if (!root || ::fstat(root.get(), &about) != 0 ||
        major(about.st_dev) != mount.device.major ||
        minor(about.st_dev) != mount.device.minor) {
      continue;
    }
    const std::string path = fmt::format("/proc/self/fd/{}", root.get());
    if (::fanotify_mark(fanotify_.get(), FAN_MARK_ADD | FAN_MARK_FILESYSTEM,
                        FAN_CLOSE_WRITE, AT_FDCWD, path.c_str()) != 0) {
      events_.lost(ErrnoError("watch " + mount.mount_point).message);
    }
    marked_[mount.id] = mount.device;
  }
  std::erase_if(marked_,
                [&](const auto& one) { return !present.contains(one.first); });
}

void ObserveWatch::Read() {
  alignas(fanotify_event_metadata) std::array<char, kReadBytes> buffer{};
  ssize_t size = ::read(fanotify_.get(), buffer.data(), buffer.size());
  if (size <= 0) return;
  const auto* event =
      reinterpret_cast<const fanotify_event_metadata*>(buffer.data());
  for (; FAN_EVENT_OK(event, size); event = FAN_EVENT_NEXT(event, size)) {
    if ((event->mask & FAN_Q_OVERFLOW) != 0) {
      events_.lost("the kernel dropped notices of written files");
      continue;
    }
    UniqueFd file(event->fd);
    struct stat about{};
    if (!file || ::fstat(file.get(), &about) != 0 || !S_ISREG(about.st_mode) ||
        event->pid == ::getpid()) {
      continue;
    }
    std::array<char, 4096> path{};
    const ssize_t length =
        ::readlink(fmt::format("/proc/self/fd/{}", file.get()).c_str(),
                   path.data(), path.size());
    if (length <= 0) continue;
    const enforce::DeviceNumber device{
        enforce::NodeKind::kBlock, major(about.st_dev), minor(about.st_dev)};
    events_.written(device, event->pid,
                    std::string(path.data(), static_cast<size_t>(length)),
                    std::move(file));
  }
}

}  // namespace sekisho::agent
