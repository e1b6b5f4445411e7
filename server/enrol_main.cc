// sekisho-enrol: the enrolment and CA process. The only one an unknown peer
// can reach, the only one that holds the CA's key and the sketch key; it has no
// store and asks the server over a local socket.
#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <systemd/sd-daemon.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "server/config.h"
#include "server/service/enrol_service.h"
#include "server/service/grpc_log.h"

namespace {

using namespace sekisho;

constexpr timespec kCheckEvery{.tv_sec = 3600, .tv_nsec = 0};
constexpr int kMaxAgentHours = 366 * 24;

Result<std::array<std::byte, 32>> ReadSketchKey(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string hex, ReadFileAt(AT_FDCWD, path, 256));
  ASSIGN_OR_RETURN(const Bytes bytes, FromHex(Trim(hex)));
  std::array<std::byte, 32> key;
  if (bytes.size() != key.size()) {
    return Fail(Code::kDataLoss, path + " is not a key of 32 bytes");
  }
  std::memcpy(key.data(), bytes.data(), key.size());
  return key;
}

Result<std::chrono::seconds> AgentLife(const Config& config) {
  const std::string& text = config.Get("agent_certificate_hours");
  int hours = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), hours);
  if (error != std::errc() || end != text.data() + text.size() || hours < 1 ||
      hours > kMaxAgentHours) {
    return Fail(Code::kInvalidArgument,
                "agent_certificate_hours is a number from 1 to 8784");
  }
  return std::chrono::hours(hours);
}

Status Run(const Config& config, const Clock& clock) {
  const std::string dir = config.Get("state") + "/ca";
  // Opening would make a new CA where there is none: that is init's to do.
  RETURN_IF_ERROR(OpenAt(AT_FDCWD, dir + "/ca.key", O_RDONLY));
  ASSIGN_OR_RETURN(const auto ca,
                   auth::CertificateAuthority::OpenOrCreate(dir, clock.Now()));
  ASSIGN_OR_RETURN(const auto sketch_key, ReadSketchKey(dir + "/sketch.key"));
  service::LinkClient link(config.Get("runtime") + "/enrol.sock");
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  signal(SIGPIPE, SIG_IGN);
  service::EnrolOptions options;
  options.listen = config.Get("enrol_listen");
  options.dir = dir;
  ASSIGN_OR_RETURN(options.agent_life, AgentLife(config));
  ASSIGN_OR_RETURN(
      const auto server,
      service::EnrolServer::Start(options, *ca, sketch_key, link, clock));
  std::printf("enrol %d\n", server->port());
  std::fflush(stdout);
  sd_notify(0, "READY=1");
  do {
    if (auto renewed = server->RenewServerCertificates(); !renewed) {
      Log(LogLevel::kWarning,
          "server certificates: " + renewed.error().message);
    }
  } while (sigtimedwait(&signals, nullptr, &kCheckEvery) < 0);
  sd_notify(0, "STOPPING=1");
  server->Shutdown();
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> args(argv + 1, argv + argc);
  const auto config = ReadConfig(args);
  if (!config || !config->words.empty()) {
    std::fprintf(stderr, "%s\nusage: sekisho-enrol [OPTION VALUE]...\n%s",
                 config ? "" : config.error().message.c_str(),
                 ConfigHelp().c_str());
    return 2;
  }
  if (sodium_init() < 0) {
    return 1;
  }
  if (auto set = service::SetLog(config->Get("log_format")); !set) {
    std::fprintf(stderr, "%s\n", set.error().message.c_str());
    return 2;
  }
  const SystemClock clock;
  if (const Status done = Run(*config, clock); !done) {
    Log(LogLevel::kError, "sekisho-enrol: " + done.error().message);
    return 1;
  }
  return 0;
}
