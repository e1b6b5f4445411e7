// sekisho-server: the policy server. `init` makes its keys, `check-sinks` sends
// a test to whoever is told, without a word it runs.
#include <signal.h>
#include <sodium.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>

#include <charconv>
#include <cstdio>
#include <thread>

#include "common/log.h"
#include "server/config.h"
#include "server/export/sink.h"
#include "server/server.h"

namespace {

using namespace sekisho;

int Usage(const std::string& error) {
  std::fprintf(
      stderr,
      "%s%susage: sekisho-server [init | check-sinks] [OPTION VALUE]...\n%s",
      error.c_str(), error.empty() ? "" : "\n", ConfigHelp().c_str());
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

// A line for each sink; 1 if one did not take it.
int CheckSinks(const Config& config, const Clock& clock) {
  const auto sinks = server_export::ReadSinks(config.Get("sinks"), true);
  if (!sinks) {
    std::fprintf(stderr, "%s\n", sinks.error().message.c_str());
    return 2;
  }
  signal(SIGPIPE, SIG_IGN);
  int failed = 0;
  for (const auto& sink : sinks->sinks) {
    const server_export::Record test[] = {
        server_export::TestRecord(sink.name, clock.Now())};
    const auto receiver = server_export::MakeSink(sink);
    Status sent = receiver->Deliver(test, clock.Now());
    if (sent) {
      std::this_thread::sleep_for(receiver->settle_time());
      sent = receiver->StillThere();
    }
    std::printf("%s  %s%s%s\n", sent ? "ok  " : "FAIL", sink.name.c_str(),
                sent ? "" : ": ", sent ? "" : sent.error().message.c_str());
    failed += sent ? 0 : 1;
  }
  std::printf("%zu sinks, %d failed\n", sinks->sinks.size(), failed);
  return failed > 0 ? 1 : 0;
}

// Every agent holds a descriptor; running out of them stops the listener.
void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit);
  }
}

int Run(const Config& config, const Clock& clock) {
  ServerOptions options;
  options.state_dir = config.Get("state");
  options.runtime_dir = config.Get("runtime");
  options.agents_listen = config.Get("agents_listen");
  options.console_address = config.Get("console_address");
  options.console_dir = config.Get("console_dir");
  options.enrol_user = config.Get("enrol_user");
  options.sinks_file = config.Get("sinks");
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
  std::printf("agents %d\nconsole %d\n", (*server)->agents_port(),
              (*server)->console_port());
  std::fflush(stdout);
  sd_notify(0, "READY=1");
  int signal_number = 0;
  sigwait(&signals, &signal_number);
  sd_notify(0, "STOPPING=1");
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
  const SystemClock clock;
  if (config->words.empty()) {
    return Run(*config, clock);
  }
  if (config->words.size() == 1 && config->words[0] == "init") {
    return Init(*config, clock);
  }
  if (config->words.size() == 1 && config->words[0] == "check-sinks") {
    return CheckSinks(*config, clock);
  }
  return Usage("");
}
