// The server's half of enrolment: tokens and agents. Certificates are made by
// the enrolment process, which asks here over a local socket.
#pragma once

#include <string>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/publisher.h"
#include "server/store/store.h"

namespace sekisho::core {

struct Application {
  std::string token;
  std::string hostname;
  std::string machine_id;
  std::string agent_version;
  event::ChainPublicKey chain_key{};
  std::string address;  // of the peer, for audit
};

struct Granted {
  std::string agent_id;
  std::string terminal;
  int32_t epoch = 1;
  std::string root_file;
};

// Thread-safe. Each call is in the audit log; a token's second use and its use
// from a wrong host are alerts, too.
class Enrolment {
 public:
  Enrolment(store::Store& store, const Clock& clock, Changes& changes,
            const Publisher& publisher)
      : store_(store),
        clock_(clock),
        changes_(changes),
        publisher_(publisher) {}

  // Uses the token up. kUnauthenticated (unknown, used), kDeadlineExceeded
  // (expired), kPermissionDenied (other host), kInvalidArgument.
  Result<Granted> Grant(const Application& application);
  // The certificate that was made for it; from now on the agent may connect.
  Status Certified(const std::string& agent_id, const std::string& serial,
                   WallTime not_after);
  // What the enrolment process refused by itself (a bad CSR).
  void Refused(const std::string& hostname, const std::string& address,
               const std::string& reason);

 private:
  void Alarm(const std::string& kind, const store::SecretHash& token,
             const Application& application, const std::string& title);

  store::Store& store_;
  const Clock& clock_;
  Changes& changes_;
  const Publisher& publisher_;
};

}  // namespace sekisho::core
