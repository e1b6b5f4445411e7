#include "agent/remote_exits.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "common/file.h"
#include "common/log.h"
#include "common/number.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

using enforce::DeviceNumber;
using enforce::NodeKind;

constexpr uint32_t kNbdMajor = 43;
constexpr size_t kMaxExits = 256;
constexpr size_t kMaxNameBytes = 256;
// spice-webdavd opens the port of this name (spice-protocol).
constexpr char kWebdavPort[] = "org.spice-space.webdav.";

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

std::vector<std::string> NamesIn(const std::string& path) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, DirCloser> dir(::opendir(path.c_str()));
  if (dir == nullptr) return names;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::ranges::sort(names);
  return names;
}

// "43:0\n" of a `dev` file.
std::optional<DeviceNumber> NumberIn(const std::string& path, NodeKind kind) {
  const auto text = ReadFileAt(AT_FDCWD, path, 64);
  if (!text) return std::nullopt;
  const auto parts = Split(Trim(*text), ':');
  if (parts.size() != 2) return std::nullopt;
  const auto major = NumberOf<uint32_t>(parts[0]);
  const auto minor = NumberOf<uint32_t>(parts[1]);
  if (!major || !minor) return std::nullopt;
  return DeviceNumber{kind, *major, *minor};
}

policy::DeviceFacts Facts(const char* bus, const char* product,
                          std::string port) {
  policy::DeviceFacts facts;
  facts.bus = bus;
  facts.product = product;
  facts.port = std::move(port);
  return facts;
}

}  // namespace

RemoteExits::RemoteExits(EventLoop& loop, enforce::KernelGate& gate,
                         Options options, Events events)
    : loop_(loop),
      gate_(gate),
      options_(std::move(options)),
      events_(std::move(events)) {
  inotify_.Reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!inotify_) return;
  const Status added = loop_.Add(inotify_.get(), EPOLLIN, [this](uint32_t) {
    alignas(inotify_event) std::array<char, 4096> events_read{};
    while (::read(inotify_.get(), events_read.data(), events_read.size()) > 0) {
    }
    Apply();
  });
  if (!added) Log(LogLevel::kWarning, added.error().message);
}

RemoteExits::~RemoteExits() {
  if (inotify_) loop_.Remove(inotify_.get());
}

// udev names a port once its name is known; the folder comes with the first.
void RemoteExits::Watch() {
  if (!inotify_) return;
  for (const char* folder : {"/virtio-ports", ""}) {
    const std::string path = options_.dev_dir + folder;
    ::inotify_add_watch(inotify_.get(), path.c_str(), IN_CREATE | IN_MOVED_TO);
  }
}

std::vector<RemoteExits::Exit> RemoteExits::Find() const {
  std::vector<Exit> exits;
  exits.push_back(
      {.number = {NodeKind::kRemote, 0, enforce::kRemoteXrdp},
       .facts = Facts("rdp", "drives of a remote desktop (xrdp)", "")});
  const std::string ports = options_.sysfs_root + "/class/virtio-ports/";
  for (const std::string& port : NamesIn(ports)) {
    std::string path = ports;
    path.append(port);
    const auto name = ReadFileAt(AT_FDCWD, path + "/name", kMaxNameBytes);
    if (!name || !Trim(*name).starts_with(kWebdavPort)) continue;
    if (const auto number = NumberIn(path + "/dev", NodeKind::kChar)) {
      exits.push_back(
          {.number = *number,
           .facts = Facts("spice", "shared folder of SPICE", port)});
    }
  }
  const std::string blocks = options_.sysfs_root + "/class/block/";
  for (const std::string& name : NamesIn(blocks)) {
    if (!name.starts_with("nbd") || exits.size() == kMaxExits) continue;
    std::string path = blocks;
    path.append(name).append("/dev");
    const auto number = NumberIn(path, NodeKind::kBlock);
    if (number && number->major == kNbdMajor) {
      exits.push_back({.number = *number,
                       .facts = Facts("nbd", "network block device", name)});
    }
  }
  return exits;
}

void RemoteExits::Apply() {
  Watch();
  exits_ = Find();
  bool disks = false;
  for (const Exit& exit : exits_) {
    if (const Status set = Set(exit); !set) {
      events_.problem(exit.facts.product + ": " + set.error().message);
    }
    disks = disks || exit.facts.bus == "nbd";
  }
  if (!disks) return;
  // The system's own may be one of them.
  if (const Status opened = gate_.OpenSystemDisks(); !opened) {
    events_.problem("system disks: " + opened.error().message);
  }
}

Status RemoteExits::Set(const Exit& exit) const {
  const bool open = events_.decide(exit.facts).access == policy::Access::kFull;
  if (open) return gate_.OpenNow(exit.number, enforce::NodeAccess::kFull);
  // The majors of the others are closed: without an entry so are they.
  if (exit.facts.bus != "spice") return gate_.CloseDevice(exit.number);
  return gate_.OpenNow(exit.number, enforce::NodeAccess::kGate);
}

std::optional<policy::DeviceFacts> RemoteExits::FactsOf(
    const DeviceNumber& number) const {
  const auto found = std::ranges::find(exits_, number, &Exit::number);
  if (found != exits_.end()) return found->facts;
  if (number.kind == NodeKind::kBlock && number.major == kNbdMajor) {
    return Facts("nbd", "network block device", "");
  }
  return std::nullopt;
}

}  // namespace sekisho::agent
