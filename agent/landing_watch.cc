#include "agent/landing_watch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "agent/attribute/connections.h"
#include "agent/attribute/sessions.h"
#include "agent/content_scan.h"
#include "common/file.h"
#include "common/log.h"
#include "common/unix_socket.h"

namespace sekisho::agent {
namespace {

// File systems of the terminal's own disks and memory; one of the network's may
// make a look wait for ever.
constexpr std::string_view kLocal[] = {
    "ext2",    "ext3", "ext4", "xfs",   "btrfs", "f2fs",     "jfs",   "tmpfs",
    "overlay", "zfs",  "vfat", "exfat", "ntfs3", "bcachefs", "nilfs2"};
constexpr BootTime kWriterFresh{2'000'000};
constexpr int64_t kMaxLookBytes = int64_t{1} << 40;

uint64_t MountOf(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_PATH | O_CLOEXEC));
  struct statx about{};
  if (!fd || ::statx(fd.get(), "", AT_EMPTY_PATH, STATX_MNT_ID, &about) != 0) {
    return 0;
  }
  return about.stx_mnt_id;
}

Landed::Key KeyOf(const struct stat& about) {
  return {.device = about.st_dev, .inode = about.st_ino};
}

WallTime ChangedAt(const struct stat& about) {
  return WallTime(std::chrono::seconds(about.st_mtim.tv_sec));
}

}  // namespace

std::string FolderAbove(const std::string& path,
                        const std::vector<std::string>& folders) {
  for (const std::string& folder : folders) {
    if (folder == "/") return folder;
    if (path.starts_with(folder) &&
        (path.size() == folder.size() || path[folder.size()] == '/')) {
      return folder;
    }
  }
  return {};
}

Result<std::unique_ptr<LandingWatch>> LandingWatch::Start(EventLoop& loop,
                                                          Jobs& jobs,
                                                          const Clock& clock,
                                                          Options options,
                                                          Events events) {
  std::unique_ptr<LandingWatch> landing(new LandingWatch(
      loop, jobs, clock, std::move(options), std::move(events)));
  LandingWatch* raw = landing.get();
  std::string problem;
  raw->lying_ = LyingFiles::Open(raw->options_.lying_path,
                                 raw->options_.policy.persons, &problem);
  if (!problem.empty()) raw->events_.lost(problem);
  ASSIGN_OR_RETURN(
      raw->watch_,
      WriteWatch::Start(
          loop,
          {.wanted =
               [raw](const enforce::MountEntry& m) { return raw->Wanted(m); },
           .written =
               [raw](WriteWatch::Written one) {
                 raw->OnWritten(std::move(one));
               },
           .lost = [raw](const std::string& why) { raw->events_.lost(why); }},
          {.events_per_second = raw->options_.timing.events_per_second}));
  if (raw->options_.policy.lies_for_hours) {
    raw->After(&raw->walk_timer_, raw->options_.timing.first_walk,
               &LandingWatch::Walk);
  }
  return landing;
}

LandingWatch::LandingWatch(EventLoop& loop, Jobs& jobs, const Clock& clock,
                           Options options, Events events)
    : loop_(loop),
      jobs_(jobs),
      clock_(clock),
      options_(std::move(options)),
      events_(std::move(events)),
      queue_(options_.timing.queue) {}

LandingWatch::~LandingWatch() {
  for (const EventLoop::TimerId timer : {look_timer_, walk_timer_}) {
    if (timer != 0) loop_.Cancel(timer);
  }
  Save();
}

void LandingWatch::Save() {
  if (const Status saved = lying_.Save(); !saved) {
    Log(LogLevel::kWarning, "what lies there: " + saved.error().message);
  }
}

void LandingWatch::RulesChanged() { lying_.ForgetClean(); }

void LandingWatch::After(EventLoop::TimerId* timer,
                         std::chrono::milliseconds delay,
                         void (LandingWatch::*then)()) {
  if (*timer != 0) loop_.Cancel(*timer);
  *timer = loop_.After(delay, [this, timer, then] {
    *timer = 0;
    (this->*then)();
  });
}

bool LandingWatch::Wanted(const enforce::MountEntry& mount) const {
  if (std::ranges::find(kLocal, std::string_view(mount.type)) ==
          std::end(kLocal) ||
      events_.external(mount.device)) {
    return false;
  }
  const auto& folders = options_.policy.folders;
  return !FolderAbove(mount.mount_point, folders).empty() ||
         std::ranges::any_of(folders, [&](const std::string& folder) {
           return MountOf(folder) == static_cast<uint64_t>(mount.id);
         });
}

