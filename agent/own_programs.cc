#include "agent/own_programs.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <sodium.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/file.h"
#include "common/log.h"

namespace sekisho::agent {
namespace {

constexpr size_t kReadBytes = size_t{256} * 1024;
// Digests of a few versions; more than that is somebody playing.
constexpr size_t kMaxKnown = 256;
constexpr uint32_t kWatched = IN_MOVED_TO | IN_CLOSE_WRITE | IN_DELETE;

int64_t Nanoseconds(const statx_timestamp& time) {
  return time.tv_sec * 1'000'000'000 + time.tv_nsec;
}

// Inodes that some process was executed from.
std::set<uint64_t> ExecutedInodes() {
  std::set<uint64_t> inodes;
  const std::unique_ptr<DIR, int (*)(DIR*)> proc(::opendir("/proc"), closedir);
  if (!proc) return inodes;
  while (const dirent* entry = ::readdir(proc.get())) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9') continue;
    struct stat about{};
    const std::string path = fmt::format("{}/exe", entry->d_name);
    if (::fstatat(::dirfd(proc.get()), path.c_str(), &about, 0) == 0) {
      inodes.insert(about.st_ino);
    }
  }
  return inodes;
}

// No descriptor or mapping can write to the file. Once the gate refuses new
// ones, it stays so.
Status CheckUnwritten(int fd) {
  if (::fcntl(fd, F_SETLEASE, F_RDLCK) != 0) {
    if (errno == EAGAIN) {
      return Fail(Code::kFailedPrecondition, "somebody has it open to write");
    }
    return FailErrno("see who has it open");
  }
  if (::fcntl(fd, F_SETLEASE, F_UNLCK) != 0) return FailErrno("lease");
  return {};
}

}  // namespace

bool RunsProgram(pid_t pid, const std::string& program) {
  struct stat running{};
  struct stat expected{};
  return ::stat(fmt::format("/proc/{}/exe", pid).c_str(), &running) == 0 &&
         ::stat(program.c_str(), &expected) == 0 &&
         running.st_dev == expected.st_dev && running.st_ino == expected.st_ino;
}

OwnPrograms::OwnPrograms(EventLoop& loop, Jobs& jobs, enforce::KernelGate* gate,
                         std::vector<Program> programs, Events events)
    : loop_(loop), jobs_(jobs), gate_(gate), events_(std::move(events)) {
  for (Program& program : programs) {
    slots_.push_back({.program = std::move(program),
                      .seen = {},
                      .identity = {},
                      .file = {},
                      .why = {}});
  }
}

OwnPrograms::~OwnPrograms() {
  if (watch_) loop_.Remove(watch_.get());
}

void OwnPrograms::Start() {
  Watch();
  if (gate_ != nullptr) {
    const auto list = gate_->AgentPrograms();
    if (!list) {
      Log(LogLevel::kError, "own programs: " + list.error().message);
    } else {
      for (const enforce::AgentProgram& program : *list) {
        taken_.push_back({.program = program,
                          .path = {},
                          .device = ::makedev(program.identity.fs_major,
                                              program.identity.fs_minor)});
      }
    }
  }
  Look();
  started_ = true;
}

void OwnPrograms::Watch() {
  watch_.Reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!watch_) return;
  std::set<std::string> folders;
  for (const Slot& slot : slots_) {
    folders.insert(
        slot.program.path.substr(0, slot.program.path.rfind('/') + 1));
  }
  for (const std::string& folder : folders) {
    if (::inotify_add_watch(watch_.get(), folder.c_str(), kWatched) < 0) {
      Log(LogLevel::kWarning, FailErrno("watch " + folder).error().message);
    }
  }
  const Status added = loop_.Add(watch_.get(), EPOLLIN, [this](uint32_t) {
    // What it was about is seen by looking.
    std::array<char, 4096> events;
    while (::read(watch_.get(), events.data(), events.size()) > 0) {
    }
    Look();
  });
  if (!added) watch_.Reset();
}

OwnPrograms::Seen OwnPrograms::See(const std::string& path) {
  struct statx about{};
  if (::statx(AT_FDCWD, path.c_str(), AT_SYMLINK_NOFOLLOW,
              STATX_BASIC_STATS | STATX_BTIME, &about) != 0) {
    return {};
  }
  return {.there = true,
          .device = ::makedev(about.stx_dev_major, about.stx_dev_minor),
          .inode = about.stx_ino,
          .size_bytes = static_cast<int64_t>(about.stx_size),
          .born_ns = Nanoseconds(about.stx_btime),
          .written_ns = Nanoseconds(about.stx_mtime)};
}

void OwnPrograms::Look() {
  for (size_t i = 0; i < slots_.size(); ++i) {
    const Seen now = See(slots_[i].program.path);
    if (slots_[i].state != Slot::State::kUnseen && now == slots_[i].seen) {
      continue;
    }
    slots_[i].seen = now;
    slots_[i].again = false;
    Judge(i);
  }
}

