#include "server/store/postgres.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <set>
#include <vector>

#include "common/text.h"

namespace sekisho::store {
namespace {

constexpr size_t kMaxStatements = 200;
constexpr int kPortionRows = 500;

// Keys of advisory locks, of nobody else in this database.
constexpr const char* kWriteLock = "8313467319921815552";
constexpr const char* kLeadLock = "8313467319921815553";

// Types as PostgreSQL numbers them (pg_type.dat).
constexpr Oid kBool = 16;
constexpr Oid kInt8 = 20;
constexpr Oid kInt2 = 21;
constexpr Oid kInt4 = 23;
constexpr Oid kNumeric = 1700;

// A message of the server or of libpq, as one line.
std::string OneLine(std::string_view text) {
  std::string line(Trim(text));
  for (char& c : line) {
    if (c == '\n' || c == '\t') c = ' ';
  }
  return line;
}

// By SQLSTATE (appendix A of PostgreSQL's manual).
Code CodeOf(std::string_view state) {
  static const std::set<std::string_view> kAgain = {
      "25006",  // a standby, or one that was made one
      "40001", "40P01", "53300", "55P03", "57014",
      "57P01", "57P02", "57P03", "57P05", "25P03"};
  if (kAgain.contains(state) || state.starts_with("08") ||
      state.starts_with("58")) {
    return Code::kUnavailable;
  }
  if (state.starts_with("53")) return Code::kResourceExhausted;
  if (state.starts_with("XX")) return Code::kDataLoss;
  // What raises is a guard of ours, as SQLite's RAISE(ABORT).
  if (state.starts_with("23") || state == "P0001") return Code::kAlreadyExists;
  if (state.starts_with("28") || state == "42501") {
    return Code::kPermissionDenied;
  }
  return Code::kInternal;
}

template <typename T>
T FromBigEndian(const char* bytes) {
  std::array<char, sizeof(T)> copy{};
  std::memcpy(copy.data(), bytes, sizeof(T));
  std::ranges::reverse(copy);  // every platform we build for is little-endian
  T value;
  std::memcpy(&value, copy.data(), sizeof(T));
  return value;
}

// numeric_send(): count, weight, sign, scale, then digits of base 10,000. Sums
// of bigint come as numeric; digits behind the point are left out.
int64_t IntOfNumeric(std::string_view bytes) {
  if (bytes.size() < 8) return 0;
  const auto count = FromBigEndian<int16_t>(bytes.data());
  const auto weight = FromBigEndian<int16_t>(bytes.data() + 2);
  const auto sign = FromBigEndian<uint16_t>(bytes.data() + 4);
  int64_t value = 0;
  for (int i = 0; i <= weight; ++i) {
    const size_t at = 8 + 2 * static_cast<size_t>(i);
    const bool there = i < count && at + 2 <= bytes.size();
    value = value * 10'000 +
            (there ? FromBigEndian<int16_t>(bytes.data() + at) : 0);
  }
  return sign == 0x4000 ? -value : value;
}

// Each byte that is no UTF-8, and NUL, becomes U+FFFD.
std::string Storable(std::string_view text) {
  std::string out;
  for (size_t at = 0; at < text.size();) {
    size_t length = 1;
    while (length < 4 && at + length < text.size() &&
           (static_cast<unsigned char>(text[at + length]) & 0xC0) == 0x80) {
      ++length;
    }
    const std::string_view one = text.substr(at, length);
    if (text[at] != '\0' && IsValidUtf8(one)) {
      out += one;
      at += length;
    } else {
      out += "\xEF\xBF\xBD";
      ++at;
    }
  }
  return out;
}

struct FreeOptions {
  void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};
using Options = std::unique_ptr<PQconninfoOption, FreeOptions>;

Result<Options> Parse(const std::string& conninfo) {
  char* error = nullptr;
  Options options(PQconninfoParse(conninfo.c_str(), &error));
  const std::unique_ptr<char, void (*)(void*)> message(error, PQfreemem);
  if (!options) {
    // libpq's message may repeat what was meant as a password.
    return Fail(Code::kInvalidArgument,
                "database: is no connection string of PostgreSQL: "
                "postgresql://USER@HOST/DATABASE, or host=... dbname=...");
  }
  return options;
}

std::string ValueOf(const Options& options, std::string_view keyword) {
  for (const PQconninfoOption* o = options.get(); o->keyword != nullptr; ++o) {
    if (o->keyword == keyword && o->val != nullptr) return o->val;
  }
  return "";
}

}  // namespace

Status CheckConninfo(const std::string& conninfo) {
  ASSIGN_OR_RETURN(const Options options, Parse(conninfo));
  for (const char* secret : {"password", "sslpassword"}) {
    if (ValueOf(options, secret).empty()) continue;
    return Fail(Code::kInvalidArgument,
                std::string("database: has a ") + secret +
                    " in it; put it into a file of mode 0600 and name that: "
                    "passfile=/etc/sekisho/pgpass (or use a certificate, or "
                    "peer on a local socket)");
  }
  return {};
}

std::string DescribeConninfo(const std::string& conninfo) {
  const auto options = Parse(conninfo);
  if (!options) return "PostgreSQL";
  const auto or_default = [](std::string value, const char* standard) {
    return value.empty() ? standard : value;
  };
  return "PostgreSQL " + or_default(ValueOf(*options, "dbname"), "(default)") +
         " on " + or_default(ValueOf(*options, "host"), "the local socket");
}

// ---- rows ----

class PostgresConnection::Rows : public Prepared {
 public:
  int64_t Int(int column) const override {
    if (IsNull(column)) return 0;
    const char* data = PQgetvalue(answer_.get(), row_, column);
    const std::string_view bytes = Bytes(column);
    switch (PQftype(answer_.get(), column)) {
      case kBool:
        return data[0] != 0 ? 1 : 0;
      case kInt2:
        return FromBigEndian<int16_t>(data);
      case kInt4:
        return FromBigEndian<int32_t>(data);
      case kInt8:
        return FromBigEndian<int64_t>(data);
      case kNumeric:
        return IntOfNumeric(bytes);
      default: {
        int64_t value = 0;
        std::from_chars(bytes.data(), bytes.data() + bytes.size(), value);
        return value;
      }
    }
  }
  bool IsNull(int column) const override {
    return PQgetisnull(answer_.get(), row_, column) != 0;
  }
  std::string_view View(int column) const override {
    switch (PQftype(answer_.get(), column)) {
      case kBool:
      case kInt2:
      case kInt4:
      case kInt8:
      case kNumeric:
        if (IsNull(column)) return {};
        return numbers_[column] = std::to_string(Int(column));
      default:
        return Bytes(column);
    }
  }

