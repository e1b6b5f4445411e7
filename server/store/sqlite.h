// SQLite behind sql.h.
#pragma once

#include <sqlite3.h>

#include <unordered_map>

#include "server/store/sql.h"

namespace sekisho::store {

class SqliteConnection final : public Connection {
 public:
  // The writer makes the file (mode 0600), sets WAL and synchronous=FULL.
  static Result<std::unique_ptr<SqliteConnection>> Open(const std::string& path,
                                                        Kind kind);
  ~SqliteConnection() override;

  Dialect dialect() const override { return Dialect::kSqlite; }
  Result<Statement> Prepare(const std::string& sql) override;
  Result<Statement> PrepareScan(const std::string& sql) override {
    return Prepare(sql);
  }
  Status Script(const std::string& sql) override;
  Status BeginWrite() override { return Script("BEGIN IMMEDIATE"); }
  Status BeginRead() override { return Script("BEGIN"); }
  Status Commit() override { return Script("COMMIT"); }
  bool IsLost() const override { return false; }
  int64_t Changes() const override { return sqlite3_changes64(db_.get()); }
  int64_t LastRowId() override { return sqlite3_last_insert_rowid(db_.get()); }

  // For what SQLite wants of the connection itself.
  sqlite3* handle() { return db_.get(); }

 private:
  class Cached;
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  explicit SqliteConnection(sqlite3* db);

  std::unique_ptr<sqlite3, Close> db_;
  std::unordered_map<std::string, std::unique_ptr<Cached>> statements_;
};

}  // namespace sekisho::store
