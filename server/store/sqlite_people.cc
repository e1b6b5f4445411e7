// Users, sessions, one-time codes, the audit log.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kAuditColumns =
    "row_id, time, user, door, address, action, object, result, detail";

AuditEntry AuditFrom(const Statement& row) {
  return {row.Int(0),  row.Time(1), row.Text(2), row.Text(3), row.Text(4),
          row.Text(5), row.Text(6), row.Text(7), row.Text(8)};
}

}  // namespace

Roles RolesFrom(std::string_view text) {
  return ParseRoles(text).value_or(Roles());
}

Result<std::optional<User>> SqliteStore::FindUser(const std::string& name) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT u.roles, u.password_hash, u.create_time, "
                "u.disable_time, coalesce(t.in_force, 0), "
                "coalesce(i.issuer, ''), coalesce(i.subject, ''), u.scope, "
                "u.person_id FROM users u "
                "LEFT JOIN totp t ON t.user = u.name "
                "LEFT JOIN provider_identities i ON i.user = u.name "
                "WHERE u.name=?",
                name));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return std::nullopt;
  }
  return User{.name = name,
              .roles = RolesFrom(row.View(0)),
              .password_hash = row.Text(1),
              .create_time = row.Time(2),
              .disable_time = row.MaybeTime(3),
              .has_totp = row.Int(4) != 0,
              .identity = {row.Text(5), row.Text(6)},
              .scope = ScopeFrom(MaybeText(row, 7)),
              .person_id = row.Text(8)};
}

Status SqliteStore::PutUser(const User& user, WallTime now) {
  return Write([&](Connection& db) {
    return db.Run(
        "INSERT INTO users (name, roles, password_hash, create_time, scope, "
        "person_id) VALUES (?1,?2,?3,?4,?5,?6) ON CONFLICT (name) DO UPDATE "
        "SET roles=excluded.roles, password_hash=excluded.password_hash, "
        "scope=excluded.scope, person_id=excluded.person_id",
        user.name, Print(user.roles), user.password_hash, now,
        StoredScope(user.scope), user.person_id);
  });
}

Result<int64_t> SqliteStore::CountUsers() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row, db->Query("SELECT count(*) FROM users"));
  RETURN_IF_ERROR(row.Step());
  return row.Int(0);
}

Status SqliteStore::AddSession(const StoredSession& session) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run("DELETE FROM sessions WHERE expire_time<=?",
                           session.create_time));
    return db.Run(
        "INSERT INTO sessions (hash, csrf, user, create_time, "
        "use_time, expire_time, must_set_password, address, issuer, "
        "second_factor) VALUES (?,?,?,?,?,?,?,?,?,?)",
        Blob{AsText(session.hash)}, session.csrf, session.user,
        session.create_time, session.use_time, session.expire_time,
        session.must_set_password, session.address, session.issuer,
        session.second_factor);
  });
}

Result<StoredSession> SqliteStore::FindSession(const SecretHash& hash,
                                               WallTime now,
                                               WallTime idle_since) {
  StoredSession session;
  {
    ASSIGN_OR_RETURN(Reading db, Read());
    ASSIGN_OR_RETURN(
        Statement row,
        db->Query("SELECT s.csrf, s.user, s.create_time, s.use_time, "
                  "s.expire_time, s.must_set_password, u.roles, s.address, "
                  "coalesce(t.in_force, 0), s.issuer, s.second_factor, "
                  "u.scope, u.person_id "
                  "FROM sessions s "
                  "JOIN users u ON u.name = s.user AND u.disable_time IS NULL "
                  "LEFT JOIN totp t ON t.user = s.user WHERE s.hash=?",
                  Blob{AsText(hash)}));
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found || row.Time(4) <= now || row.Time(3) < idle_since) {
      return Fail(Code::kUnauthenticated, "please log in");
    }
    session.hash = hash;
    session.csrf = row.Text(0);
    session.user = row.Text(1);
    session.create_time = row.Time(2);
    session.use_time = row.Time(3);
    session.expire_time = row.Time(4);
    session.must_set_password = row.Int(5) != 0;
    session.roles = RolesFrom(row.View(6));
    session.address = row.Text(7);
    session.has_totp = row.Int(8) != 0;
    session.issuer = row.Text(9);
    session.second_factor = row.Int(10) != 0;
    session.scope = ScopeFrom(MaybeText(row, 11));
    session.person_id = row.Text(12);
  }
  // Once a minute is enough to know that it is not idle.
  if (now - session.use_time > std::chrono::minutes(1)) {
    Enqueue(
        [hash, now](Connection& db) {
          return db.Run("UPDATE sessions SET use_time=?2 WHERE hash=?1",
                        Blob{AsText(hash)}, now);
        },
        [](const Status&) {});
  }
  return session;
}