void LandingWatch::OnWritten(WriteWatch::Written written) {
  if (written.about.st_size < kSmallestLandingBytes ||
      written.about.st_nlink == 0) {
    return;
  }
  auto path = PathOf(written.file.get());
  if (!path) return;
  std::string folder = FolderAbove(*path, options_.policy.folders);
  if (folder.empty() ||
      events_.external({enforce::NodeKind::kBlock, major(written.about.st_dev),
                        minor(written.about.st_dev)})) {
    return;
  }
  const Writer& writer = WriterOf(written.pid);
  if (IsOurs(writer.who)) return;
  Landed landed;
  landed.key = KeyOf(written.about);
  landed.who = writer.who;
  landed.source_hosts = writer.source_hosts;
  landed.file = HeldFile::Of(std::move(written.file), *std::move(path),
                             std::move(folder));
  if (!queue_.Offer(std::move(landed), clock_.SinceBoot())) {
    events_.lost("too many files waited for a look");
    return;
  }
  Arm();
}

bool LandingWatch::IsOurs(const attribute::Who& who) const {
  // Of one that is gone nothing is known.
  return !who.program.empty() &&
         (who.program == options_.daemon_path ||
          who.program.starts_with(options_.libexec_dir + "/"));
}

// Read while the process is still there; once for the many files of one.
const LandingWatch::Writer& LandingWatch::WriterOf(pid_t pid) {
  const auto start_time = attribute::StartTimeOf("", pid);
  const BootTime now = clock_.SinceBoot();
  if (start_time && pid == writer_.pid && *start_time == writer_.start_time &&
      now - writer_.read < kWriterFresh) {
    return writer_;
  }
  writer_ = {.pid = pid,
             .start_time = start_time.value_or(0),
             .read = now,
             .who = {},
             // First: a process that ends loses its connections first.
             .source_hosts = attribute::ConnectionsOf("", pid)};
  writer_.who = attribute::OfProcess("", pid);
  if (!writer_.who.ssh_source.empty()) {
    writer_.source_hosts.insert(writer_.source_hosts.begin(),
                                writer_.who.ssh_source);
  }
  return writer_;
}

void LandingWatch::Arm() {
  if (looking_) return;
  auto due = queue_.NextDue();
  if (!lying_found_.empty()) due = BootTime(0);
  if (!due) {
    worker_.Reset();  // nobody waits: no process stands by
    return;
  }
  const BootTime wait = std::max(*due, rest_until_) - clock_.SinceBoot();
  After(&look_timer_,
        std::max(std::chrono::ceil<std::chrono::milliseconds>(wait),
                 std::chrono::milliseconds(0)),
        &LandingWatch::LookAtNext);
}

void LandingWatch::LookAtNext() {
  if (looking_) return;
  auto landed = queue_.Take(clock_.SinceBoot());
  while (!landed && !lying_found_.empty()) {
    Offer(lying_found_.front());
    lying_found_.pop_front();
    landed = queue_.Take(clock_.SinceBoot());
  }
  if (!landed) {
    Arm();
    return;
  }
  auto look = std::make_shared<Look>();
  look->landed = *std::move(landed);
  look->request.sketch_key = events_.sketch_key();
  look->rules = events_.rules();
  look->scan_socket = options_.scan_socket;
  look->listener = options_.listener;
  if (look->rules == worker_rules_) look->worker = std::move(worker_);
  worker_.Reset();
  worker_rules_ = look->rules;
  looking_ = true;
  jobs_.Run(
      [look] {
        DoLook(*look);
        return true;
      },
      [this, look, alive = std::weak_ptr<bool>(alive_)](bool) {
        if (!alive.expired()) OnLooked(*look);
      });
}