bool OwnPrograms::Vouched(const Slot& slot) const {
  if (!events_.enforcing()) return true;
  // Without a gate nobody can tell what ran before this process did.
  if (gate_ == nullptr && !started_) return true;
  return std::ranges::any_of(taken_, [&slot](const Taken& taken) {
    return slot.identity && taken.program.identity == *slot.identity &&
           taken.program.role == slot.program.role &&
           (taken.path.empty() || taken.path == slot.program.path);
  });
}

bool OwnPrograms::Known(const policy::ProgramFile& file) const {
  return std::ranges::find(known_, file) != known_.end() ||
         (manifest_ && manifest_->Names(file));
}

void OwnPrograms::Judge(size_t index) {
  Slot& slot = slots_[index];
  slot.ticket = ++last_ticket_;
  slot.identity.reset();
  slot.file.reset();
  slot.told = false;
  if (!slot.seen.there) return Refuse(slot, "is gone");
  auto opened =
      OpenAt(AT_FDCWD, slot.program.path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  if (!opened) return Refuse(slot, opened.error().message);
  const auto file = std::make_shared<UniqueFd>(std::move(*opened));
  const auto identity =
      enforce::IdentifyProgram(file->get(), slot.program.path);
  if (!identity) return Refuse(slot, identity.error().message);
  slot.identity = *identity;
  // Of a file that is gone: its number is this one's now.
  std::erase_if(taken_, [&identity](const Taken& taken) {
    const enforce::ProgramIdentity& old = taken.program.identity;
    return old.inode == identity->inode && old.fs_major == identity->fs_major &&
           old.fs_minor == identity->fs_minor && old != *identity;
  });
  const bool vouched = Vouched(slot);
  if (vouched) {
    if (const Status taken = Take(slot); !taken) {
      return Refuse(slot, taken.error().message);
    }
  } else {
    // First nobody can write to it any more, then it is read.
    shielded_.push_back({*identity, enforce::ProgramRole::kOther});
    Status still = WriteGate({});
    if (still) still = CheckUnwritten(file->get());
    if (!still) {
      shielded_.pop_back();
      return Refuse(slot, still.error().message);
    }
  }
  slot.state = Slot::State::kJudging;
  ++judging_;
  jobs_.Run(
      [file, path = slot.program.manifest_path] {
        return HashFile(file->get(), path);
      },
      [this, index, ticket = slot.ticket, vouched,
       id = *identity](const Hashed& hashed) {
        --judging_;
        if (!vouched) {
          shielded_.erase(std::ranges::find(shielded_, id,
                                            &enforce::AgentProgram::identity));
        }
        OnHashed(index, ticket, vouched, hashed);
        Settle();
      });
}

OwnPrograms::Hashed OwnPrograms::HashFile(int fd, std::string manifest_path) {
  Hashed hashed{
      .file = {.digest = {}, .size_bytes = 0, .path = std::move(manifest_path)},
      .status = {}};
  crypto_hash_sha256_state state{};
  crypto_hash_sha256_init(&state);
  std::vector<unsigned char> buffer(kReadBytes);
  while (true) {
    const ssize_t n =
        ::pread(fd, buffer.data(), buffer.size(), hashed.file.size_bytes);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      hashed.status = FailErrno("read " + hashed.file.path);
      return hashed;
    }
    if (n == 0) break;
    crypto_hash_sha256_update(&state, buffer.data(), static_cast<size_t>(n));
    hashed.file.size_bytes += n;
    if (hashed.file.size_bytes > policy::kMaxProgramBytes) {
      hashed.status =
          Fail(Code::kResourceExhausted, hashed.file.path + " is too large");
      return hashed;
    }
  }
  crypto_hash_sha256_final(
      &state, reinterpret_cast<unsigned char*>(hashed.file.digest.data()));
  return hashed;
}

void OwnPrograms::OnHashed(size_t index, uint64_t ticket, bool vouched,
                           const Hashed& hashed) {
  if (vouched && hashed.status && known_.size() < kMaxKnown &&
      std::ranges::find(known_, hashed.file) == known_.end()) {
    known_.push_back(hashed.file);
  }
  Slot& slot = slots_[index];
  if (slot.ticket != ticket) {
    // Another file stands there by now. The gate forgets this one.
    if (const Status written = WriteGate({}); !written) {
      Log(LogLevel::kError, written.error().message);
    }
    return;
  }
  slot.file = hashed.file;
  if (!hashed.status) return Refuse(slot, hashed.status.error().message);
  if (!vouched && !Known(hashed.file)) {
    return Refuse(slot, "no signed manifest names it (SHA-256 " +
                            ToHex(hashed.file.digest) + ")");
  }
  if (!vouched) {
    if (const Status taken = Take(slot); !taken) {
      return Refuse(slot, taken.error().message);
    }
    Log(LogLevel::kNotice, "new file of " + slot.program.path + " is taken");
  }
  slot.state = Slot::State::kOwn;
}

Status OwnPrograms::Take(const Slot& slot) {
  const Taken taken{.program = {*slot.identity, slot.program.role},
                    .path = slot.program.path,
                    .device = slot.seen.device};
  const auto same = std::ranges::find_if(taken_, [&](const Taken& other) {
    return other.program == taken.program;
  });
  if (same != taken_.end()) {
    *same = taken;
    return {};
  }
  RETURN_IF_ERROR(WriteGate({taken.program}));
  taken_.push_back(taken);
  return {};
}

