// sekisho-scan: looks into content on behalf of the gate, without rights.
// Started by systemd once for each connection, which is its standard input; a
// crash ends that connection and nothing else.
//
//   sekisho-scan                 serves the socket on standard input
//   sekisho-scan --listen PATH   listens itself, one child a connection (tests)
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <string>
#include <string_view>

#include "agent/scan/sandbox.h"
#include "agent/scan/scan.h"
#include "common/log.h"
#include "common/unix_socket.h"
#include "detect/formats/inspect.h"
#include "seal/seal.h"

namespace {

using namespace sekisho;

int ServeStandardInput() {
  // Blocking, whatever the one who made the socket chose.
  const int flags = ::fcntl(STDIN_FILENO, F_GETFL);
  if (flags < 0 || ::fcntl(STDIN_FILENO, F_SETFL, flags & ~O_NONBLOCK) != 0) {
    Log(LogLevel::kError, "standard input is no socket");
    return 2;
  }
  detect::PrepareFormats();
  if (const Status status = seal::Prepare(); !status) {
    Log(LogLevel::kWarning, "no samples: " + status.error().message);
  }
  if (const Status status = scan::EnterSandbox(); !status) {
    Log(LogLevel::kError, "sandbox: " + status.error().message);
    return 1;
  }
  const SystemClock clock;
  if (const Status status = scan::Serve(STDIN_FILENO, clock); !status) {
    Log(LogLevel::kWarning, status.error().message);
    return 1;
  }
  return 0;
}

int ServePath(const std::string& path) {
  const Result<UniqueFd> listener = ListenSeqpacket(path, 0600);
  if (!listener) {
    Log(LogLevel::kError, listener.error().message);
    return 3;
  }
  ::signal(SIGCHLD, SIG_IGN);  // children are not waited for
  for (;;) {
    pollfd waiting{listener->get(), POLLIN, 0};
    if (::poll(&waiting, 1, -1) < 0) {
      continue;
    }
    Result<UniqueFd> connection = AcceptSeqpacket(listener->get());
    if (!connection) {
      continue;
    }
    if (::fork() == 0) {
      ::signal(SIGCHLD, SIG_DFL);
      if (::dup2(connection->get(), STDIN_FILENO) < 0) {
        ::_exit(1);
      }
      ::_exit(ServeStandardInput());
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 1) {
    return ServeStandardInput();
  }
  if (argc == 3 && std::string_view(argv[1]) == "--listen") {
    return ServePath(argv[2]);
  }
  Log(LogLevel::kError, "usage: sekisho-scan [--listen PATH]");
  return 2;
}
