// The part of the store that knows people of the console: users, sessions, the
// second factor, API tokens, the audit log. Secrets are kept hashed, but for
// the authenticator's, which must be read to check a code.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "proto/event_bytes.h"
#include "server/store/rows.h"

namespace sekisho::store {

using SecretHash = event::Hash;  // SHA-256 of a random secret

// Who somebody is at an OpenID provider, whatever he is called there.
struct ProviderIdentity {
  std::string issuer;
  std::string subject;
  bool operator==(const ProviderIdentity&) const = default;
};

struct User {
  std::string name;
  Roles roles;
  std::string password_hash;  // empty = none set
  WallTime create_time{};
  std::optional<WallTime> disable_time{};  // set = may not come in
  bool has_totp = false;                   // a second factor in force
  ProviderIdentity identity{};             // empty = none
  Scope scope{};                           // what he sees, whatever his roles
  std::string person_id{};  // who he is in the register of people; empty = ?
};
struct StoredSession {
  SecretHash hash{};
  std::string csrf;
  std::string user;
  std::string address;  // of the peer who logged in
  Roles roles;          // filled by FindSession, as has_totp is
  bool has_totp = false;
  WallTime create_time;
  WallTime use_time;
  WallTime expire_time;
  bool must_set_password = false;
  std::string issuer;          // of the provider he came through; empty = none
  bool second_factor = false;  // that provider tells of one
  Scope scope{};               // filled by FindSession, as is
  std::string person_id{};     // this
};

struct StoredTotp {
  std::string secret;     // raw bytes
  bool in_force = false;  // a right code was seen since
  int64_t last_step = 0;  // of the newest code that was used
};

struct ApiToken {
  int64_t id = 0;  // 0 = a new one
  SecretHash hash{};
  std::string name;
  std::string user;
  Roles roles;  // as given; what counts is the part the user still has
  std::string created_by;
  WallTime create_time;
  WallTime expire_time;
  std::optional<WallTime> use_time;
  std::optional<WallTime> revoke_time;
  std::string revoked_by;
  Scope scope{};            // as given; what counts is what the user sees of it
  std::string person_id{};  // its user's; filled when it is used
};

struct AuditFilter {
  std::string user;    // part of the name
  std::string action;  // its beginning: "policy." or "device.approve"
};

class UserStore {
 public:
  virtual ~UserStore() = default;

  virtual Result<std::optional<User>> FindUser(const std::string& name) = 0;
  virtual Status PutUser(const User& user, WallTime now) = 0;
  virtual Result<int64_t> CountUsers() = 0;
  // By name.
  virtual Result<std::vector<User>> ListUsers() = 0;
  // kNotFound; kFailedPrecondition if no user who may come in would be admin
  // of the whole fleet.
  virtual Status SetRoles(const std::string& name, Roles roles) = 0;
  // Errors as of SetRoles.
  virtual Status SetScope(const std::string& name, const Scope& scope) = 0;
  // To a person of the register; empty = to nobody. kNotFound.
  virtual Status LinkPerson(const std::string& name,
                            const std::string& person_id) = 0;
  // By what names a person of the register goes: his id, his accounts, the
  // users that are linked to him. Empty for an empty id.
  virtual Result<std::vector<std::string>> NamesOfPerson(
      const std::string& person_id) = 0;
  // The same of whom a user is linked to; "root (mori)" is both.
  virtual Result<std::vector<std::string>> NamesOfUser(
      const std::string& name) = 0;
  // Set: his sessions and login codes end too. Errors as of SetRoles.
  virtual Status SetDisabled(const std::string& name,
                             std::optional<WallTime> since) = 0;

  virtual Result<std::optional<std::string>> FindUserOf(
      const ProviderIdentity& identity) = 0;
  // For ever, to a user who has neither a password nor an identity. With
  // `made_roles` one who is not there is made. kNotFound: nobody of this name
  // may come in; kFailedPrecondition: he has a password or an identity;
  // kAlreadyExists: this identity is another's.
  virtual Status BindUser(const ProviderIdentity& identity,
                          const std::string& user,
                          std::optional<Roles> made_roles,
                          const Scope& made_scope, WallTime now) = 0;
  // Takes password, second factor, identity, login codes and sessions away:
  // the next of his name at the provider is he. kNotFound.
  virtual Status ReleaseUser(const std::string& user) = 0;

  virtual Status AddSession(const StoredSession& session) = 0;
  // Marks it used. kUnauthenticated: unknown, ended, idle since before
  // `idle_since`, or its user is disabled.
  virtual Result<StoredSession> FindSession(const SecretHash& hash,
                                            WallTime now,
                                            WallTime idle_since) = 0;
  // Of `user`, or of all if it is empty; newest first, at most 1,000.
  virtual Result<std::vector<StoredSession>> ListSessions(
      const std::string& user, WallTime now, WallTime idle_since) = 0;
  virtual Status EndSession(const SecretHash& hash) = 0;
  // New password hash; ends the user's other sessions.
  virtual Status SetPassword(const std::string& user,
                             const std::string& password_hash,
                             const SecretHash& keep) = 0;
  virtual Status AddLoginCode(const SecretHash& hash, const std::string& user,
                              WallTime expire_time) = 0;
  // The user's name; the code stays. kUnauthenticated.
  virtual Result<std::string> FindLoginCode(const SecretHash& hash,
                                            WallTime now) = 0;
  // Uses it up; the user's name. kUnauthenticated.
  virtual Result<std::string> UseLoginCode(const SecretHash& hash,
                                           WallTime now) = 0;

  virtual Result<std::optional<StoredTotp>> FindTotp(
      const std::string& user) = 0;
  // Begun, not yet in force. kFailedPrecondition: one is in force.
  virtual Status BeginTotp(const std::string& user,
                           const std::string& secret) = 0;
  // In force from now on, `step` used, with these recovery codes.
  virtual Status ConfirmTotp(const std::string& user, int64_t step,
                             const std::vector<SecretHash>& recovery) = 0;
  // False: that step or a later one was used before.
  virtual Result<bool> UseTotpStep(const std::string& user, int64_t step) = 0;
  // False: there is no such code, or it was used.
  virtual Result<bool> UseRecoveryCode(const std::string& user,
                                       const SecretHash& hash) = 0;
  // With its recovery codes. kNotFound.
  virtual Status RemoveTotp(const std::string& user) = 0;

  // kAlreadyExists: the user has a running one of this name. Its id.
  virtual Result<int64_t> AddApiToken(const ApiToken& token) = 0;
  virtual Result<std::optional<ApiToken>> FindApiToken(
      const SecretHash& hash) = 0;
  // Of `user`, or of all if it is empty; newest first, at most 1,000.
  virtual Result<std::vector<ApiToken>> ListApiTokens(
      const std::string& user) = 0;
  virtual void MarkApiTokenUsed(int64_t id, WallTime now) = 0;
  // Only one of `user`'s, if that is not empty. kNotFound: no such running one.
  virtual Result<ApiToken> RevokeApiToken(int64_t id, const std::string& user,
                                          const std::string& by,
                                          WallTime now) = 0;

  // Append-only.
  virtual Status AddAudit(const AuditEntry& entry) = 0;
  virtual Result<Page<AuditEntry>> ListAudit(const AuditFilter& filter,
                                             const Paging& paging) = 0;
  // About one object ("device 0781:5581:X"), newest first, at most 1,000.
  virtual Result<std::vector<AuditEntry>> AuditOf(
      const std::string& object) = 0;
};

}  // namespace sekisho::store
