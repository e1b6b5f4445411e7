// sekisho-devices: sees devices come and go and tells sekishod. No rights.
#include <csignal>

#include "agent/device/kernel_watch.h"
#include "agent/device/reporter.h"
#include "common/clock.h"
#include "common/event_loop.h"
#include "common/log.h"

int main(int argc, char** argv) {
  using namespace sekisho;
  if (argc > 2) {
    Log(LogLevel::kError, "usage: sekisho-devices [SOCKET]");
    return 2;
  }
  const std::string socket =
      argc == 2 ? argv[1]
                : std::string(ipc::kRuntimeDir) + "/" + ipc::kDevicesSocket;
  static_cast<void>(::signal(SIGPIPE, SIG_IGN));
  const SystemClock clock;
  auto loop = EventLoop::Create();
  auto watch = device::KernelWatch::Open(clock);
  if (!loop || !watch) {
    Log(LogLevel::kError, loop ? watch.error().message : loop.error().message);
    return 1;
  }
  device::Reporter reporter(**loop, **watch, socket);
  if (const Status started = reporter.Start(); !started) {
    Log(LogLevel::kError, started.error().message);
    return 1;
  }
  (*loop)->Run();
  return 0;
}
