#include "cli/hidden_line.h"

#include <fcntl.h>
#include <termios.h>
#include <unistd.h>

#include "common/file.h"

namespace sekisho::cli {
namespace {

constexpr size_t kMaxLineBytes = 1024;

}  // namespace

Result<std::string> ReadHidden(const char* prompt) {
  const auto terminal = OpenAt(AT_FDCWD, "/dev/tty", O_RDWR | O_NOCTTY);
  if (!terminal) {
    return Fail(Code::kFailedPrecondition,
                "no terminal to ask for a passphrase; give it by a file or by "
                "standard input, see --help");
  }
  const int fd = terminal->get();
  termios shown{};
  if (::tcgetattr(fd, &shown) != 0) {
    return FailErrno("/dev/tty");
  }
  RETURN_IF_ERROR(WriteAll(fd, AsBytes(prompt)));
  termios hidden = shown;
  hidden.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  if (::tcsetattr(fd, TCSAFLUSH, &hidden) != 0) {
    return FailErrno("/dev/tty");
  }
  std::string line;
  line.reserve(kMaxLineBytes);
  char c = 0;
  while (line.size() < kMaxLineBytes && ::read(fd, &c, 1) == 1 && c != '\n') {
    line += c;
  }
  ::tcsetattr(fd, TCSAFLUSH, &shown);
  RETURN_IF_ERROR(WriteAll(fd, AsBytes("\n")));
  return line;
}

}  // namespace sekisho::cli