Status SqliteStore::EndSession(const SecretHash& hash) {
  return Write([&](Connection& db) {
    return db.Run("DELETE FROM sessions WHERE hash=?", Blob{AsText(hash)});
  });
}

Status SqliteStore::SetPassword(const std::string& user,
                                const std::string& password_hash,
                                const SecretHash& keep) {
  return Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(db.Run("UPDATE users SET password_hash=?2 WHERE name=?1",
                           user, password_hash));
    RETURN_IF_ERROR(db.Run("DELETE FROM sessions WHERE user=? AND hash<>?",
                           user, Blob{AsText(keep)}));
    return db.Run("UPDATE sessions SET must_set_password=0 WHERE hash=?",
                  Blob{AsText(keep)});
  });
}

Status SqliteStore::AddLoginCode(const SecretHash& hash,
                                 const std::string& user,
                                 WallTime expire_time) {
  return Write([&](Connection& db) {
    return db.Run("INSERT INTO login_codes VALUES (?,?,?)", Blob{AsText(hash)},
                  user, expire_time);
  });
}

Result<std::string> SqliteStore::FindLoginCode(const SecretHash& hash,
                                               WallTime now) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT user FROM login_codes WHERE hash=? AND expire_time>?",
                Blob{AsText(hash)}, now));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kUnauthenticated, "code is wrong, used or expired");
  }
  return row.Text(0);
}

Result<std::string> SqliteStore::UseLoginCode(const SecretHash& hash,
                                              WallTime now) {
  std::string user;
  const Status written = Write([&](Connection& db) -> Status {
    RETURN_IF_ERROR(
        db.Run("DELETE FROM login_codes WHERE expire_time<=?", now));
    ASSIGN_OR_RETURN(
        Statement row,
        db.Query("DELETE FROM login_codes WHERE hash=? RETURNING user",
                 Blob{AsText(hash)}));
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found) {
      return Fail(Code::kUnauthenticated, "code is wrong, used or expired");
    }
    user = row.Text(0);
    RETURN_IF_ERROR(row.Step());
    return {};
  });
  RETURN_IF_ERROR(written);
  return user;
}

// SQLite numbers entries so that none is given twice; PostgreSQL's sequences
// leave gaps, by which a missing entry could not be told any more.
Status InsertAudit(Connection& db, const AuditEntry& entry) {
  static const std::string kColumns =
      "time, user, door, address, action, object, result, detail";
  static const std::string kNumbered =
      "INSERT INTO audit (row_id, " + kColumns +
      ") SELECT coalesce(max(row_id), 0) + 1, ?,?,?,?,?,?,?,? FROM audit";
  static const std::string kPlain =
      "INSERT INTO audit (" + kColumns + ") VALUES (?,?,?,?,?,?,?,?)";
  return db.Run(db.dialect() == Dialect::kPostgres ? kNumbered : kPlain,
                entry.time, entry.user, entry.door, entry.address, entry.action,
                entry.object, entry.result, entry.detail);
}

Status SqliteStore::AddAudit(const AuditEntry& entry) {
  return Write([&](Connection& db) { return InsertAudit(db, entry); });
}

Result<Page<AuditEntry>> SqliteStore::ListAudit(const AuditFilter& filter,
                                                const Paging& paging) {
  ASSIGN_OR_RETURN(const auto before, RowOf(paging));
  Where where;
  if (before) {
    where.And("row_id<?", {*before});
  }
  if (!filter.user.empty()) {
    where.And("instr(user, ?)>0", {filter.user});
  }
  if (!filter.action.empty()) {
    where.And("substr(action, 1, length(?))=?", {filter.action, filter.action});
  }
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kAuditColumns + " FROM audit" +
                  where.sql() + " ORDER BY row_id DESC LIMIT " +
                  std::to_string(PageSize(paging) + 1)));
  where.BindTo(row);
  Page<AuditEntry> page;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return page;
    }
    if (std::ssize(page.rows) == PageSize(paging)) {
      page.next_token = std::to_string(page.rows.back().row_id);
      return page;
    }
    page.rows.push_back(AuditFrom(row));
  }
}

Result<std::vector<AuditEntry>> SqliteStore::AuditOf(
    const std::string& object) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query(std::string("SELECT ") + kAuditColumns +
                                 " FROM audit WHERE object=? "
                                 "ORDER BY row_id DESC LIMIT 1000",
                             object));
  std::vector<AuditEntry> entries;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return entries;
    }
    entries.push_back(AuditFrom(row));
  }
}

}  // namespace sekisho::store
