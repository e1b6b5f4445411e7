#include "server/store/engine.h"

#include "server/store/postgres.h"
#include "server/store/sqlite.h"

namespace sekisho::store {
namespace {

class SqliteEngine final : public Engine {
 public:
  explicit SqliteEngine(std::string path) : path_(std::move(path)) {}

  Result<std::unique_ptr<Connection>> OpenWriter() override {
    return SqliteConnection::Open(path_, Connection::Kind::kWriter);
  }
  Result<std::unique_ptr<Connection>> OpenReader() override {
    return SqliteConnection::Open(path_, Connection::Kind::kReader);
  }
  bool IsShared() const override { return false; }
  size_t max_group() const override { return 512; }
  bool TakeLead() override { return true; }

 private:
  const std::string path_;
};

class PostgresEngine final : public Engine {
 public:
  explicit PostgresEngine(std::string conninfo)
      : conninfo_(std::move(conninfo)) {}

  Result<std::unique_ptr<Connection>> OpenWriter() override {
    return PostgresConnection::Open(conninfo_, Connection::Kind::kWriter);
  }
  Result<std::unique_ptr<Connection>> OpenReader() override {
    return PostgresConnection::Open(conninfo_, Connection::Kind::kReader);
  }
  bool IsShared() const override { return true; }
  // A snapshot holds 64 savepoints of a transaction; beyond it every reader
  // has to look them up.
  size_t max_group() const override { return 60; }

  // The lock is the session's, and ends with it: when this process dies, and
  // when it hangs for so long that the server ends a session that is idle.
  bool TakeLead() override {
    if (!lead_) {
      auto opened =
          PostgresConnection::Open(conninfo_, Connection::Kind::kReader);
      if (!opened) return false;
      lead_ = std::move(*opened);
    }
    // Held once it is not asked for again: it would be counted.
    leads_ = leads_ ? lead_->Run("SELECT 1").has_value()
                    : lead_->TryLead().value_or(false);
    if (lead_->IsLost()) {
      lead_.reset();
      leads_ = false;
    }
    return leads_;
  }

 private:
  const std::string conninfo_;
  std::unique_ptr<PostgresConnection> lead_;  // also of who does not lead yet
  bool leads_ = false;
};

}  // namespace

std::unique_ptr<Engine> NewSqliteEngine(std::string path) {
  return std::make_unique<SqliteEngine>(std::move(path));
}

std::unique_ptr<Engine> NewPostgresEngine(std::string conninfo) {
  return std::make_unique<PostgresEngine>(std::move(conninfo));
}

}  // namespace sekisho::store
