#include "agent/programs.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "common/unique_fd.h"

namespace sekisho::agent {

Status RunProgram(const std::vector<std::string>& words) {
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
  ::posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null",
                                     O_WRONLY, 0);
  pid_t pid = 0;
  const int spawned = ::posix_spawn(&pid, copy[0].c_str(), &files, nullptr,
                                    arguments.data(), environment);
  ::posix_spawn_file_actions_destroy(&files);
  if (spawned != 0) return FailErrno("start " + copy[0], spawned);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) return FailErrno("wait for " + copy[0]);
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    return Fail(Code::kUnknown,
                copy[0] + " failed with status " + std::to_string(status));
  }
  return {};
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
