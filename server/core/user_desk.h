// What people may ask and do about users, sessions, the second factor and API
// tokens; the other part of core::Desk (queries.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "server/core/roles.h"
#include "server/store/user_store.h"

namespace sekisho::core {

using store::ApiToken;
using store::AuditEntry;
using store::AuditFilter;
using store::Scope;
using store::User;

// Who asks. Made by the door he came through, never from a request's field.
struct Caller {
  std::string user;  // "tanaka"; "root (tanaka)" on the admin socket
  Roles roles;
  std::string door;     // "console", "socket", "socket (break-glass)"
  std::string address;  // peer's address, for the audit log; may be empty
  Via via = Via::kPerson;
  std::string session_id{};  // of the console's session; else empty
  store::Scope scope{};      // the terminals he sees
  // Other names of his: of the person of the register whom he is linked to.
  std::vector<std::string> also_named{};
};

struct Session {
  std::string token;  // secret; for a cookie. Stored hashed
  std::string csrf;   // to be sent back in a header with each change
  std::string user;
  std::string id;  // names it to people, opens nothing
  Roles roles;
  store::Scope scope;
  std::string person_id;                // of the register; empty = not linked
  std::vector<std::string> also_named;  // as Caller's
  WallTime expire_time;
  // He came with a one-time code: every call but SetPassword is refused.
  bool must_set_password = false;
  // One of his roles needs a second factor and he has none: every call but
  // BeginTotp and ConfirmTotp is refused.
  bool must_enrol_totp = false;
  bool has_totp = false;
  // Name and password are right, and nothing else is set: come again with the
  // second factor.
  bool needs_second_factor = false;
  bool via_provider = false;  // he came through the OpenID provider
};

// What the sign-in page offers.
struct SignInWays {
  std::string provider;   // as its button names it; empty = there is none
  bool passwords = true;  // false: only for who breaks the glass
};
// The way to the provider and what the browser keeps until it is back.
struct ProviderStart {
  std::string url;
  std::string attempt;  // secret, for a cookie
};
// What the browser brings back, unchecked.
struct ProviderAnswer {
  std::string attempt;  // of the cookie
  std::string state, code, issuer, error;
};

struct SessionRow {
  std::string id;
  std::string user;
  std::string address;
  std::string issuer;  // of the provider he came through; empty = none
  WallTime create_time, use_time, expire_time;
  bool current = false;  // the one that asks
};

// What an authenticator app needs; shown once.
struct TotpSecret {
  std::string text;  // base32
  std::string uri;   // otpauth://...
};

inline constexpr auto kMaxApiTokenLife = std::chrono::days(366);

struct ApiTokenWish {
  std::string name;
  std::string user;
  Roles roles;  // some of the user's
  std::chrono::seconds life{0};
  store::Scope scope{};  // part of what the user sees
};
struct MadeApiToken {
  std::string secret;  // shown once, stored hashed
  ApiToken token;
};

class UserDesk {
 public:
  virtual ~UserDesk() = default;

  virtual Result<std::vector<User>> ListUsers(const Caller& caller) = 0;
  // A one-time code for his first login. kAlreadyExists; kInvalidArgument: a
  // group that the register does not have.
  virtual Result<std::string> AddUser(const Caller& caller,
                                      const std::string& user, Roles roles,
                                      const Scope& scope) = 0;
  // kPermissionDenied: nobody changes his own; kFailedPrecondition: the last
  // admin stays.
  virtual Status SetRoles(const Caller& caller, const std::string& user,
                          Roles roles) = 0;
  // Which terminals he sees. Errors as of SetRoles and AddUser.
  virtual Status SetScope(const Caller& caller, const std::string& user,
                          const Scope& scope) = 0;
  // Who he is in the register of people: what concerns that person concerns
  // him. Empty: nobody, he goes by his name alone. kNotFound: no such user or
  // person; kPermissionDenied: nobody links himself.
  virtual Status LinkPerson(const Caller& caller, const std::string& user,
                            const std::string& person) = 0;
  // His sessions end at once. Errors as of SetRoles.
  virtual Status DisableUser(const Caller& caller, const std::string& user,
                             const std::string& reason) = 0;
  virtual Status EnableUser(const Caller& caller, const std::string& user) = 0;
  // Of another, who then comes in with his password alone.
  virtual Status ResetTotp(const Caller& caller, const std::string& user,
                           const std::string& reason) = 0;
  // Takes another user's password, second factor, identity and sessions away:
  // from then on he comes through the provider. kFailedPrecondition: there is
  // none, or he breaks the glass.
  virtual Status MoveToProvider(const Caller& caller, const std::string& user,
                                const std::string& reason) = 0;
  // A one-time code. The first user there is is made, with every role; after
  // that kNotFound for who is not there.
  virtual Result<std::string> CreateLogin(const Caller& caller,
                                          const std::string& user) = 0;

