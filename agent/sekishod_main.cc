// sekishod: decides which devices may be used and what may reach a medium.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/signalfd.h>

#include <csignal>
#include <string_view>

#include "agent/agent.h"
#include "agent/agent_gate.h"
#include "agent/programs.h"
#include "common/file.h"
#include "common/log.h"

namespace {

using namespace sekisho;

// Feeds systemd's watchdog from the loop: a loop that hangs is restarted.
void FeedWatchdog(EventLoop& loop, int interval_ms) {
  agent::NotifySystemd("WATCHDOG=1");
  loop.After(std::chrono::milliseconds(interval_ms),
             [&loop, interval_ms] { FeedWatchdog(loop, interval_ms); });
}

Result<UniqueFd> TakeLock(const std::string& runtime_dir) {
  ASSIGN_OR_RETURN(UniqueFd lock, OpenAt(AT_FDCWD, runtime_dir + ".lock",
                                         O_RDWR | O_CREAT | O_NOFOLLOW, 0600));
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
    return Fail(Code::kFailedPrecondition, "sekishod runs already");
  }
  return lock;
}

Status Run(const agent::AgentOptions& options) {
  ASSIGN_OR_RETURN(const UniqueFd lock, TakeLock(options.runtime_dir));
  sigset_t signals;
  ::sigemptyset(&signals);
  ::sigaddset(&signals, SIGTERM);
  ::sigaddset(&signals, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const UniqueFd signal_fd(::signalfd(-1, &signals, SFD_CLOEXEC));
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGIO, SIG_IGN);  // of a lease, see own_programs.cc
  // The first start writes the whole spool once.
  agent::NotifySystemd("EXTEND_TIMEOUT_USEC=300000000");
  const SystemClock clock;
  ASSIGN_OR_RETURN(const auto loop, EventLoop::Create());
  agent::OpenedGate gate = agent::OpenKernelGate(options);
  ASSIGN_OR_RETURN(const auto daemon,
                   agent::Agent::Create(*loop, clock, options,
                                        std::move(gate.gate), gate.problem));
  RETURN_IF_ERROR(daemon->Start());
  RETURN_IF_ERROR(loop->Add(signal_fd.get(), EPOLLIN, [&](uint32_t) {
    daemon->Stop("stopped by a signal");
    loop->Stop();
  }));
  agent::NotifySystemd("READY=1");
  if (const int interval_ms = agent::WatchdogIntervalMs(); interval_ms > 0) {
    FeedWatchdog(*loop, interval_ms);
  }
  loop->Run();
  agent::NotifySystemd("STOPPING=1");
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  agent::AgentOptions options;
  if (argc == 3 && std::string_view(argv[1]) == "--root") {
    options = agent::TestOptions(argv[2]);
  } else if (argc != 1) {
    Log(LogLevel::kError, "usage: sekishod [--root DIR (tests)]");
    return 2;
  }
  if (const Status status = Run(options); !status) {
    Log(LogLevel::kError, status.error().message);
    return 1;
  }
  return 0;
}