void OwnPrograms::Refuse(Slot& slot, const std::string& why) {
  slot.state = Slot::State::kForeign;
  slot.why = why;
  if (const Status written = WriteGate({}); !written) {
    Log(LogLevel::kError, written.error().message);
  }
  if (judging_ == 0) loop_.Post([this] { Settle(); });
}

// While a file is judged its bytes may become known by another that is read.
void OwnPrograms::Settle() {
  if (judging_ > 0) return;
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.state != Slot::State::kForeign) continue;
    if (slot.file && Known(*slot.file) && !slot.again) {
      slot.again = true;
      Judge(i);
      continue;
    }
    if (slot.told) continue;
    slot.told = true;
    if (events_.enforcing()) {
      events_.refused(slot.program.path + ": " + slot.why);
    }
  }
  if (judging_ > 0) return;
  DropEnded();
  for (const auto& callback : std::exchange(settled_, {})) callback();
}

Status OwnPrograms::WriteGate(const std::vector<enforce::AgentProgram>& more) {
  if (gate_ == nullptr) return {};
  std::vector<enforce::AgentProgram> list = shielded_;
  for (const Taken& taken : taken_) list.push_back(taken.program);
  list.insert(list.end(), more.begin(), more.end());
  return gate_->SetAgentPrograms(list);
}

// A program that an upgrade replaced keeps its standing while a process of it
// runs: its gates serve media until these are removed.
void OwnPrograms::DropEnded() {
  if (taken_.size() <= slots_.size()) return;
  const std::set<uint64_t> executed = ExecutedInodes();
  const size_t dropped = std::erase_if(taken_, [&](const Taken& taken) {
    const auto& identity = taken.program.identity;
    return !executed.contains(identity.inode) &&
           std::ranges::none_of(slots_, [&](const Slot& slot) {
             return slot.identity == identity;
           });
  });
  if (dropped == 0) return;
  if (const Status written = WriteGate({}); !written) {
    Log(LogLevel::kError, written.error().message);
  }
}

void OwnPrograms::SetManifest(std::optional<policy::UpgradeManifest> manifest) {
  manifest_ = std::move(manifest);
  if (!started_) return;
  JudgeForeign();
}

void OwnPrograms::OnModeChanged() {
  if (!started_) return;
  Look();
  JudgeForeign();
}

void OwnPrograms::JudgeForeign() {
  for (size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].state != Slot::State::kForeign) continue;
    slots_[i].again = false;
    Judge(i);
  }
}

Status OwnPrograms::Check() {
  Look();
  return Standing();
}

Status OwnPrograms::Standing() const {
  if (!events_.enforcing()) return {};
  for (const Slot& slot : slots_) {
    if (slot.state == Slot::State::kForeign) {
      return Fail(
          Code::kPermissionDenied,
          "not a program of the agent: " + slot.program.path + ": " + slot.why);
    }
    if (slot.state == Slot::State::kOwn) continue;
    // What was vouched for is being read for its digest only.
    if (slot.identity && Vouched(slot)) continue;
    return Fail(Code::kUnavailable, slot.program.path + " is being replaced");
  }
  return {};
}

bool OwnPrograms::Owns(pid_t pid, const std::string& path) const {
  if (!events_.enforcing()) return RunsProgram(pid, path);
  const auto exe = OpenAt(AT_FDCWD, fmt::format("/proc/{}/exe", pid), O_RDONLY);
  struct stat about{};
  if (!exe || ::fstat(exe->get(), &about) != 0) return false;
  int generation = 0;
  const bool has_generation =
      ::ioctl(exe->get(), FS_IOC_GETVERSION, &generation) == 0;
  const auto slot = std::ranges::find_if(
      slots_, [&path](const Slot& s) { return s.program.path == path; });
  if (slot == slots_.end()) return false;
  return std::ranges::any_of(taken_, [&](const Taken& taken) {
    const enforce::ProgramIdentity& id = taken.program.identity;
    return id.inode == about.st_ino && taken.device == about.st_dev &&
           taken.program.role == slot->program.role &&
           (taken.path.empty() || taken.path == path) &&
           id.has_generation == has_generation &&
           (!has_generation ||
            id.generation == static_cast<uint32_t>(generation));
  });
}

void OwnPrograms::WhenSettled(std::function<void()> callback) {
  Look();
  settled_.push_back(std::move(callback));
  if (judging_ == 0) loop_.Post([this] { Settle(); });
}

Status OwnPrograms::WouldTake(const policy::UpgradeManifest& list) const {
  if (!events_.enforcing()) return {};
  for (const policy::PackagePrograms& package : list.packages) {
    for (const policy::ProgramFile& file : package.programs) {
      if (Known(file)) continue;
      return Fail(Code::kPermissionDenied,
                  fmt::format("{} {} brings {}, which no signed upgrade "
                              "manifest of the server names",
                              package.package, package.version, file.path));
    }
  }
  return {};
}

}  // namespace sekisho::agent