  // As text, but for blobs: then any width of number takes it.
  void BindInt(int index, int64_t value) override {
    Put(index, std::to_string(value), 0);
  }
  void BindText(int index, std::string_view text) override {
    const bool fits = text.find('\0') == text.npos && IsValidUtf8(text);
    Put(index, fits ? std::string(text) : Storable(text), 0);
  }
  void BindBlob(int index, std::string_view bytes) override {
    Put(index, std::string(bytes), 1);
  }
  void BindNull(int index) override { Put(index, std::nullopt, 0); }

 protected:
  std::string_view Bytes(int column) const {
    return {PQgetvalue(answer_.get(), row_, column),
            static_cast<size_t>(PQgetlength(answer_.get(), row_, column))};
  }
  bool Next() {
    numbers_.clear();
    return ++row_ < PQntuples(answer_.get());
  }
  void Take(Answer answer) {
    answer_ = std::move(answer);
    row_ = -1;
  }

  // What libpq wants of the parameters.
  struct Arguments {
    std::vector<const char*> values;
    std::vector<int> lengths;
  };
  Arguments arguments() const {
    Arguments made;
    for (const auto& value : values_) {
      made.values.push_back(value ? value->c_str() : nullptr);
      made.lengths.push_back(value ? static_cast<int>(value->size()) : 0);
    }
    return made;
  }
  void Forget() {
    Take(nullptr);
    values_.clear();
    formats_.clear();
  }

