#include "agent/programs.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/unique_fd.h"

namespace sekisho::agent {

namespace {

// linux/ioprio.h, which Debian 12 does not install.
constexpr int kIoOfProcess = 1;
constexpr unsigned kIoIdle = 3U << 13U;
constexpr int kLowestPriority = 19;

// `out`: its standard output; -1: /dev/null.
Result<pid_t> Spawn(const std::vector<std::string>& words, int out) {
  std::vector<std::string> copy = words;
  std::vector<char*> arguments;
  for (std::string& word : copy) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  std::string path = "PATH=/usr/sbin:/usr/bin:/sbin:/bin";
  std::string language = "LC_ALL=C.UTF-8";
  char* const environment[] = {path.data(), language.data(), nullptr};
  posix_spawn_file_actions_t files;
  ::posix_spawn_file_actions_init(&files);
  ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null",
                                     O_RDONLY, 0);
  if (out < 0) {
    ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null",
                                       O_WRONLY, 0);
  } else {
    ::posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
  }
  pid_t pid = 0;
  const int spawned = ::posix_spawn(&pid, copy[0].c_str(), &files, nullptr,
                                    arguments.data(), environment);
  ::posix_spawn_file_actions_destroy(&files);
  if (spawned != 0) return FailErrno("start " + copy[0], spawned);
  return pid;
}

Status WaitFor(pid_t pid, const std::string& name) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return FailErrno("wait for " + name);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Fail(Code::kUnknown,
                name + " failed with status " + std::to_string(status));
  }
  return {};
}

// Cuts what comes into lines; one that is too long is passed over.
class Lines {
 public:
  Lines(size_t longest, const std::function<void(std::string_view)>& line)
      : longest_(longest), line_(line) {}

  void Add(std::string_view bytes) {
    for (;;) {
      const size_t end = bytes.find('\n');
      const std::string_view part = bytes.substr(0, end);
      if (open_.size() + part.size() > longest_) {
        too_long_ = true;
        open_.clear();
      }
      if (!too_long_) open_ += part;
      if (end == std::string_view::npos) return;
      if (!too_long_) line_(open_);
      too_long_ = false;
      open_.clear();
      bytes.remove_prefix(end + 1);
    }
  }

 private:
  const size_t longest_;
  const std::function<void(std::string_view)>& line_;
  std::string open_;
  bool too_long_ = false;
};

// True: to the end. False: a bound was reached.
Result<bool> ReadLines(int fd, const ReadingBounds& bounds,
                       const std::function<void(std::string_view)>& line) {
  const auto until = std::chrono::steady_clock::now() + bounds.time;
  Lines lines(bounds.line_bytes, line);
  std::array<char, 65536> buffer{};
  int64_t bytes = 0;
  while (bytes < bounds.bytes) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    if (left.count() <= 0) return false;
    pollfd wait{fd, POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno == EINTR) continue;
    if (ready < 0) return FailErrno("poll");
    if (ready == 0) return false;
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("read");
    if (n == 0) return true;
    bytes += n;
    lines.Add({buffer.data(), static_cast<size_t>(n)});
  }
  return false;
}

}  // namespace

Status RunProgram(const std::vector<std::string>& words) {
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(words, -1));
  return WaitFor(pid, words[0]);
}

Result<std::string> OutputOf(const std::vector<std::string>& words,
                             size_t max_bytes) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return FailErrno("pipe");
  UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(words, to.get()));
  to.Reset();
  std::string output;
  std::array<char, 4096> piece{};
  while (output.size() <= max_bytes) {
    const ssize_t size = ::read(from.get(), piece.data(), piece.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) break;
    output.append(piece.data(), static_cast<size_t>(size));
  }
  from.Reset();
  if (output.size() > max_bytes) {
    ::kill(pid, SIGKILL);
    [[maybe_unused]] const Status ended = WaitFor(pid, words[0]);
    return Fail(
        Code::kResourceExhausted,
        fmt::format("{} wrote more than {} bytes", words[0], max_bytes));
  }
  RETURN_IF_ERROR(WaitFor(pid, words[0]));
  return output;
}

Result<bool> ReadProgram(const std::vector<std::string>& words,
                         const ReadingBounds& bounds,
                         const std::function<void(std::string_view)>& line) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0) return FailErrno("pipe");
  const UniqueFd from(ends[0]);
  UniqueFd to(ends[1]);
  ASSIGN_OR_RETURN(const pid_t pid, Spawn(words, to.get()));
  to.Reset();
  // Nothing depends on these.
  [[maybe_unused]] const int nice =
      ::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), kLowestPriority);
  [[maybe_unused]] const long idle =
      ::syscall(SYS_ioprio_set, kIoOfProcess, pid, kIoIdle);
  const auto whole = ReadLines(from.get(), bounds, line);
  if (!whole || !*whole) ::kill(pid, SIGKILL);
  const Status ended = WaitFor(pid, words[0]);
  if (!whole) return std::unexpected(whole.error());
  if (*whole) RETURN_IF_ERROR(ended);
  return *whole;
}

void NotifySystemd(const std::string& text) {
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || path[0] == '\0') return;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t length = std::strlen(path);
  if (length >= sizeof address.sun_path) return;
  std::memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = '\0';
  const UniqueFd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  const auto size =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + length);
  // Nothing to do about a failure: systemd restarts what it does not hear.
  [[maybe_unused]] const ssize_t sent =
      ::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL,
               reinterpret_cast<const sockaddr*>(&address), size);
}

int WatchdogIntervalMs() {
  const char* text = std::getenv("WATCHDOG_USEC");
  if (text == nullptr) return 0;
  int64_t microseconds = 0;
  std::from_chars(text, text + std::strlen(text), microseconds);
  return microseconds <= 0 ? 0 : static_cast<int>(microseconds / 2000);
}

}  // namespace sekisho::agent
