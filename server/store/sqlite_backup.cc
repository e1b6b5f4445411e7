#include "server/store/sqlite_backup.h"

#include <sys/stat.h>

#include "common/file.h"
#include "server/store/log_tree.h"
#include "server/store/sqlite.h"
#include "server/store/sqlite_schema.h"
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr char kBackupDone[] = "server.backup";
constexpr int kMaxCheckRows = 3;

Status MustBeFile(const std::string& path) {
  struct stat entry{};
  if (::stat(path.c_str(), &entry) != 0) return FailErrno("open " + path);
  if (!S_ISREG(entry.st_mode)) {
    return Fail(Code::kInvalidArgument, path + " is no file");
  }
  return {};
}

// SQLite makes an empty database of a file that is not there.
Result<std::unique_ptr<SqliteConnection>> OpenThere(const std::string& path,
                                                    Connection::Kind kind) {
  RETURN_IF_ERROR(MustBeFile(path));
  return SqliteConnection::Open(path, kind);
}

Result<int64_t> OneNumber(Connection& db, const std::string& sql) {
  ASSIGN_OR_RETURN(Statement row, db.Query(sql));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? row.Int(0) : 0;
}

Status CopyPages(SqliteConnection& from, SqliteConnection& to) {
  struct Finish {
    void operator()(sqlite3_backup* b) const { sqlite3_backup_finish(b); }
  };
  const std::unique_ptr<sqlite3_backup, Finish> backup(
      sqlite3_backup_init(to.handle(), "main", from.handle(), "main"));
  if (!backup) {
    return Fail(Code::kInternal, sqlite3_errmsg(to.handle()));
  }
  // All in one step: in steps, each write of the server would begin it anew.
  const int rc = sqlite3_backup_step(backup.get(), -1);
  if (rc != SQLITE_DONE) {
    return Fail(rc == SQLITE_FULL ? Code::kResourceExhausted : Code::kDataLoss,
                std::string("copy: ") + sqlite3_errstr(rc));
  }
  return {};
}

Result<std::optional<WallTime>> OneTime(Connection& db,
                                        const std::string& sql) {
  ASSIGN_OR_RETURN(Statement row, db.Query(sql));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  return found ? row.MaybeTime(0) : std::nullopt;
}

Status LookAtAudit(Connection& db, DatabaseState& state) {
  ASSIGN_OR_RETURN(state.audit_entries,
                   OneNumber(db, "SELECT count(*) FROM audit"));
  // Numbers are given once, whatever becomes of their entries.
  ASSIGN_OR_RETURN(
      const int64_t given,
      OneNumber(db,
                "SELECT max(coalesce((SELECT seq FROM sqlite_sequence "
                "WHERE name='audit'), 0), coalesce((SELECT max(row_id) "
                "FROM audit), 0))"));
  state.audit_missing = given - state.audit_entries;
  ASSIGN_OR_RETURN(
      const int64_t guards,
      OneNumber(db,
                "SELECT count(*) FROM sqlite_master WHERE type='trigger' "
                "AND name IN ('audit_keeps','audit_stays')"));
  state.audit_is_guarded = guards == 2;
  ASSIGN_OR_RETURN(state.newest_audit_time,
                   OneTime(db, "SELECT max(time) FROM audit"));
  ASSIGN_OR_RETURN(
      state.backup_time,
      OneTime(db, std::string("SELECT max(time) FROM audit WHERE action='") +
                      kBackupDone + "' AND result='ok'"));
  return {};
}

}  // namespace

int NewestSchema() { return static_cast<int>(Migrations().size()); }

Status CopyDatabase(const std::string& from, const std::string& to) {
  ASSIGN_OR_RETURN(const auto source,
                   OpenThere(from, Connection::Kind::kReader));
  RETURN_IF_ERROR(OpenAt(AT_FDCWD, to, O_RDWR | O_CREAT | O_EXCL, 0600));
  ASSIGN_OR_RETURN(const auto copy,
                   SqliteConnection::Open(to, Connection::Kind::kReader));
  RETURN_IF_ERROR(copy->Script("PRAGMA query_only=OFF"));
  RETURN_IF_ERROR(CopyPages(*source, *copy));
  // It came with the server's mode: as one file it is whole by itself.
  return copy->Script("PRAGMA journal_mode=DELETE");
}

Result<DatabaseState> LookAt(const std::string& path, WallTime now) {
  ASSIGN_OR_RETURN(const auto db, OpenThere(path, Connection::Kind::kReader));
  RETURN_IF_ERROR(db->Run("BEGIN"));
  DatabaseState state;
  ASSIGN_OR_RETURN(const int64_t schema, OneNumber(*db, "PRAGMA user_version"));
  state.schema = static_cast<int>(schema);
  if (schema < 1) {
    return Fail(Code::kDataLoss, path + " is no database of a server");
  }
  if (schema > NewestSchema()) return state;  // what is in it is not known
  ASSIGN_OR_RETURN(
      const int64_t has_log,
      OneNumber(*db,
                "SELECT count(*) FROM sqlite_master WHERE name='log_tiles'"));
  if (has_log > 0) {
    ASSIGN_OR_RETURN(const LogTree log, LogTree::Load(*db));
    state.log = log.head();
  }
  RETURN_IF_ERROR(LookAtAudit(*db, state));
  if (schema == NewestSchema()) {
    ASSIGN_OR_RETURN(const auto expiring, CertificatesEndingSoon(*db, now));
    state.expiring_agents = std::ssize(expiring);
  }
  return state;
}

Status CheckDatabase(const std::string& path, Check how) {
  ASSIGN_OR_RETURN(const auto db, OpenThere(path, Connection::Kind::kReader));
  const std::string pragma =
      std::string("PRAGMA ") +
      (how == Check::kQuick ? "quick_check" : "integrity_check") + "(" +
      std::to_string(kMaxCheckRows) + ")";
  ASSIGN_OR_RETURN(Statement row, db->Query(pragma));
  std::string found;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) break;
    if (row.View(0) != "ok") {
      found += (found.empty() ? "" : "; ") + row.Text(0);
    }
  }
  if (!found.empty()) return Fail(Code::kDataLoss, found);
  return {};
}

Status CheckLog(const std::string& path) {
  ASSIGN_OR_RETURN(const auto db, OpenThere(path, Connection::Kind::kReader));
  RETURN_IF_ERROR(db->Run("BEGIN"));
  return CheckEvents(*db);
}

Status AddAuditFromOutside(const std::string& path, const AuditEntry& entry) {
  ASSIGN_OR_RETURN(const auto db, OpenThere(path, Connection::Kind::kReader));
  ASSIGN_OR_RETURN(const int64_t schema, OneNumber(*db, "PRAGMA user_version"));
  if (schema != NewestSchema()) {
    return Fail(Code::kFailedPrecondition,
                "the database has schema " + std::to_string(schema) +
                    ", this program " + std::to_string(NewestSchema()));
  }
  RETURN_IF_ERROR(db->Script("PRAGMA query_only=OFF; PRAGMA synchronous=FULL"));
  return InsertAudit(*db, entry);
}

}  // namespace sekisho::store