  virtual Result<std::vector<SessionRow>> ListSessions(
      const Caller& caller) = 0;
  virtual Status EndSession(const Caller& caller, const std::string& id) = 0;
  virtual Result<std::vector<SessionRow>> ListMySessions(
      const Caller& caller) = 0;
  virtual Status EndMySession(const Caller& caller, const std::string& id) = 0;

  virtual Result<std::vector<ApiToken>> ListApiTokens(const Caller& caller) = 0;
  // kInvalidArgument: a role the user has not, or a life over a year.
  virtual Result<MadeApiToken> AddApiToken(const Caller& caller,
                                           const ApiTokenWish& wish) = 0;
  virtual Status RevokeApiToken(const Caller& caller, int64_t id) = 0;
  virtual Result<std::vector<ApiToken>> ListMyApiTokens(
      const Caller& caller) = 0;
  // `wish.user` does not count.
  virtual Result<MadeApiToken> AddMyApiToken(const Caller& caller,
                                             const ApiTokenWish& wish) = 0;
  virtual Status RevokeMyApiToken(const Caller& caller, int64_t id) = 0;

  // Newest first.
  virtual Result<store::Page<AuditEntry>> ListAudit(
      const Caller& caller, const AuditFilter& filter,
      const store::Paging& paging) = 0;

  // kUnauthenticated without saying whether name or password was wrong, or if
  // the second factor is; kResourceExhausted after too many wrong tries.
  // `second_factor`: six digits of the app or a recovery code; empty = not
  // asked yet. `address` is the peer's.
  virtual Result<Session> LoginWithPassword(
      const std::string& user, const std::string& password,
      const std::string& address, const std::string& second_factor) = 0;
  // The code of `sekisho login NAME`; usable once, within an hour.
  virtual Result<Session> LoginWithCode(const std::string& code,
                                        const std::string& address,
                                        const std::string& second_factor) = 0;
  // Asks nobody.
  virtual SignInWays GetSignInWays() = 0;
  // May wait for the provider, some seconds: not for a thread that serves
  // others. kUnavailable: it does not answer.
  virtual Result<ProviderStart> BeginProviderLogin(
      const std::string& address) = 0;
  // As BeginProviderLogin. kAborted: the attempt is over or not this
  // browser's; kCancelled: he was refused or turned back there; kNotFound: not
  // known here; kPermissionDenied: not in a group that may come in;
  // kFailedPrecondition: his role needs a second factor that the provider does
  // not tell of; kUnauthenticated: what it says cannot be believed.
  virtual Result<Session> LoginWithProvider(const ProviderAnswer& answer,
                                            const std::string& address) = 0;
  // The session of a cookie; `csrf` is filled, `token` is empty.
  // kUnauthenticated: unknown, ended or idle too long.
  virtual Result<Session> FindSession(const std::string& token) = 0;
  virtual Status Logout(const std::string& token) = 0;
  // Of the session's own user, at least 12 characters. Ends his other sessions.
  virtual Status SetPassword(const std::string& session_token,
                             const std::string& password) = 0;
  // Of the session's own user. kFailedPrecondition: one is in force already.
  virtual Result<TotpSecret> BeginTotp(const std::string& session_token) = 0;
  // The code of the app puts it in force. Ten recovery codes, shown once.
  virtual Result<std::vector<std::string>> ConfirmTotp(
      const std::string& session_token, const std::string& code) = 0;
  // Who a bearer token of the JSON API stands for; `call` ("GET alerts") is
  // written down with the token's name. kUnauthenticated: unknown, over,
  // revoked; kResourceExhausted: too many calls a minute.
  virtual Result<Caller> UseApiToken(const std::string& secret,
                                     const std::string& address,
                                     const std::string& call) = 0;
};

}  // namespace sekisho::core
