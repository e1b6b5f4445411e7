#include "agent/uplink/config.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::uplink {
namespace {

constexpr size_t kMaxPemBytes = size_t{64} * 1024;
constexpr std::string_view kKeyBegins = "-----BEGIN PRIVATE KEY-----";

std::string_view Unquote(std::string_view value) {
  if (value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
      value.back() == value.front()) {
    return value.substr(1, value.size() - 2);
  }
  return value;
}

// "host", "host:port", "1.2.3.4:port", "[v6]:port", "[v6]".
std::string WithPort(std::string_view server, int port) {
  const size_t colon = server.rfind(':');
  const bool has_port = colon != std::string_view::npos &&
                        server.find(']', colon) == std::string_view::npos;
  return has_port ? std::string(server)
                  : std::string(server) + ":" + std::to_string(port);
}

Status ParseReconnect(std::string_view value, BackoffLimits& limits) {
  int seconds = 0;
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), seconds);
  if (error != std::errc() || end != value.data() + value.size() ||
      seconds < 1 || seconds > 3600) {
    return Fail(Code::kInvalidArgument,
                "reconnect_max_seconds is a number from 1 to 3600");
  }
  limits.longest = std::chrono::seconds(seconds);
  limits.unanswered = std::min(limits.unanswered, limits.longest);
  return {};
}

}  // namespace

Result<Config> ParseConfig(std::string_view text) {
  Config config;
  for (std::string_view line : Split(text, '\n')) {
    if (line.starts_with(' ') || line.starts_with('#')) continue;
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    std::string_view value = line.substr(colon + 1);
    if (const size_t comment = value.find(" #");
        comment != std::string_view::npos) {
      value = value.substr(0, comment);
    }
    value = Unquote(Trim(value));
    const std::string_view key = Trim(line.substr(0, colon));
    if (key == "server" && !value.empty()) {
      config.server = WithPort(value, kAgentPort);
    }
    if (key == "enrolment" && !value.empty()) {
      config.enrolment = WithPort(value, kEnrolmentPort);
    }
    if (key == "reconnect_max_seconds") {
      RETURN_IF_ERROR(ParseReconnect(value, config.backoff));
    }
  }
  if (config.server.empty()) {
    return Fail(Code::kNotFound,
                "no server is named; run: sekisho enroll --server HOST:7444 "
                "--token TOKEN");
  }
  if (config.enrolment.empty()) {
    const size_t colon = config.server.rfind(':');
    config.enrolment =
        config.server.substr(0, colon) + ":" + std::to_string(kEnrolmentPort);
  }
  return config;
}

Result<Identity> ReadIdentity(const std::string& dir) {
  Identity identity;
  ASSIGN_OR_RETURN(identity.certificate,
                   ReadFileAt(AT_FDCWD, dir + "/agent.crt", kMaxPemBytes));
  if (const size_t key = identity.certificate.find(kKeyBegins);
      key != std::string::npos) {
    identity.key = identity.certificate.substr(key);
    identity.certificate.resize(key);
  } else {
    ASSIGN_OR_RETURN(identity.key,
                     ReadFileAt(AT_FDCWD, dir + "/agent.key", kMaxPemBytes));
  }
  ASSIGN_OR_RETURN(identity.ca,
                   ReadFileAt(AT_FDCWD, dir + "/ca.crt", kMaxPemBytes));
  return identity;
}

Status WriteRenewed(const std::string& dir, const Identity& identity) {
  RETURN_IF_ERROR(ReplaceFile(dir + "/agent.crt",
                              identity.certificate + identity.key, 0600));
  // Of no use any more; if it stays, agent.crt still comes first.
  ::unlink((dir + "/agent.key").c_str());
  return {};
}

}  // namespace sekisho::uplink