void LandingWatch::DoLook(Look& look) {
  const auto begin = std::chrono::steady_clock::now();
  look.findings = [&look]() -> Result<ipc::Findings> {
    ASSIGN_OR_RETURN(const HeldFile::Opened opened, look.landed.file.Open());
    look.path = opened.path;
    if (opened.size_bytes < kSmallestLandingBytes ||
        opened.size_bytes > kMaxLookBytes) {
      return Fail(Code::kNotFound, "of no size for a look");
    }
    // An error of these is no "gone": the file was there.
    if (!look.worker) {
      auto worker = ConnectScan(look.scan_socket, look.listener, look.rules);
      if (!worker) return Fail(Code::kUnavailable, worker.error().message);
      look.worker = *std::move(worker);
      RETURN_IF_ERROR(
          SendPacket(look.worker.get(), ipc::Encode(ipc::ScanInBackground{})));
    }
    look.request.name_hint = opened.path.substr(opened.path.rfind('/') + 1);
    auto found =
        ScanContent(look.worker.get(), opened.file.get(), look.request);
    if (!found) {
      look.worker.Reset();
      return Fail(Code::kUnavailable, found.error().message);
    }
    return found;
  }();
  look.took = std::chrono::ceil<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
}

void LandingWatch::OnLooked(Look& look) {
  looking_ = false;
  worker_ = std::move(look.worker);
  const auto rest = std::max(look.took * options_.timing.rest_per_look,
                             options_.timing.shortest_rest);
  rest_until_ = clock_.SinceBoot() + rest;
  if (look.findings && look.findings->persons >= options_.policy.persons) {
    events_.landed(look.landed, look.path, *look.findings);
  } else if (!look.findings && look.findings.error().code != Code::kNotFound) {
    events_.lost(look.findings.error().message);
  }
  if (look.landed.lying_key != 0 && look.findings) {
    if (look.findings->persons >= options_.policy.persons) {
      lying_.SetTold(look.landed.lying_key, clock_.Now());
    } else {
      lying_.SetClean(look.landed.lying_key);
    }
  }
  Arm();
}

void LandingWatch::Walk() {
  if (walk_ == nullptr) {
    walk_ = std::make_shared<FolderWalk>(options_.policy.folders);
  }
  // Only when nothing that arrived waits, and what was found before is done.
  if (queue_.size() > 0 || !lying_found_.empty() || looking_) {
    After(&walk_timer_, options_.timing.walk_step, &LandingWatch::Walk);
    return;
  }
  jobs_.Run(
      [walk = walk_, entries = options_.timing.walk_entries] {
        return walk->Step(entries);
      },
      [this, alive = std::weak_ptr<bool>(alive_)](
          std::vector<FolderWalk::Found> found) {
        if (!alive.expired()) OnWalked(std::move(found));
      });
}

void LandingWatch::OnWalked(std::vector<FolderWalk::Found> found) {
  const WallTime now = clock_.Now();
  const WallTime oldest =
      now - std::chrono::hours(options_.policy.lies_for_hours.value_or(0));
  for (FolderWalk::Found& one : found) {
    if (one.about.st_size >= kSmallestLandingBytes &&
        ChangedAt(one.about) < oldest &&
        lying_.IsDue(LyingFiles::KeyOf(one.about), now)) {
      lying_found_.push_back(std::move(one));
    }
  }
  Arm();
  if (walk_->done()) {
    EndWalk();
  } else {
    After(&walk_timer_, options_.timing.walk_step, &LandingWatch::Walk);
  }
}

void LandingWatch::EndWalk() {
  walk_.reset();
  Save();
  After(&walk_timer_, options_.timing.walk_every, &LandingWatch::Walk);
}

// Nobody saw it arrive: who wrote it is not known, only whose it is.
void LandingWatch::Offer(const FolderWalk::Found& found) {
  UniqueFd file(::open(found.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
                                               O_NONBLOCK | O_NOATIME));
  struct stat about{};
  if (!file || ::fstat(file.get(), &about) != 0 ||
      LyingFiles::KeyOf(about) != LyingFiles::KeyOf(found.about)) {
    return;
  }
  Landed landed;
  landed.key = KeyOf(about);
  landed.unchanged_since = ChangedAt(about);
  landed.lying_key = LyingFiles::KeyOf(about);
  const auto account = attribute::AccountOf("", about.st_uid);
  landed.owner = account ? account->name : fmt::format("uid {}", about.st_uid);
  landed.file = HeldFile::Of(std::move(file), found.path, found.folder);
  // Quiet for long already: due at once.
  if (!queue_.Offer(std::move(landed), clock_.SinceBoot())) {
    events_.lost("too many files waited for a look");
  }
}

}  // namespace sekisho::agent
