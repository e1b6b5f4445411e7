// Who may come to the console: passwords, one-time codes, the second factor,
// sessions, API tokens.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/store/user_store.h"

namespace sekisho::auth {

inline constexpr auto kSessionLife = std::chrono::hours(12);
inline constexpr auto kSessionIdle = std::chrono::hours(1);
inline constexpr auto kLoginCodeLife = std::chrono::hours(1);
inline constexpr size_t kMinPasswordBytes = 12;
inline constexpr size_t kMaxPasswordBytes = 1024;
inline constexpr size_t kMaxUserBytes = 64;
// Wrong tries by name or by address before both wait.
inline constexpr int kMaxWrongTries = 5;
inline constexpr auto kWrongTriesWait = std::chrono::minutes(5);

// A session that was just made: the only moment its token is known.
struct Login {
  std::string token;
  store::StoredSession session;
  // Name and password are right, but there is no session before the second
  // factor; `session.user` is set.
  bool needs_second_factor = false;
};

// Who an OpenID provider says is there (server/oidc has verified it).
struct ProviderLogin {
  store::ProviderIdentity identity;
  std::string name;  // whom he wants to be, at his first time
  // Unset: who is not known is refused.
  std::optional<store::Roles> made_roles;
  store::Scope made_scope{};
  bool second_factor = false;  // the provider asked him for one
};

// Calls of one API token in a minute of the clock.
inline constexpr int kTokenCallsPerMinute = 600;
inline constexpr size_t kMaxTokenNameBytes = 64;
inline constexpr auto kMaxTokenLife = std::chrono::days(366);
// So that one that leaks is found by those who search for secrets.
inline constexpr char kTokenPrefix[] = "sekisho_";

// kInvalidArgument, saying what a name is.
Status CheckUserName(const std::string& user);

// Thread-safe. Passwords are hashed one at a time.
class Accounts {
 public:
  // Who has one of `require_totp` must enrol a second factor. If there are
  // `password_users`, only they come in with a password or a one-time code.
  Accounts(store::UserStore& store, const Clock& clock,
           store::Roles require_totp = {},
           std::optional<std::vector<std::string>> password_users = {})
      : store_(store),
        clock_(clock),
        require_totp_(require_totp),
        password_users_(std::move(password_users)) {}

  // kUnauthenticated says the same for a wrong name and a wrong password;
  // kResourceExhausted after kMaxWrongTries.
  Result<Login> LoginWithPassword(const std::string& user,
                                  const std::string& password,
                                  const std::string& address,
                                  const std::string& second_factor = "");
  // A code is not used up before the second factor is right.
  Result<Login> LoginWithCode(const std::string& code,
                              const std::string& address,
                              const std::string& second_factor = "");
  // By issuer and subject; at the first time also by name, to a user who has
  // no password, and bound for ever. kNotFound: not known here, with the reason
  // for the log; kFailedPrecondition: his role needs a second factor that the
  // provider does not tell of.
  Result<Login> LoginThroughProvider(const ProviderLogin& arrival,
                                     const std::string& address);
  // Answers of the provider that were not to be believed, by address: counted
  // apart from wrong passwords.
  Status CheckProviderTries(const std::string& address) {
    return CheckTries("provider " + address);
  }
  void CountWrongAnswer(const std::string& address) {
    CountWrong("provider " + address);
  }
  // The next of his name at the provider is he. kFailedPrecondition: he is one
  // of those who break the glass.
  Status MoveToProvider(const std::string& user);
  bool MayUsePassword(const std::string& user) const;

  Result<store::StoredSession> FindSession(const std::string& token);
  Status Logout(const std::string& token);
  Status SetPassword(const std::string& token, const std::string& password);
  // A code for `user`. The first user there is is made, with every role; after
  // that kNotFound for who is not there; kFailedPrecondition: passwords are not
  // for him.
  Result<std::string> CreateLogin(const std::string& user);
  // kAlreadyExists. A code for his first login; empty: he needs none, he comes
  // through the provider.
  Result<std::string> AddUser(const std::string& user, store::Roles roles,
                              const store::Scope& scope = {});

  bool MustEnrolTotp(const store::StoredSession& session) const {
    return session.issuer.empty() && session.roles.HasAnyOf(require_totp_) &&
           !session.has_totp;
  }
  // Raw bytes of a new secret, not yet in force.
  Result<std::string> BeginTotp(const std::string& token);
  // Recovery codes. kUnauthenticated: the code is wrong.
  Result<std::vector<std::string>> ConfirmTotp(const std::string& token,
                                               const std::string& code);

  // The secret is set, the rest is as it was stored.
  struct MadeToken {
    std::string secret;
    store::ApiToken token;
  };
  Result<MadeToken> AddApiToken(store::ApiToken wish,
                                std::chrono::seconds life);
  // With the roles its user still has, and the terminals he still sees.
  // kUnauthenticated: unknown, over, revoked, or its user is disabled;
  // kResourceExhausted: too many calls.
  Result<store::ApiToken> UseApiToken(const std::string& secret,
                                      const std::string& address);

 private:
  struct Tries {
    int wrong = 0;
    WallTime last;
  };
  Status CheckTries(const std::string& key);
  void CountWrong(const std::string& key);
  enum class Password { kSet, kToBeSet };
  Result<Login> MakeSession(const store::User& user, const std::string& address,
                            Password password,
                            const ProviderLogin* through = nullptr);
  Result<std::string> BindAtFirstTime(const ProviderLogin& arrival);
  // False: it is needed and was not given.
  Result<bool> CheckSecondFactor(const store::User& user,
                                 const std::string& address,
                                 const std::string& second_factor);
  Status CheckCalls(int64_t token_id);

  struct Calls {
    int64_t minute = 0;
    int count = 0;
  };
  store::UserStore& store_;
  const Clock& clock_;
  const store::Roles require_totp_;
  const std::optional<std::vector<std::string>> password_users_;
  std::mutex hashing_;
  std::mutex mutex_;  // guards tries_, calls_
  std::map<std::string, Tries> tries_;
  std::map<int64_t, Calls> calls_;
};

}  // namespace sekisho::auth
