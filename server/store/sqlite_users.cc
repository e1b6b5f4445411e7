// Who may come in: users' roles, their second factor, their API tokens.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr int kMaxListed = 1'000;

constexpr const char* kTokenColumns =
    "token_id, hash, name, user, roles, created_by, create_time, expire_time, "
    "use_time, revoke_time, revoked_by, scope";

ApiToken TokenFrom(const Statement& row) {
  return {.id = row.Int(0),
          .hash = HashFrom(row.View(1)),
          .name = row.Text(2),
          .user = row.Text(3),
          .roles = RolesFrom(row.View(4)),
          .created_by = row.Text(5),
          .create_time = row.Time(6),
          .expire_time = row.Time(7),
          .use_time = row.MaybeTime(8),
          .revoke_time = row.MaybeTime(9),
          .revoked_by = row.Text(10),
          .scope = ScopeFrom(MaybeText(row, 11)),
          .person_id = ""};
}

// Called after the change, in its transaction: who would lock everybody out is
// refused, and the change with him. Users are managed by who sees all.
Status CheckAnAdminIsLeft(Connection& db) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT roles FROM users WHERE disable_time IS NULL AND scope "
               "IS NULL"));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return Fail(Code::kFailedPrecondition,
                  "the last admin stays: make another one first");
    }
    if (RolesFrom(row.View(0)).Has(Role::kAdmin)) return {};
  }
}

Status CheckChanged(const Connection& db, const std::string& name) {
  if (db.Changes() > 0) return {};
  return Fail(Code::kNotFound, "there is no user " + name);
}

}  // namespace

Result<std::vector<User>> SqliteStore::ListUsers() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT u.name, u.roles, u.password_hash, u.create_time, "
                "u.disable_time, coalesce(t.in_force, 0), "
                "coalesce(i.issuer, ''), coalesce(i.subject, ''), u.scope, "
                "u.person_id FROM users u "
                "LEFT JOIN totp t ON t.user = u.name "
                "LEFT JOIN provider_identities i ON i.user = u.name "
                "ORDER BY u.name"));
  std::vector<User> users;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return users;
    users.push_back({.name = row.Text(0),
                     .roles = RolesFrom(row.View(1)),
                     .password_hash = row.Text(2),
                     .create_time = row.Time(3),
                     .disable_time = row.MaybeTime(4),
                     .has_totp = row.Int(5) != 0,
                     .identity = {row.Text(6), row.Text(7)},
                     .scope = ScopeFrom(MaybeText(row, 8)),
                     .person_id = row.Text(9)});
  }
}

Status SqliteStore::SetRoles(const std::string& name, Roles roles) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE users SET roles=?2 WHERE name=?1", name, Print(roles)));
    RETURN_IF_ERROR(CheckChanged(db, name));
    return CheckAnAdminIsLeft(db);
  });
}

Status SqliteStore::SetScope(const std::string& name, const Scope& scope) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run("UPDATE users SET scope=?2 WHERE name=?1", name,
                           StoredScope(scope)));
    RETURN_IF_ERROR(CheckChanged(db, name));
    return CheckAnAdminIsLeft(db);
  });
}

Status SqliteStore::LinkPerson(const std::string& name,
                               const std::string& person_id) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE users SET person_id=?2 WHERE name=?1", name, person_id));
    return CheckChanged(db, name);
  });
}

Status SqliteStore::SetDisabled(const std::string& name,
                                std::optional<WallTime> since) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE users SET disable_time=?2 WHERE name=?1", name, since));
    RETURN_IF_ERROR(CheckChanged(db, name));
    if (!since) return {};
    RETURN_IF_ERROR(db.Run("DELETE FROM sessions WHERE user=?", name));
    RETURN_IF_ERROR(db.Run("DELETE FROM login_codes WHERE user=?", name));
    return CheckAnAdminIsLeft(db);
  });
}