  Answer answer_;
  int row_ = -1;
  std::vector<int> formats_;

 private:
  void Put(int index, std::optional<std::string> value, int format) {
    const auto at = static_cast<size_t>(index - 1);
    if (at >= values_.size()) {
      values_.resize(at + 1);
      formats_.resize(at + 1);
    }
    values_[at] = std::move(value);
    formats_[at] = format;
  }

  std::vector<std::optional<std::string>> values_;
  mutable std::map<int, std::string> numbers_;  // of this row, as text
};

class PostgresConnection::Cached final : public Rows {
 public:
  Cached(PostgresConnection* db, std::string name)
      : db_(db), name_(std::move(name)) {}

  Result<bool> Step() override {
    if (!answer_) {
      const Arguments given = arguments();
      Answer answer(PQexecPrepared(db_->connection_.get(), name_.c_str(),
                                   static_cast<int>(given.values.size()),
                                   given.values.data(), given.lengths.data(),
                                   formats_.data(), 1));
      RETURN_IF_ERROR(db_->Check(answer.get(), "store"));
      const std::string_view what = PQcmdStatus(answer.get());
      if (what.starts_with("INSERT") || what.starts_with("UPDATE") ||
          what.starts_with("DELETE")) {
        db_->changes_ = std::atoll(PQcmdTuples(answer.get()));
      }
      Take(std::move(answer));
    }
    return Next();
  }
  void GiveBack() override {
    Forget();
    --loans;
  }

  bool IsBusy() const { return answer_ && row_ < PQntuples(answer_.get()); }
  const std::string& name() const { return name_; }

  int loans = 0;

 private:
  PostgresConnection* const db_;
  const std::string name_;
};

class PostgresConnection::Cursor final : public Rows {
 public:
  Cursor(PostgresConnection* db, std::string name, std::string sql)
      : db_(db), name_(std::move(name)), sql_(std::move(sql)) {}

  Result<bool> Step() override {
    if (!declared_) {
      const Arguments given = arguments();
      const std::string declare =
          "DECLARE " + name_ + " NO SCROLL CURSOR FOR " + sql_;
      const Answer answer(PQexecParams(
          db_->connection_.get(), declare.c_str(),
          static_cast<int>(given.values.size()), nullptr, given.values.data(),
          given.lengths.data(), formats_.data(), 1));
      RETURN_IF_ERROR(db_->Check(answer.get(), "store"));
      declared_ = true;
      RETURN_IF_ERROR(Fetch());
    }
    if (Next()) return true;
    if (PQntuples(answer_.get()) < kPortionRows) return false;
    RETURN_IF_ERROR(Fetch());
    return Next();
  }
  void GiveBack() override {
    if (declared_ && !db_->IsLost()) {
      // In a transaction that failed it is gone already.
      const Answer closed(
          PQexec(db_->connection_.get(), ("CLOSE " + name_).c_str()));
    }
    const std::unique_ptr<Cursor> ended(this);
  }

 private:
  Status Fetch() {
    const std::string fetch =
        "FETCH " + std::to_string(kPortionRows) + " FROM " + name_;
    Answer answer(PQexecParams(db_->connection_.get(), fetch.c_str(), 0,
                               nullptr, nullptr, nullptr, nullptr, 1));
    RETURN_IF_ERROR(db_->Check(answer.get(), "store"));
    Take(std::move(answer));
    return {};
  }

