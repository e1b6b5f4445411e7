#include "server/store/sqlite.h"

#include <fcntl.h>

#include "common/file.h"

namespace sekisho::store {
namespace {

constexpr size_t kMaxStatements = 200;

Error SqliteError(sqlite3* db, int rc, std::string_view what) {
  Code code = Code::kInternal;
  switch (rc & 0xff) {
    case SQLITE_FULL:
      code = Code::kResourceExhausted;
      break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
      code = Code::kUnavailable;
      break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      code = Code::kDataLoss;
      break;
    case SQLITE_CONSTRAINT:
      code = Code::kAlreadyExists;
      break;
    default:
      break;
  }
  return Error{code,
               std::string(what) + ": " +
                   (db != nullptr ? sqlite3_errmsg(db) : sqlite3_errstr(rc))};
}

}  // namespace

class SqliteConnection::Cached final : public Prepared {
 public:
  explicit Cached(sqlite3_stmt* statement) : statement_(statement) {}

  Result<bool> Step() override {
    const int rc = sqlite3_step(statement_.get());
    if (rc == SQLITE_ROW) return true;
    if (rc == SQLITE_DONE) return false;
    return std::unexpected(
        SqliteError(sqlite3_db_handle(statement_.get()), rc, "store"));
  }
  int64_t Int(int column) const override {
    return sqlite3_column_int64(statement_.get(), column);
  }
  bool IsNull(int column) const override {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  }
  std::string_view View(int column) const override {
    const void* data = sqlite3_column_blob(statement_.get(), column);
    const int size = sqlite3_column_bytes(statement_.get(), column);
    if (data == nullptr || size <= 0) return {};
    return {static_cast<const char*>(data), static_cast<size_t>(size)};
  }
  void BindInt(int index, int64_t value) override {
    sqlite3_bind_int64(statement_.get(), index, value);
  }
  void BindText(int index, std::string_view text) override {
    sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                        SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  void BindBlob(int index, std::string_view bytes) override {
    // A null pointer would bind NULL.
    sqlite3_bind_blob64(statement_.get(), index,
                        bytes.empty() ? "" : bytes.data(), bytes.size(),
                        SQLITE_TRANSIENT);
  }
  void BindNull(int index) override {
    sqlite3_bind_null(statement_.get(), index);
  }
  void GiveBack() override {
    sqlite3_reset(statement_.get());
    sqlite3_clear_bindings(statement_.get());
    --loans;
  }

  bool IsBusy() const { return sqlite3_stmt_busy(statement_.get()) != 0; }

  int loans = 0;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  std::unique_ptr<sqlite3_stmt, Finalize> statement_;
};

SqliteConnection::SqliteConnection(sqlite3* db) : db_(db) {}
SqliteConnection::~SqliteConnection() = default;

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::Open(
    const std::string& path, Kind kind) {
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
  if (kind == Kind::kWriter) {
    // SQLite would make the file with the umask's mode.
    RETURN_IF_ERROR(OpenAt(AT_FDCWD, path, O_RDWR | O_CREAT, 0600));
  }
  sqlite3* raw = nullptr;
  const int rc = sqlite3_open_v2(path.c_str(), &raw, flags, nullptr);
  std::unique_ptr<SqliteConnection> connection(new SqliteConnection(raw));
  if (rc != SQLITE_OK) {
    return std::unexpected(SqliteError(raw, rc, "open " + path));
  }
  sqlite3_extended_result_codes(raw, 1);
  sqlite3_busy_timeout(raw, 5000);
  if (kind == Kind::kWriter) {
    // FULL: an acknowledged event is on the disk. foreign_keys: our own bugs.
    RETURN_IF_ERROR(
        connection->Script("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                           "PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; "
                           "PRAGMA cache_size=-16384;"));
  } else {
    RETURN_IF_ERROR(
        connection->Script("PRAGMA query_only=ON; PRAGMA cache_size=-4096;"));
  }
  return connection;
}

Result<Statement> SqliteConnection::Prepare(const std::string& sql) {
  if (statements_.size() >= kMaxStatements && !statements_.contains(sql)) {
    // Filters make texts without end; the common ones come back at once.
    std::erase_if(statements_, [](const auto& entry) {
      return !entry.second || entry.second->loans == 0;
    });
  }
  auto& slot = statements_[sql];
  if (!slot) {
    sqlite3_stmt* raw = nullptr;
    const int rc = sqlite3_prepare_v3(db_.get(), sql.c_str(), -1,
                                      SQLITE_PREPARE_PERSISTENT, &raw, nullptr);
    if (rc != SQLITE_OK) {
      return std::unexpected(SqliteError(db_.get(), rc, "prepare " + sql));
    }
    slot = std::make_unique<Cached>(raw);
  }
  CHECK(!slot->IsBusy());  // two loans of one statement
  ++slot->loans;
  return Statement(slot.get());
}

Status SqliteConnection::Script(const std::string& sql) {
  const int rc =
      sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr);
  if (rc != SQLITE_OK) {
    return std::unexpected(SqliteError(db_.get(), rc, "store"));
  }
  return {};
}

}  // namespace sekisho::store
