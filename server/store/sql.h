// SQL as values and errors, whichever engine is behind it: a connection with a
// cache of prepared statements. The themes write SQL once, as SQLite takes it;
// postgres_dialect.h says what of it PostgreSQL is told in other words. One
// thread at a time per connection. Used by server/store only.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/result.h"

namespace sekisho::store {

enum class Dialect { kSqlite, kPostgres };

// Text is bound as TEXT; wrapped in Blob it is bound as BLOB.
struct Blob {
  std::string_view bytes;
};

// One statement of an engine with what is bound to it and the row it is at.
class Prepared {
 public:
  virtual ~Prepared() = default;

  virtual Result<bool> Step() = 0;
  virtual int64_t Int(int column) const = 0;
  virtual bool IsNull(int column) const = 0;
  virtual std::string_view View(int column) const = 0;
  // Parameters count from 1; the bytes are copied.
  virtual void BindInt(int index, int64_t value) = 0;
  virtual void BindText(int index, std::string_view text) = 0;
  virtual void BindBlob(int index, std::string_view bytes) = 0;
  virtual void BindNull(int index) = 0;
  // Nobody uses it any more: back to its connection, or gone.
  virtual void GiveBack() = 0;
};

// A prepared statement on loan from its connection; goes back when destroyed.
class Statement {
 public:
  explicit Statement(Prepared* prepared) : prepared_(prepared) {}

  // True: a row is there. False: done.
  Result<bool> Step() { return prepared_->Step(); }

  int64_t Int(int column) const { return prepared_->Int(column); }
  bool IsNull(int column) const { return prepared_->IsNull(column); }
  // Text or blob; valid until the next Step().
  std::string_view View(int column) const { return prepared_->View(column); }
  std::string Text(int column) const { return std::string(View(column)); }
  WallTime Time(int column) const {
    return WallTime(std::chrono::microseconds(Int(column)));
  }
  std::optional<WallTime> MaybeTime(int column) const {
    return IsNull(column) ? std::nullopt : std::optional(Time(column));
  }

  void Bind(int index, std::string_view text) {
    prepared_->BindText(index, text);
  }
  void Bind(int index, const std::string& text) {
    Bind(index, std::string_view(text));
  }
  void Bind(int index, const char* text) {
    Bind(index, std::string_view(text));
  }
  void Bind(int index, Blob blob) { prepared_->BindBlob(index, blob.bytes); }
  template <std::integral T>
  void Bind(int index, T value) {
    prepared_->BindInt(index, static_cast<int64_t>(value));
  }
  void Bind(int index, WallTime time) {
    Bind(index, time.time_since_epoch().count());
  }
  template <typename T>
  void Bind(int index, const std::optional<T>& value) {
    if (value) {
      Bind(index, *value);
    } else {
      prepared_->BindNull(index);
    }
  }

 private:
  struct Return {
    void operator()(Prepared* prepared) const { prepared->GiveBack(); }
  };
  std::unique_ptr<Prepared, Return> prepared_;
};

class Connection {
 public:
  enum class Kind { kWriter, kReader };

  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;

  virtual Dialect dialect() const = 0;

  // The statement is cached by its text: build texts from few pieces.
  template <typename... Args>
  Result<Statement> Query(const std::string& sql, const Args&... args) {
    ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
    BindAll(statement, args...);
    return statement;
  }
  // For what gives no rows.
  template <typename... Args>
  Status Run(const std::string& sql, const Args&... args) {
    ASSIGN_OR_RETURN(Statement statement, Query(sql, args...));
    RETURN_IF_ERROR(statement.Step());
    return {};
  }
  // Query() for rows without end, which come in portions and not all at once;
  // inside a transaction.
  template <typename... Args>
  Result<Statement> Scan(const std::string& sql, const Args&... args) {
    ASSIGN_OR_RETURN(Statement statement, PrepareScan(sql));
    BindAll(statement, args...);
    return statement;
  }
  virtual Result<Statement> Prepare(const std::string& sql) = 0;
  virtual Result<Statement> PrepareScan(const std::string& sql) = 0;
  // Several statements, not cached.
  virtual Status Script(const std::string& sql) = 0;

  // From here to the end of the transaction nobody else writes, whichever
  // server he is of, and all that was committed before is seen: what is read
  // may be written back, and numbers rise in the order of the commits.
  virtual Status BeginWrite() = 0;
  // What is read until the end is of one moment.
  virtual Status BeginRead() = 0;
  // kUnavailable: it may have been committed or not. Never success for what was
  // rolled back.
  virtual Status Commit() = 0;

  // The server is gone: nothing more goes over this connection.
  virtual bool IsLost() const = 0;

  // Rows that the last INSERT, UPDATE or DELETE was about.
  virtual int64_t Changes() const = 0;
  // The number that the last INSERT's table gave its row, if it gave one.
  virtual int64_t LastRowId() = 0;

 private:
  template <typename... Args>
  static void BindAll(Statement& statement, const Args&... args) {
    int index = 0;
    (statement.Bind(++index, args), ...);
  }
};

}  // namespace sekisho::store
