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

// A certificate may follow another this often in a day: an answer that got
// lost on its way is asked for again, with another key.
inline constexpr int kMaxCertificatesADay = 8;
inline constexpr auto kRenewalApprovalLife = std::chrono::days(7);

// The holder of an agent's key (the enrolment process saw the proof) asks for
// the certificate after `serial`.
struct RenewalWish {
  std::string agent_id;
  std::string serial;
  std::string key_hash;  // of the new key
  std::string address;
};

// A certificate that was made.
struct Certified {
  store::NewCertificate certificate;
  std::string replaces;  // serial; empty = the agent's first
  std::string address;
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
  Status Note(const Certified& made);
  // Whether it may have its next certificate. kUnauthenticated: not one of
  // ours, or a newer one was used; kPermissionDenied: revoked;
  // kAlreadyExists: the new key was certified before (a replay);
  // kResourceExhausted: too many today; kFailedPrecondition: expired, and no
  // admin has approved yet, which is asked for with this.
  Status MayRenew(const RenewalWish& wish);
  // What the enrolment process refused by itself (a bad CSR).
  void Refused(const std::string& hostname, const std::string& address,
               const std::string& reason);

 private:
  Status CheckRenewal(const RenewalWish& wish, const store::RenewalCase& found);
  Status Written(const RenewalWish& wish, const Status& result);
  Status AwaitApproval(const RenewalWish& wish,
                       const store::RenewalCase& found);
  void Alarm(const std::string& kind, const store::SecretHash& token,
             const Application& application, const std::string& title);

  store::Store& store_;
  const Clock& clock_;
  Changes& changes_;
  const Publisher& publisher_;
};

// A certificate was shown after a newer one of the same agent had been used:
// one alert a certificate.
void ReportRetiredCertificate(store::Store& store, const Clock& clock,
                              Changes& changes, const std::string& agent_id,
                              const std::string& terminal,
                              const std::string& serial);

}  // namespace sekisho::core