Result<std::vector<StoredSession>> SqliteStore::ListSessions(
    const std::string& user, WallTime now, WallTime idle_since) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(
          "SELECT hash, user, address, create_time, use_time, "
          "expire_time, issuer FROM sessions WHERE (?1='' OR user=?1) AND "
          "expire_time>?2 AND use_time>=?3 "
          "ORDER BY create_time DESC LIMIT " +
              std::to_string(kMaxListed),
          user, now, idle_since));
  std::vector<StoredSession> sessions;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return sessions;
    StoredSession session;
    session.hash = HashFrom(row.View(0));
    session.user = row.Text(1);
    session.address = row.Text(2);
    session.create_time = row.Time(3);
    session.use_time = row.Time(4);
    session.expire_time = row.Time(5);
    session.issuer = row.Text(6);
    sessions.push_back(std::move(session));
  }
}

// ---- OpenID providers ----

Result<std::optional<std::string>> SqliteStore::FindUserOf(
    const ProviderIdentity& identity) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(
          "SELECT user FROM provider_identities WHERE issuer=? AND subject=?",
          identity.issuer, identity.subject));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return row.Text(0);
}

Status SqliteStore::BindUser(const ProviderIdentity& identity,
                             const std::string& user,
                             std::optional<Roles> made_roles,
                             const Scope& made_scope, WallTime now) {
  return Write([&](Connection& db) -> Status {
    if (made_roles) {
      RETURN_IF_ERROR(
          db.Run("INSERT INTO users (name, roles, password_hash, create_time, "
                 "scope) VALUES (?1,?2,'',?3,?4) ON CONFLICT (name) DO NOTHING",
                 user, Print(*made_roles), now, StoredScope(made_scope)));
    }
    {
      ASSIGN_OR_RETURN(Statement row,
                       db.Query("SELECT u.password_hash, u.disable_time, "
                                "coalesce(i.subject, '') FROM users u LEFT "
                                "JOIN provider_identities i "
                                "ON i.user = u.name WHERE u.name=?",
                                user));
      ASSIGN_OR_RETURN(const bool found, row.Step());
      if (!found || row.MaybeTime(1)) {
        return Fail(Code::kNotFound, "no user " + user + " may come in");
      }
      if (!row.Text(0).empty()) {
        return Fail(Code::kFailedPrecondition,
                    user +
                        " has a password of his own; to let him come "
                        "through the provider: sekisho user use-provider " +
                        user);
      }
      if (!row.Text(2).empty()) {
        return Fail(Code::kFailedPrecondition,
                    user +
                        " is somebody else at the provider: another subject "
                        "was here first");
      }
    }
    RETURN_IF_ERROR(
        db.Run("INSERT INTO provider_identities (issuer, subject, user, "
               "bind_time) VALUES (?,?,?,?) ON CONFLICT DO NOTHING",
               identity.issuer, identity.subject, user, now));
    if (db.Changes() > 0) return {};
    return Fail(Code::kAlreadyExists,
                "this identity is bound to another user already");
  });
}

Status SqliteStore::ReleaseUser(const std::string& user) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE users SET password_hash='' WHERE name=?", user));
    RETURN_IF_ERROR(CheckChanged(db, user));
    for (const char* table : {"provider_identities", "recovery_codes", "totp",
                              "login_codes", "sessions"}) {
      RETURN_IF_ERROR(
          db.Run(std::string("DELETE FROM ") + table + " WHERE user=?", user));
    }
    return {};
  });
}

// ---- the second factor ----

Result<std::optional<StoredTotp>> SqliteStore::FindTotp(
    const std::string& user) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT secret, in_force, last_step FROM totp WHERE user=?",
                user));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return StoredTotp{row.Text(0), row.Int(1) != 0, row.Int(2)};
}

Status SqliteStore::BeginTotp(const std::string& user,
                              const std::string& secret) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("INSERT INTO totp (user, secret, in_force, last_step) "
               "VALUES (?1,?2,0,0) ON CONFLICT (user) DO UPDATE "
               "SET secret=excluded.secret WHERE totp.in_force=0",
               user, Blob{secret}));
    if (db.Changes() > 0) return {};
    return Fail(Code::kFailedPrecondition,
                "a second factor is in force; an admin can reset it");
  });
}

Status SqliteStore::ConfirmTotp(const std::string& user, int64_t step,
                                const std::vector<SecretHash>& recovery) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE totp SET in_force=1, last_step=?2 WHERE user=?1 AND "
               "in_force=0",
               user, step));
    if (db.Changes() == 0) {
      return Fail(Code::kFailedPrecondition, "no second factor was begun");
    }
    RETURN_IF_ERROR(db.Run("DELETE FROM recovery_codes WHERE user=?", user));
    for (const SecretHash& hash : recovery) {
      RETURN_IF_ERROR(db.Run("INSERT INTO recovery_codes VALUES (?,?)",
                             Blob{AsText(hash)}, user));
    }
    return {};
  });
}

