// SQLite as values and errors: a connection with a cache of prepared
// statements. One thread at a time per connection. Used by server/store only.
#pragma once

#include <sqlite3.h>

#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/result.h"

namespace sekisho::store {

// Text is bound as TEXT; wrapped in Blob it is bound as BLOB.
struct Blob {
  std::string_view bytes;
};

// A prepared statement on loan from its connection; goes back when destroyed.
class Statement {
 public:
  explicit Statement(sqlite3_stmt* statement) : statement_(statement) {}

  // True: a row is there. False: done.
  Result<bool> Step();

  int64_t Int(int column) const {
    return sqlite3_column_int64(statement_.get(), column);
  }
  bool IsNull(int column) const {
    return sqlite3_column_type(statement_.get(), column) == SQLITE_NULL;
  }
  // Text or blob; valid until the next Step().
  std::string_view View(int column) const;
  std::string Text(int column) const { return std::string(View(column)); }
  WallTime Time(int column) const {
    return WallTime(std::chrono::microseconds(Int(column)));
  }
  std::optional<WallTime> MaybeTime(int column) const {
    return IsNull(column) ? std::nullopt : std::optional(Time(column));
  }

  void Bind(int index, std::string_view text) {
    sqlite3_bind_text64(statement_.get(), index, text.data(), text.size(),
                        SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  void Bind(int index, const std::string& text) {
    Bind(index, std::string_view(text));
  }
  void Bind(int index, const char* text) {
    Bind(index, std::string_view(text));
  }
  void Bind(int index, Blob blob) {
    // A null pointer would bind NULL.
    sqlite3_bind_blob64(statement_.get(), index,
                        blob.bytes.empty() ? "" : blob.bytes.data(),
                        blob.bytes.size(), SQLITE_TRANSIENT);
  }
  template <std::integral T>
  void Bind(int index, T value) {
    sqlite3_bind_int64(statement_.get(), index, static_cast<int64_t>(value));
  }
  void Bind(int index, WallTime time) {
    Bind(index, time.time_since_epoch().count());
  }
  template <typename T>
  void Bind(int index, const std::optional<T>& value) {
    if (value) {
      Bind(index, *value);
    } else {
      sqlite3_bind_null(statement_.get(), index);
    }
  }

 private:
  struct Return {
    void operator()(sqlite3_stmt* statement) const {
      sqlite3_reset(statement);
      sqlite3_clear_bindings(statement);
    }
  };
  std::unique_ptr<sqlite3_stmt, Return> statement_;
};

class Connection {
 public:
  enum class Kind { kWriter, kReader };
  // The writer makes the file (mode 0600), sets WAL and synchronous=FULL.
  static Result<std::unique_ptr<Connection>> Open(const std::string& path,
                                                  Kind kind);

  // The statement is cached by its text: build texts from few pieces.
  template <typename... Args>
  Result<Statement> Query(const std::string& sql, const Args&... args) {
    ASSIGN_OR_RETURN(Statement statement, Prepare(sql));
    int index = 0;
    (statement.Bind(++index, args), ...);
    return statement;
  }
  // For what gives no rows.
  template <typename... Args>
  Status Run(const std::string& sql, const Args&... args) {
    ASSIGN_OR_RETURN(Statement statement, Query(sql, args...));
    RETURN_IF_ERROR(statement.Step());
    return {};
  }
  Result<Statement> Prepare(const std::string& sql);
  // Several statements, not cached.
  Status Script(const std::string& sql);

  // For what SQLite wants of the connection itself.
  sqlite3* handle() { return db_.get(); }
  int64_t Changes() const { return sqlite3_changes64(db_.get()); }
  int64_t LastRowId() const { return sqlite3_last_insert_rowid(db_.get()); }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  explicit Connection(sqlite3* db) : db_(db) {}

  std::unique_ptr<sqlite3, Close> db_;
  std::unordered_map<std::string, std::unique_ptr<sqlite3_stmt, Finalize>>
      statements_;
};

}  // namespace sekisho::store