  PostgresConnection* const db_;
  const std::string name_;
  const std::string sql_;
  bool declared_ = false;
};

// ---- the connection ----

PostgresConnection::PostgresConnection(PGconn* connection)
    : connection_(connection) {}
PostgresConnection::~PostgresConnection() = default;

Result<std::unique_ptr<PostgresConnection>> PostgresConnection::Open(
    const std::string& conninfo, Kind kind) {
  RETURN_IF_ERROR(CheckConninfo(conninfo));
  // What the string says comes after, and counts.
  const std::array keywords = {
      "connect_timeout",     "keepalives_idle",
      "keepalives_interval", "keepalives_count",
      "tcp_user_timeout",    "target_session_attrs",
      "application_name",    "dbname",
      "client_encoding",     static_cast<const char*>(nullptr)};
  const std::array values = {"5",
                             "10",
                             "5",
                             "3",
                             "20000",
                             "read-write",
                             "sekisho-server",
                             conninfo.c_str(),
                             "UTF8",
                             static_cast<const char*>(nullptr)};
  std::unique_ptr<PostgresConnection> connection(new PostgresConnection(
      PQconnectdbParams(keywords.data(), values.data(), 1)));
  PGconn* raw = connection->connection_.get();
  if (PQstatus(raw) != CONNECTION_OK) {
    return Fail(Code::kUnavailable, OneLine(PQerrorMessage(raw)));
  }
  PQsetNoticeProcessor(raw, [](void*, const char*) {}, nullptr);
  RETURN_IF_ERROR(connection->Greet(kind));
  return connection;
}

// A server that hangs lets go of what it holds; a writer is durable whatever
// the database's default is.
Status PostgresConnection::Greet(Kind kind) {
  constexpr int kOldest = 150000;
  if (PQserverVersion(connection_.get()) < kOldest) {
    return Fail(Code::kFailedPrecondition,
                "the database is PostgreSQL " +
                    std::to_string(PQserverVersion(connection_.get()) / 10000) +
                    "; 15 is the oldest that is known to do");
  }
  constexpr const char* kAlways =
      "SET tcp_keepalives_idle=10; SET tcp_keepalives_interval=5; "
      "SET tcp_keepalives_count=3; SET default_transaction_isolation TO "
      "'read committed'; SET statement_timeout=0; SET jit=off;";
  RETURN_IF_ERROR(Ask(kAlways));
  if (kind == Kind::kReader) return {};
  RETURN_IF_ERROR(
      Ask("SELECT set_config('synchronous_commit', 'on', false) WHERE "
          "current_setting('synchronous_commit') = 'off'; SET lock_timeout="
          "'10s'; SET idle_in_transaction_session_timeout='20s'"));
  return {};
}

Status PostgresConnection::Check(const PGresult* answer,
                                 std::string_view what) {
  const ExecStatusType status = PQresultStatus(answer);
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK ||
      status == PGRES_EMPTY_QUERY) {
    return {};
  }
  const char* state = PQresultErrorField(answer, PG_DIAG_SQLSTATE);
  const char* message = PQresultErrorField(answer, PG_DIAG_MESSAGE_PRIMARY);
  // Without a state it is libpq that speaks, of the connection.
  if (state == nullptr) lost_ = true;
  return Fail(
      IsLost() ? Code::kUnavailable : CodeOf(state),
      std::string(what) + ": " +
          OneLine(message != nullptr ? message
                                     : PQerrorMessage(connection_.get())));
}

Result<PostgresConnection::Answer> PostgresConnection::Ask(
    const std::string& sql) {
  Answer answer(PQexec(connection_.get(), sql.c_str()));
  RETURN_IF_ERROR(Check(answer.get(), "store"));
  return answer;
}

Result<std::string> PostgresConnection::Translate(std::string_view sql) {
  return ToPostgres(
      sql, [this](const std::string& table) { return ShapeOfTable(table); });
}

