// sekisho-server: the policy server. `init` makes its keys, other words look
// after it, without one it runs.
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <charconv>
#include <cstdio>
#include <optional>

#include "common/log.h"
#include "server/config.h"
#include "server/operate_commands.h"
#include "server/server.h"
#include "server/service/grpc_log.h"

namespace {

using namespace sekisho;

// The unit's TimeoutStopSec= leaves a sink's patience on top.
constexpr auto kDrainLimit = std::chrono::seconds(10);

int Usage(const std::string& error) {
  std::fprintf(stderr, "%s%susage: sekisho-server [%s] [OPTION VALUE]...\n%s",
               error.c_str(), error.empty() ? "" : "\n", kOperateWords,
               ConfigHelp().c_str());
  return 2;
}

int Init(const Config& config, const Clock& clock) {
  const Status done =
      InitServer({config.Get("state"), config.names, config.Get("server_user"),
                  config.Get("enrol_user")},
                 clock);
  if (!done) {
    std::fprintf(stderr, "sekisho-server init: %s\n",
                 done.error().message.c_str());
    return 1;
  }
  return 0;
}

// Every agent holds a descriptor; running out of them stops the listener.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

std::optional<std::chrono::days> DaysOf(const Config& config,
                                        const std::string& key) {
  constexpr int kMost = 3660;
  const std::string& text = config.Get(key);
  int days = -1;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, days);
  if (parsed.ec != std::errc() || parsed.ptr != end || days < 0 ||
      days > kMost) {
    return std::nullopt;
  }
  return std::chrono::days(days);
}

int Run(const Config& config, const Clock& clock) {
  ServerOptions options;
  options.state_dir = config.Get("state");
  options.runtime_dir = config.Get("runtime");
  options.database = config.Get("database");
  options.agents_listen = config.Get("agents_listen");
  options.console_address = config.Get("console_address");
  options.console_dir = config.Get("console_dir");
  options.enrol_user = config.Get("enrol_user");
  options.sinks_file = config.Get("sinks");
  options.metrics_listen = config.Get("metrics_listen");
  const std::string& port = config.Get("console_port");
  if (std::from_chars(port.data(), port.data() + port.size(),
                      options.console_port)
              .ec != std::errc() ||
      options.console_port > 65535) {
    return Usage("console_port is a number up to 65535");
  }
  const auto roles = store::ParseRoles(config.Get("require_totp"));
  if (!roles) {
    return Usage("require_totp has a word that is no role: " +
                 config.Get("require_totp"));
  }
  options.require_totp = *roles;
  const auto every = DaysOf(config, "stocktake_days");
  const auto remind = DaysOf(config, "stocktake_remind_days");
  if (!every || !remind) {
    return Usage(
        "stocktake_days and stocktake_remind_days are numbers from 0 "
        "to 3660");
  }
  options.stocktake = {*every, *remind};
  auto duties = core::ReadDuties(config.file);
  if (!duties) return Usage(duties.error().message);
  options.duties = std::move(*duties);
  auto provider = oidc::ReadSettings(config.file);
  if (!provider) return Usage(provider.error().message);
  options.provider = std::move(*provider);
  RaiseFileLimit();
  // Blocked in every thread; taken below.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const auto server = Server::Start(options, clock);
  if (!server) {
    Log(LogLevel::kError, "sekisho-server: " + server.error().message);
    return 1;
  }
  std::printf("agents %d\nconsole %d\nmetrics %d\n", (*server)->agents_port(),
              (*server)->console_port(), (*server)->metrics_port());
  std::fflush(stdout);
  sd_notify(0, "READY=1");
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  sd_notify(0, "STOPPING=1");
  (*server)->Drain(kDrainLimit);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> args(argv + 1, argv + argc);
  const auto config = ReadConfig(args);
  if (!config) {
    return Usage(config.error().message);
  }
  if (sodium_init() < 0) {
    return 1;
  }
  if (auto set = service::SetLog(config->Get("log_format")); !set) {
    return Usage(set.error().message);
  }
  const SystemClock clock;
  if (config->words.empty()) {
    return Run(*config, clock);
  }
  if (config->words.size() == 1 && config->words[0] == "init") {
    return Init(*config, clock);
  }
  if (const auto status = RunOperateCommand(*config, clock)) {
    return *status;
  }
  return Usage("");
}
