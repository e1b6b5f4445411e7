// The OpenID provider of the settings: where its endpoints are, its keys, and
// what a browser that came back from it is worth. Knows nothing of users here.
//
// Thread-safe. Methods that say so wait for the provider: callers use threads
// of their own. What it said is kept for a while; when it does not answer, it
// is left in peace for kRetryAfter.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/oidc/attempt.h"
#include "server/oidc/fetch.h"
#include "server/oidc/id_token.h"
#include "server/oidc/settings.h"

namespace sekisho::oidc {

inline constexpr auto kFactsLife = std::chrono::hours(1);
inline constexpr auto kRetryAfter = std::chrono::seconds(10);
// A token with an unknown key asks for the keys again, this often at most.
inline constexpr auto kKeysAgainAfter = std::chrono::seconds(30);
inline constexpr size_t kMaxCodeBytes = 4096;

// What the browser brings to the callback, unchecked.
struct Answer {
  std::string state, code, issuer, error;
};

// Who came, as the provider says.
struct Arrival {
  std::string subject;
  std::string name;  // of the claim that names users; may be empty
  std::vector<std::string> groups;
  bool second_factor = false;  // its token tells of one
};

// Of a new user, if the settings say that one is made; nullopt = he must be
// known. kPermissionDenied: he is in no group that may come in.
Result<std::optional<store::Roles>> Admit(const Settings& settings,
                                          const Arrival& arrival);

// Which terminals a new user sees.
store::Scope ScopeOfNew(const Settings& settings, const Arrival& arrival);

class Provider {
 public:
  Provider(Settings settings, std::unique_ptr<Fetcher> fetcher,
           const Clock& clock)
      : settings_(std::move(settings)),
        fetcher_(std::move(fetcher)),
        clock_(clock) {}

  const Settings& settings() const { return settings_; }

  // Where to send the browser. Waits. kUnavailable.
  Result<std::string> Url(const Attempt& attempt);
  // Waits. kAborted: not this attempt's answer, or too late; kCancelled: the
  // provider sent him back; kUnavailable; kUnauthenticated: not to be believed.
  // Messages are for the log.
  Result<Arrival> Finish(const Attempt& attempt, const Answer& answer);
  // For the doctor: asks anew. One line that says what was found.
  Result<std::string> Check();

 private:
  // The discovery document, as far as it is used.
  struct Facts {
    std::string authorization_endpoint;
    std::string token_endpoint;
    std::string jwks_uri;
    bool names_itself = false;  // RFC 9207
    bool takes_basic = true;    // client_secret_basic
    WallTime time;
  };
  Result<Facts> GetFacts();
  Result<Facts> FetchFacts();
  Result<KeySet> FetchKeys(const Facts& facts);
  Result<nlohmann::json> FetchObject(const std::string& what,
                                     const std::string& url);
  Status CheckIssuer(const Answer& answer, const Facts& facts) const;
  Result<nlohmann::json> Exchange(const Attempt& attempt, const Answer& answer,
                                  const Facts& facts);
  Result<IdToken> VerifyWithNewestKeys(const std::string& token,
                                       const Expected& expected,
                                       const Facts& facts);
  Result<Arrival> ToArrival(const IdToken& token) const;

  const Settings settings_;
  const std::unique_ptr<Fetcher> fetcher_;
  const Clock& clock_;
  // Held while it is asked, so that it is asked once.
  std::mutex mutex_;  // guards all below
  std::optional<Facts> facts_;
  std::optional<KeySet> keys_;
  WallTime keys_time_{};
  std::optional<Error> trouble_;
  WallTime trouble_time_{};
};

}  // namespace sekisho::oidc