Result<bool> SqliteStore::UseTotpStep(const std::string& user, int64_t step) {
  bool used = false;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE totp SET last_step=?2 WHERE user=?1 AND in_force=1 AND "
               "last_step<?2",
               user, step));
    used = db.Changes() > 0;
    return {};
  });
  RETURN_IF_ERROR(written);
  return used;
}

Result<bool> SqliteStore::UseRecoveryCode(const std::string& user,
                                          const SecretHash& hash) {
  bool used = false;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run("DELETE FROM recovery_codes WHERE hash=? AND user=?",
                           Blob{AsText(hash)}, user));
    used = db.Changes() > 0;
    return {};
  });
  RETURN_IF_ERROR(written);
  return used;
}

Status SqliteStore::RemoveTotp(const std::string& user) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run("DELETE FROM recovery_codes WHERE user=?", user));
    RETURN_IF_ERROR(db.Run("DELETE FROM totp WHERE user=?", user));
    if (db.Changes() > 0) return {};
    return Fail(Code::kNotFound, user + " has no second factor");
  });
}

// ---- API tokens ----

Result<int64_t> SqliteStore::AddApiToken(const ApiToken& token) {
  int64_t id = 0;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run(
        "INSERT INTO api_tokens (hash, name, user, roles, created_by, "
        "create_time, expire_time, revoked_by, scope) "
        "SELECT ?1,?2,?3,?4,?5,?6,?7,'',?8 WHERE NOT EXISTS (SELECT 1 FROM "
        "api_tokens WHERE user=?3 AND name=?2 AND revoke_time IS NULL "
        "AND expire_time>?6)",
        Blob{AsText(token.hash)}, token.name, token.user, Print(token.roles),
        token.created_by, token.create_time, token.expire_time,
        StoredScope(token.scope)));
    if (db.Changes() == 0) {
      return Fail(Code::kAlreadyExists,
                  token.user + " has a token of the name " + token.name);
    }
    id = db.LastRowId();
    return {};
  });
  RETURN_IF_ERROR(written);
  return id;
}

Result<std::optional<ApiToken>> SqliteStore::FindApiToken(
    const SecretHash& hash) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string("SELECT ") + kTokenColumns +
                                 " FROM api_tokens WHERE hash=?",
                             Blob{AsText(hash)}));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) return std::nullopt;
  return TokenFrom(row);
}

Result<std::vector<ApiToken>> SqliteStore::ListApiTokens(
    const std::string& user) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string("SELECT ") + kTokenColumns +
                                 " FROM api_tokens WHERE (?1='' OR user=?1) "
                                 "ORDER BY token_id DESC LIMIT " +
                                 std::to_string(kMaxListed),
                             user));
  std::vector<ApiToken> tokens;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return tokens;
    tokens.push_back(TokenFrom(row));
  }
}

void SqliteStore::MarkApiTokenUsed(int64_t id, WallTime now) {
  Enqueue(
      [id, now](Connection& db) {
        return db.Run("UPDATE api_tokens SET use_time=?2 WHERE token_id=?1", id,
                      now);
      },
      [](const Status&) {});
}

Result<ApiToken> SqliteStore::RevokeApiToken(int64_t id,
                                             const std::string& user,
                                             const std::string& by,
                                             WallTime now) {
  ApiToken token;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("UPDATE api_tokens SET revoke_time=?4, revoked_by=?3 "
               "WHERE token_id=?1 AND (?2='' OR user=?2) AND "
               "revoke_time IS NULL",
               id, user, by, now));
    if (db.Changes() == 0) {
      return Fail(Code::kNotFound, "there is no such running token");
    }
    ASSIGN_OR_RETURN(Statement row,
                     db.Query(std::string("SELECT ") + kTokenColumns +
                                  " FROM api_tokens WHERE token_id=?",
                              id));
    RETURN_IF_ERROR(row.Step());
    token = TokenFrom(row);
    return {};
  });
  RETURN_IF_ERROR(written);
  return token;
}

}  // namespace sekisho::store
