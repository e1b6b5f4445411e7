#include "agent/start_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "agent/programs.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr char kShipped[] = "/usr/lib/systemd/system";
constexpr char kPreload[] = "ld.so.preload";
// Where systemd looks before and beside the package's folder (systemd.unit(5)).
constexpr std::array<const char*, 10> kOthers = {
    "/etc/systemd/system.control",   "/run/systemd/system.control",
    "/run/systemd/transient",        "/run/systemd/generator.early",
    "/etc/systemd/system",           "/etc/systemd/system.attached",
    "/run/systemd/system",           "/run/systemd/generator",
    "/usr/local/lib/systemd/system", "/run/systemd/generator.late"};
// In these the folders above come and go.
constexpr std::array<const char*, 3> kParents = {"/etc/systemd", "/run/systemd",
                                                 "/etc"};
constexpr std::array<const char*, 4> kWorkers = {"scan", "probe", "unlock",
                                                 "devices"};
// These do not run on a terminal's behalf, or as the desktop's user.
constexpr std::array<const char*, 4> kNotOurs = {
    "sekisho-server", "sekisho-enrol", "sekisho-notify", "sekisho-uplink"};
constexpr uint32_t kWatched = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM |
                              IN_CLOSE_WRITE | IN_DELETE | IN_ONLYDIR;
constexpr size_t kMaxUnitBytes = size_t{64} * 1024;
constexpr size_t kMaxForeign = 64;

bool IsDropInOfAll(std::string_view name) {
  return name == "service.d" || name == "socket.d";
}

// A unit of the agent's, a drop-in folder of one, or of a prefix of its name.
bool IsOfOurs(std::string_view name) {
  if (IsDropInOfAll(name)) return true;
  if (!name.starts_with("sekisho")) return false;
  return std::ranges::none_of(kNotOurs, [name](std::string_view other) {
    return name.starts_with(other);
  });
}

// What the package's own folder must not hold.
bool IsDropIn(std::string_view name) {
  return name.ends_with(".d") && IsOfOurs(name);
}

// The file a worker is started by; empty if `name` is none.
std::string ProgramOf(std::string_view name, const std::string& libexec_dir) {
  for (const std::string_view worker : kWorkers) {
    if (name == fmt::format("sekisho-{}@.service", worker) ||
        name == fmt::format("sekisho-{}.service", worker)) {
      return fmt::format("{}/sekisho-{}", libexec_dir, worker);
    }
  }
  return {};
}

}  // namespace

Status CheckWorkerUnit(std::string_view text, const std::string& program) {
  // What changes the program, its file system or its environment.
  constexpr std::array<std::string_view, 20> kRefused = {
      "ExecStartPre",         "ExecStartPost",       "ExecCondition",
      "Environment",          "EnvironmentFile",     "PassEnvironment",
      "RootDirectory",        "RootImage",           "BindPaths",
      "BindReadOnlyPaths",    "MountImages",         "ExtensionImages",
      "ExtensionDirectories", "TemporaryFileSystem", "LoadCredential",
      "ExecSearchPath",       "JoinsNamespaceOf",    "NetworkNamespacePath",
      "ExecReload",           "MountAPIVFS"};
  int starts = 0;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = Trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\\')) {
      return Fail(Code::kPermissionDenied, "a line that goes on");
    }
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    const std::string_view key = Trim(line.substr(0, equals));
    const std::string_view value = Trim(line.substr(equals + 1));
    if (key == "ExecStart") {
      ++starts;
      if (value != program) {
        return Fail(Code::kPermissionDenied,
                    "it runs " + EscapeUntrusted(value, 128));
      }
    } else if (std::ranges::find(kRefused, key) != kRefused.end()) {
      return Fail(Code::kPermissionDenied, "it sets " + std::string(key));
    }
  }
  if (starts != 1) return Fail(Code::kPermissionDenied, "it runs nothing");
  return {};
}

StartFiles::StartFiles(EventLoop& loop, Jobs& jobs, Options options,
                       Events events)
    : loop_(loop),
      jobs_(jobs),
      options_(std::move(options)),
      events_(std::move(events)) {}

StartFiles::~StartFiles() {
  if (watch_) loop_.Remove(watch_.get());
}

void StartFiles::Start() {
  watch_.Reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (watch_) {
    Watch();
    const Status added = loop_.Add(watch_.get(), EPOLLIN, [this](uint32_t) {
      [[maybe_unused]] const Status standing = Check();
    });
    if (!added) watch_.Reset();
  }
  Look();
}

// Again for folders that are there already costs nothing.
void StartFiles::Watch() {
  const auto add = [this](const std::string& folder, uint32_t what) {
    const int id = ::inotify_add_watch(watch_.get(),
                                       (options_.root + folder).c_str(), what);
    if (id >= 0) folders_[id] = folder;
  };
  for (const char* folder : kOthers) add(folder, kWatched);
  add(kShipped, kWatched);
  for (const char* folder : kParents) add(folder, kWatched);
}

