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
inline constexpr int kEnrolmentPort = 7444;

struct Config {
  std::string server;     // "host:port"
  std::string enrolment;  // "host:port", where certificates are renewed
  BackoffLimits backoff;
};

// Keys: `server` (port 7443 if it names none), `enrolment` (the server's host,
// port 7444, if it is not there), `reconnect_max_seconds` (1 to 3600). Others
// are for others. kNotFound: no server is named.
Result<Config> ParseConfig(std::string_view text);

// PEM, read anew for each connection.
struct Identity {
  std::string key;
  std::string certificate;
  std::string ca;
};
// agent.crt, agent.key and ca.crt in `dir`. After a renewal the key stands in
// agent.crt, behind the certificate, and there is no agent.key: one file is
// replaced in one step, so that key and certificate never part.
Result<Identity> ReadIdentity(const std::string& dir);
Status WriteRenewed(const std::string& dir, const Identity& identity);

}  // namespace sekisho::uplink
