// PostgreSQL behind sql.h, by libpq.
#pragma once

#include <libpq-fe.h>

#include <map>
#include <unordered_map>

#include "server/store/postgres_dialect.h"
#include "server/store/sql.h"

namespace sekisho::store {

// kInvalidArgument: it cannot be read, or has a password in it (which would
// stand in the process list and in the settings' file).
Status CheckConninfo(const std::string& conninfo);
// Host, port and database, for people; no user, no secret.
std::string DescribeConninfo(const std::string& conninfo);

class PostgresConnection final : public Connection {
 public:
  // kUnavailable: it cannot be reached. Text that is not UTF-8 or holds a NUL,
  // which PostgreSQL does not take, is stored with U+FFFD in those places.
  static Result<std::unique_ptr<PostgresConnection>> Open(
      const std::string& conninfo, Kind kind);
  ~PostgresConnection() override;

  Dialect dialect() const override { return Dialect::kPostgres; }
  Result<Statement> Prepare(const std::string& sql) override;
  // A cursor.
  Result<Statement> PrepareScan(const std::string& sql) override;
  Status Script(const std::string& sql) override;
  Status BeginWrite() override;
  Status BeginRead() override;
  Status Commit() override;
  // For this session: false, if another holds it.
  Result<bool> TryLead();
  bool IsLost() const override {
    return lost_ || PQstatus(connection_.get()) != CONNECTION_OK;
  }
  int64_t Changes() const override { return changes_; }
  int64_t LastRowId() override;

 private:
  class Rows;
  class Cached;
  class Cursor;
  struct Finish {
    void operator()(PGconn* connection) const { PQfinish(connection); }
  };
  struct Clear {
    void operator()(PGresult* result) const { PQclear(result); }
  };
  using Answer = std::unique_ptr<PGresult, Clear>;

  explicit PostgresConnection(PGconn* connection);
  Status Greet(Kind kind);
  // Its error, if it is one.
  Status Check(const PGresult* answer, std::string_view what);
  Result<Answer> Ask(const std::string& sql);
  Result<std::string> Translate(std::string_view sql);
  Result<TableShape> ShapeOfTable(const std::string& table);

  std::unique_ptr<PGconn, Finish> connection_;
  std::unordered_map<std::string, std::unique_ptr<Cached>> statements_;
  std::map<std::string, TableShape> shapes_;
  bool lost_ = false;
  int64_t changes_ = 0;
  int64_t next_name_ = 0;
};

}  // namespace sekisho::store
