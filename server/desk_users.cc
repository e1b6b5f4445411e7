// Users, their sessions, second factor and API tokens.
#include <algorithm>

#include "common/bytes.h"
#include "common/text.h"
#include "server/auth/totp.h"
#include "server/core/requests.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxReasonBytes = 512;
constexpr size_t kMaxShownBytes = 1024;
constexpr size_t kSessionIdBytes = 8;

std::string ObjectOf(const std::string& user) { return "user " + user; }

std::string TokenObject(int64_t id) { return "token " + std::to_string(id); }

// Behind sudo he is still himself, and under a second name.
Status CheckNotHimself(const Caller& caller, const std::string& user) {
  if (!core::IsHimself(caller, user)) return {};
  return Fail(Code::kPermissionDenied,
              "nobody changes himself; ask another admin");
}

std::string ShownScope(const core::Scope& scope) {
  return EscapeUntrusted(store::Print(scope), kMaxShownBytes);
}

std::string ScopeText(const core::Scope& scope) {
  return scope.IsWholeFleet() ? "" : " sees=" + ShownScope(scope);
}

std::vector<core::SessionRow> RowsOf(
    const std::vector<store::StoredSession>& sessions, const Caller& caller) {
  std::vector<core::SessionRow> rows;
  for (const store::StoredSession& one : sessions) {
    core::SessionRow row;
    row.id = SessionIdOf(one.hash);
    row.user = one.user;
    row.address = one.address;
    row.issuer = one.issuer;
    row.create_time = one.create_time;
    row.use_time = one.use_time;
    row.expire_time = one.expire_time;
    row.current = row.id == caller.session_id;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

Status CheckReason(const std::string& reason) {
  if (!Trim(reason).empty() && reason.size() <= kMaxReasonBytes &&
      IsValidUtf8(reason)) {
    return {};
  }
  return Fail(Code::kInvalidArgument,
              "a reason is needed: UTF-8 text of at most 512 bytes");
}

std::string SessionIdOf(const store::SecretHash& hash) {
  return ToHex(std::span(hash).first(kSessionIdBytes));
}

Result<std::string> JoinedDesk::AddUser(const Caller& caller,
                                        const std::string& user,
                                        core::Roles roles,
                                        const core::Scope& scope) {
  return WriteDown<std::string>(
      caller, "user.add", ObjectOf(user),
      "roles=" + store::Print(roles) + ScopeText(scope),
      [&]() -> Result<std::string> {
        RETURN_IF_ERROR(CheckGroups(scope));
        return p_.accounts.AddUser(user, roles, scope);
      });
}

// What is misspelt would be seen by nobody, and nobody would know why.
Status JoinedDesk::CheckGroups(const core::Scope& scope) {
  if (scope.IsWholeFleet()) return {};
  const auto groups = scope.groups();
  if (groups.empty() || groups.size() > store::kMaxScopeGroups) {
    return Fail(Code::kInvalidArgument,
                "a scope is 1 to " + std::to_string(store::kMaxScopeGroups) +
                    " groups of the terminal register");
  }
  ASSIGN_OR_RETURN(const auto known, p_.store.TerminalGroups());
  for (const std::string& group : groups) {
    if (std::ranges::binary_search(known, group)) continue;
    return Fail(Code::kInvalidArgument,
                "no terminal of the register is in the group '" +
                    EscapeUntrusted(group, kMaxShownBytes) + "'");
  }
  return {};
}

Status JoinedDesk::SetScope(const Caller& caller, const std::string& user,
                            const core::Scope& scope) {
  const auto before = p_.store.FindUser(user);
  return WriteDown<void>(
      caller, "user.set_scope", ObjectOf(user),
      "sees=" + ShownScope(scope) +
          " before=" + (before && *before ? ShownScope((*before)->scope) : ""),
      [&]() -> Status {
        RETURN_IF_ERROR(CheckNotHimself(caller, user));
        RETURN_IF_ERROR(CheckGroups(scope));
        return p_.store.SetScope(user, scope);
      });
}

Status JoinedDesk::LinkPerson(const Caller& caller, const std::string& user,
                              const std::string& person) {
  const auto before = p_.store.FindUser(user);
  return WriteDown<void>(
      caller, "user.link", ObjectOf(user),
      "person=" + EscapeUntrusted(person, kMaxShownBytes) + " before=" +
          (before && *before ? EscapeUntrusted((*before)->person_id) : ""),
      [&]() -> Status {
        RETURN_IF_ERROR(CheckNotHimself(caller, user));
        if (person.empty()) return p_.store.LinkPerson(user, "");
        ASSIGN_OR_RETURN(const auto found, p_.store.FindPerson(person));
        if (!found || found->remove_time) {
          return Fail(Code::kNotFound,
                      "there is nobody of this id in the people register");
        }
        return p_.store.LinkPerson(user, person);
      });
}

Status JoinedDesk::SetRoles(const Caller& caller, const std::string& user,
                            core::Roles roles) {
  const auto before = p_.store.FindUser(user);
  return WriteDown<void>(
      caller, "user.set_roles", ObjectOf(user),
      "roles=" + store::Print(roles) + " before=" +
          (before && *before ? store::Print((*before)->roles) : ""),
      [&]() -> Status {
        RETURN_IF_ERROR(CheckNotHimself(caller, user));
        return p_.store.SetRoles(user, roles);
      });
}

Status JoinedDesk::DisableUser(const Caller& caller, const std::string& user,
                               const std::string& reason) {
  return WriteDown<void>(caller, "user.disable", ObjectOf(user), reason,
                         [&]() -> Status {
                           RETURN_IF_ERROR(CheckReason(reason));
                           RETURN_IF_ERROR(CheckNotHimself(caller, user));
                           return p_.store.SetDisabled(user, p_.clock.Now());
                         });
}

Status JoinedDesk::EnableUser(const Caller& caller, const std::string& user) {
  return WriteDown<void>(caller, "user.enable", ObjectOf(user), "",
                         [&]() -> Status {
                           RETURN_IF_ERROR(CheckNotHimself(caller, user));
                           return p_.store.SetDisabled(user, std::nullopt);
                         });
}

Status JoinedDesk::ResetTotp(const Caller& caller, const std::string& user,
                             const std::string& reason) {
  return WriteDown<void>(caller, "totp.reset", ObjectOf(user), reason,
                         [&]() -> Status {
                           RETURN_IF_ERROR(CheckReason(reason));
                           RETURN_IF_ERROR(CheckNotHimself(caller, user));
                           return p_.store.RemoveTotp(user);
                         });
}

Result<std::string> JoinedDesk::CreateLogin(const Caller& caller,
                                            const std::string& user) {
  return WriteDown<std::string>(caller, "login.create", ObjectOf(user), "",
                                [&] { return p_.accounts.CreateLogin(user); });
}

Result<std::vector<core::SessionRow>> JoinedDesk::SessionsOf(
    const Caller& caller, const std::string& user) {
  const WallTime now = p_.clock.Now();
  ASSIGN_OR_RETURN(const auto sessions,
                   p_.store.ListSessions(user, now, now - auth::kSessionIdle));
  return RowsOf(sessions, caller);
}

Status JoinedDesk::EndSessionOf(const Caller& caller, const std::string& user,
                                const std::string& id) {
  return WriteDown<void>(
      caller, "session.end", "session " + EscapeUntrusted(id, 64), user,
      [&]() -> Status {
        const WallTime now = p_.clock.Now();
        ASSIGN_OR_RETURN(
            const auto sessions,
            p_.store.ListSessions(user, now, now - auth::kSessionIdle));
        const auto found = std::ranges::find_if(sessions, [&](const auto& one) {
          return SessionIdOf(one.hash) == id;
        });
        if (found == sessions.end()) {
          return Fail(Code::kNotFound, "there is no such session");
        }
        return p_.store.EndSession(found->hash);
      });
}

Result<std::vector<core::SessionRow>> JoinedDesk::ListSessions(
    const Caller& caller) {
  return SessionsOf(caller, "");
}
Status JoinedDesk::EndSession(const Caller& caller, const std::string& id) {
  return EndSessionOf(caller, "", id);
}
Result<std::vector<core::SessionRow>> JoinedDesk::ListMySessions(
    const Caller& caller) {
  return SessionsOf(caller, caller.user);
}
Status JoinedDesk::EndMySession(const Caller& caller, const std::string& id) {
  return EndSessionOf(caller, caller.user, id);
}

// ---- API tokens ----

Result<core::MadeApiToken> JoinedDesk::AddApiToken(
    const Caller& caller, const core::ApiTokenWish& wish) {
  return WriteDown<core::MadeApiToken>(
      caller, "token.add", "token " + EscapeUntrusted(wish.name, 64),
      "user=" + wish.user + " roles=" + store::Print(wish.roles) + " days=" +
          std::to_string(
              std::chrono::floor<std::chrono::days>(wish.life).count()) +
          ScopeText(wish.scope),
      [&]() -> Result<core::MadeApiToken> {
        store::ApiToken token;
        token.name = wish.name;
        token.user = wish.user;
        token.roles = wish.roles;
        token.scope = wish.scope;
        RETURN_IF_ERROR(CheckGroups(wish.scope));
        token.created_by = caller.user;
        ASSIGN_OR_RETURN(auto made,
                         p_.accounts.AddApiToken(std::move(token), wish.life));
        return core::MadeApiToken{std::move(made.secret),
                                  std::move(made.token)};
      });
}

Result<core::MadeApiToken> JoinedDesk::AddMyApiToken(
    const Caller& caller, const core::ApiTokenWish& wish) {
  core::ApiTokenWish mine = wish;
  mine.user = caller.user;
  return AddApiToken(caller, mine);
}

Status JoinedDesk::RevokeTokenOf(const Caller& caller, const std::string& user,
                                 int64_t id) {
  auto revoked = p_.store.RevokeApiToken(id, user, caller.user, p_.clock.Now());
  const std::string detail =
      revoked ? revoked->name + " of " + revoked->user : "";
  RETURN_IF_ERROR(Written<store::ApiToken>(p_.store, p_.clock, caller,
                                           "token.revoke", TokenObject(id),
                                           detail, std::move(revoked)));
  return {};
}

Status JoinedDesk::RevokeApiToken(const Caller& caller, int64_t id) {
  return RevokeTokenOf(caller, "", id);
}
Status JoinedDesk::RevokeMyApiToken(const Caller& caller, int64_t id) {
  return RevokeTokenOf(caller, caller.user, id);
}

// Each call is written down: a token has no face.
Result<Caller> JoinedDesk::UseApiToken(const std::string& secret,
                                       const std::string& address,
                                       const std::string& call) {
  auto token = p_.accounts.UseApiToken(secret, address);
  Caller caller;
  if (token) {
    auto names = p_.store.NamesOfPerson(token->person_id);
    if (names) {
      caller.also_named = std::move(*names);
    } else {
      token = std::unexpected(names.error());
    }
  }
  caller.address = address;
  caller.door = "token";
  caller.via = core::Via::kApiToken;
  if (token) {
    caller.user = token->user;
    caller.roles = token->roles;
    caller.scope = token->scope;
    caller.door += " " + token->name;
  }
  RETURN_IF_ERROR(Note(p_.store, p_.clock, caller, "api.call",
                       token ? TokenObject(token->id) : "",
                       EscapeUntrusted(call, 256),
                       token ? Status() : std::unexpected(token.error())));
  if (!token) return std::unexpected(token.error());
  return caller;
}

// ---- the second factor ----

Result<core::TotpSecret> JoinedDesk::BeginTotp(
    const std::string& session_token) {
  ASSIGN_OR_RETURN(const auto session, p_.accounts.FindSession(session_token));
  ASSIGN_OR_RETURN(
      const std::string secret,
      Written<std::string>(p_.store, p_.clock, Of(session), "totp.begin",
                           ObjectOf(session.user), "",
                           p_.accounts.BeginTotp(session_token)));
  return core::TotpSecret{auth::ToBase32(secret),
                          auth::OtpauthUri(session.user, secret)};
}

Result<std::vector<std::string>> JoinedDesk::ConfirmTotp(
    const std::string& session_token, const std::string& code) {
  ASSIGN_OR_RETURN(const auto session, p_.accounts.FindSession(session_token));
  return Written<std::vector<std::string>>(
      p_.store, p_.clock, Of(session), "totp.enrol", ObjectOf(session.user), "",
      p_.accounts.ConfirmTotp(session_token, code));
}

}  // namespace sekisho
