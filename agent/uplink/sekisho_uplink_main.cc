// sekisho-uplink: events to the policy server, signed policy from it. Runs as
// its own user, holds the terminal's TLS key, decides nothing.
#include <fcntl.h>
#include <signal.h>

#include "agent/uplink/network_watch.h"
#include "agent/uplink/uplink.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"

namespace sekisho::uplink {
namespace {

Status Run() {
  ASSIGN_OR_RETURN(const std::string boot_id,
                   ReadFileAt(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64));
  ASSIGN_OR_RETURN(const auto loop, EventLoop::Create());
  const SystemClock clock;
  const auto server = NewGrpcServerLink(*loop);
  UplinkOptions options;
  options.core_socket =
      std::string(ipc::kRuntimeDir) + "/" + ipc::kUplinkSocket;
  options.agent_version = SEKISHO_VERSION;
  options.boot_id = Trim(boot_id);
  Uplink uplink(*loop, *server, clock, std::move(options));
  const auto watch =
      WatchNetwork(*loop, [&uplink] { uplink.OnNetworkChanged(); });
  if (!watch) Log(LogLevel::kWarning, watch.error().message);
  uplink.Start();
  loop->Run();
  return {};
}

}  // namespace
}  // namespace sekisho::uplink

int main() {
  ::signal(SIGPIPE, SIG_IGN);
  if (const auto ran = sekisho::uplink::Run(); !ran) {
    sekisho::Log(sekisho::LogLevel::kError, ran.error().message);
    return 1;
  }
  return 0;
}