// Whether anything happened that is worth a look.
bool StartFiles::ReadWatch() {
  if (!watch_) return true;
  bool changed = false;
  alignas(inotify_event) std::array<char, 4096> events;
  ssize_t size = 0;
  while ((size = ::read(watch_.get(), events.data(), events.size())) > 0) {
    for (ssize_t at = 0; at < size;) {
      inotify_event event{};
      std::memcpy(&event, events.data() + at, sizeof event);
      const std::string name =
          event.len == 0 ? "" : std::string(events.data() + at + sizeof event);
      at += static_cast<ssize_t>(sizeof event + event.len);
      if ((event.mask & IN_Q_OVERFLOW) != 0) changed = stained_ = true;
      const auto folder = folders_.find(event.wd);
      if (folder == folders_.end()) continue;
      const bool parent =
          std::ranges::find(kParents, folder->second) != kParents.end();
      const bool shipped = folder->second == kShipped;
      const bool foreign = parent    ? name == kPreload
                           : shipped ? IsDropIn(name)
                                     : IsOfOurs(name);
      const bool came =
          (event.mask & (IN_CREATE | IN_MOVED_TO | IN_CLOSE_WRITE)) != 0;
      if (foreign && came) {
        passing_.push_back(folder->second + "/" + EscapeUntrusted(name, 128));
      }
      changed = changed || parent || foreign || (shipped && IsOfOurs(name));
    }
  }
  return changed;
}

void StartFiles::LookAt(const std::string& folder, bool shipped,
                        std::vector<std::string>* found) const {
  const std::string path = options_.root + folder;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(path.c_str()),
                                                    closedir);
  if (!entries) return;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (found->size() >= kMaxForeign) return;
    if (shipped ? IsDropIn(name) : IsOfOurs(name)) {
      found->push_back(folder + "/" + EscapeUntrusted(name, 128));
      continue;
    }
    const std::string program = ProgramOf(name, options_.libexec_dir);
    if (!shipped || program.empty()) continue;
    const auto text =
        ReadFileAt(AT_FDCWD, fmt::format("{}/{}", path, name), kMaxUnitBytes);
    // Gone is no harm: nothing is started by it.
    if (!text) continue;
    if (const Status own = CheckWorkerUnit(*text, program); !own) {
      found->push_back(
          fmt::format("{}/{}: {}", folder, name, own.error().message));
    }
  }
}

void StartFiles::Look() {
  std::vector<std::string> found;
  for (const char* folder : kOthers) LookAt(folder, false, &found);
  LookAt(kShipped, true, &found);
  const std::string preload = fmt::format("/etc/{}", kPreload);
  if (::access((options_.root + preload).c_str(), F_OK) == 0) {
    found.push_back(preload);
  }
  std::ranges::sort(found);
  foreign_ = std::move(found);
  Tell();
  if (!foreign_.empty()) {
    stained_ = true;
  } else if (stained_) {
    BeginReload();
  }
}

void StartFiles::Tell() {
  std::vector<std::string> all = foreign_;
  for (std::string& what : std::exchange(passing_, {})) {
    stained_ = true;
    if (std::ranges::find(all, what) == all.end()) {
      all.push_back(std::move(what));
    }
  }
  // While nothing is enforced nothing is anybody's business.
  if (!events_.enforcing()) return;
  for (const std::string& what : all) {
    if (std::ranges::find(told_, what) != told_.end()) continue;
    events_.foreign(what);
    told_.push_back(what);
  }
  // What is gone is told again when it comes again.
  std::erase_if(told_, [this](const std::string& what) {
    return std::ranges::find(foreign_, what) == foreign_.end();
  });
}

// So that what systemd holds is what lies on the disk, and no worker of before
// is left.
void StartFiles::BeginReload() {
  if (reloading_ || !events_.enforcing()) return;
  reloading_ = true;
  jobs_.Run(
      [systemctl = options_.systemctl]() -> Status {
        RETURN_IF_ERROR(RunProgram({systemctl, "daemon-reload"}));
        RETURN_IF_ERROR(RunProgram({systemctl, "stop", "sekisho-scan@*.service",
                                    "sekisho-probe@*.service",
                                    "sekisho-unlock@*.service"}));
        return RunProgram({systemctl, "restart", "sekisho-devices.service"});
      },
      [this](const Status& done) {
        reloading_ = false;
        if (!done) {
          Log(LogLevel::kError, "start files: " + done.error().message);
          return;  // tried again at the next look
        }
        stained_ = false;
        if (watch_) {
          Watch();
          ReadWatch();
        }
        Look();
      });
}

void StartFiles::OnModeChanged() { Look(); }

Status StartFiles::Check() {
  if (ReadWatch()) {
    if (watch_) Watch();
    Look();
  } else if (stained_ && foreign_.empty()) {
    BeginReload();
  }
  return Standing();
}

Status StartFiles::Standing() const {
  if (!events_.enforcing()) return {};
  if (!foreign_.empty()) {
    return Fail(Code::kPermissionDenied,
                "a unit file that is not the package's: " + foreign_[0]);
  }
  if (stained_) {
    return Fail(Code::kUnavailable, "the workers are being started again");
  }
  return {};
}

}  // namespace sekisho::agent