Result<TableShape> PostgresConnection::ShapeOfTable(const std::string& table) {
  if (const auto known = shapes_.find(table); known != shapes_.end()) {
    return known->second;
  }
  const char* name[] = {table.c_str()};
  const Answer answer(PQexecParams(
      connection_.get(),
      "SELECT a.attname, coalesce(a.attnum = ANY (i.indkey), false) "
      "FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid "
      "AND i.indisprimary WHERE a.attrelid = $1::text::regclass AND "
      "a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum",
      1, nullptr, name, nullptr, nullptr, 0));
  RETURN_IF_ERROR(Check(answer.get(), "table " + table));
  TableShape shape;
  for (int row = 0; row < PQntuples(answer.get()); ++row) {
    shape.columns.emplace_back(PQgetvalue(answer.get(), row, 0));
    if (PQgetvalue(answer.get(), row, 1)[0] == 't') {
      shape.key.push_back(shape.columns.back());
    }
  }
  if (shape.key.empty()) {
    return Fail(Code::kInternal, "table " + table + " has no primary key");
  }
  return shapes_[table] = std::move(shape);
}

Result<Statement> PostgresConnection::Prepare(const std::string& sql) {
  if (statements_.size() >= kMaxStatements && !statements_.contains(sql)) {
    // Filters make texts without end; the common ones come back at once.
    for (auto it = statements_.begin(); it != statements_.end();) {
      if (it->second->loans > 0) {
        ++it;
        continue;
      }
      RETURN_IF_ERROR(Ask("DEALLOCATE " + it->second->name()));
      it = statements_.erase(it);
    }
  }
  auto found = statements_.find(sql);
  if (found == statements_.end()) {
    ASSIGN_OR_RETURN(const std::string text, Translate(sql));
    std::string name = "s" + std::to_string(++next_name_);
    const Answer answer(
        PQprepare(connection_.get(), name.c_str(), text.c_str(), 0, nullptr));
    RETURN_IF_ERROR(Check(answer.get(), "prepare " + sql));
    found = statements_
                .emplace(sql, std::make_unique<Cached>(this, std::move(name)))
                .first;
  }
  CHECK(!found->second->IsBusy());  // two loans of one statement
  ++found->second->loans;
  return Statement(found->second.get());
}

Result<Statement> PostgresConnection::PrepareScan(const std::string& sql) {
  ASSIGN_OR_RETURN(std::string text, Translate(sql));
  auto cursor = std::make_unique<Cursor>(
      this, "c" + std::to_string(++next_name_), std::move(text));
  return Statement(cursor.release());
}

Status PostgresConnection::Script(const std::string& sql) {
  ASSIGN_OR_RETURN(const std::string text, Translate(sql));
  shapes_.clear();  // it may change tables
  RETURN_IF_ERROR(Ask(text));
  return {};
}

// The lock is let go of after the commit can be seen, so the next statement of
// whoever waited for it sees it.
Status PostgresConnection::BeginWrite() {
  RETURN_IF_ERROR(
      Ask(std::string("BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; "
                      "SELECT pg_advisory_xact_lock(") +
          kWriteLock + ")"));
  return {};
}

Status PostgresConnection::BeginRead() {
  RETURN_IF_ERROR(Ask("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  return {};
}

Result<bool> PostgresConnection::TryLead() {
  // It pings every second: who hangs loses his session, and the lock with it.
  RETURN_IF_ERROR(Ask("SET idle_session_timeout='15s'"));
  ASSIGN_OR_RETURN(
      const Answer answer,
      Ask(std::string("SELECT pg_try_advisory_lock(") + kLeadLock + ")"));
  return PQgetvalue(answer.get(), 0, 0)[0] == 't';
}

// COMMIT of a transaction that failed is no error to PostgreSQL: it says that
// it rolled back.
Status PostgresConnection::Commit() {
  ASSIGN_OR_RETURN(const Answer answer, Ask("COMMIT"));
  if (std::string_view(PQcmdStatus(answer.get())) == "COMMIT") return {};
  return Fail(Code::kUnavailable, "store: the transaction was rolled back");
}

int64_t PostgresConnection::LastRowId() {
  const auto answer = Ask("SELECT lastval()");
  return answer ? std::atoll(PQgetvalue(answer->get(), 0, 0)) : 0;
}

}  // namespace sekisho::store
