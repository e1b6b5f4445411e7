// What the uplink is told: /etc/sekisho/agent.yaml, of which it reads flat
// "key: value" lines, and the files that enrolment wrote.
#pragma once

#include <string>
#include <string_view>

#include "agent/uplink/backoff.h"
#include "common/result.h"

namespace sekisho::uplink {

inline constexpr size_t kMaxConfigBytes = size_t{64} * 1024;
inline constexpr char kConfigPath[] = "/etc/sekisho/agent.yaml";
inline constexpr char kStateDir[] = "/var/lib/sekisho/uplink";
inline constexpr int kAgentPort = 7443;

struct Config {
  std::string server;  // "host:port"
  BackoffLimits backoff;
};

// Keys: `server` (port 7443 if it names none), `reconnect_max_seconds` (1 to
// 3600). Others are for others. kNotFound: no server is named.
Result<Config> ParseConfig(std::string_view text);

// PEM, read anew for each connection.
struct Identity {
  std::string key;
  std::string certificate;
  std::string ca;
};
// agent.key, agent.crt and ca.crt in `dir`.
Result<Identity> ReadIdentity(const std::string& dir);

}  // namespace sekisho::uplink
