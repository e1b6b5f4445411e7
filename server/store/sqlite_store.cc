#include "server/store/sqlite_store.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <future>

#include "server/store/postgres.h"
#include "server/store/sqlite_schema.h"

namespace sekisho::store {
namespace {

constexpr size_t kMaxIdleReaders = 8;
constexpr auto kFirstRetry = std::chrono::milliseconds(100);
constexpr auto kLongestRetry = std::chrono::milliseconds(5000);

void SetRecord(const Statement& row, int first,
               event::v1::EventRecord& record) {
  record.set_epoch(static_cast<int32_t>(row.Int(first)));
  record.set_sequence(row.Int(first + 1));
  record.set_public_part(row.Text(first + 2));
  record.set_personal_part(row.Text(first + 3));
  record.set_salt(row.Text(first + 4));
  record.set_personal_hash(row.Text(first + 5));
  record.set_prev_hash(row.Text(first + 6));
  record.set_hash(row.Text(first + 7));
  record.set_signature(row.Text(first + 8));
}
// Several rows a statement save the way to the database and back.
constexpr size_t kMostRows = 32;

std::string InsertSql(size_t rows) {
  std::string sql =
      "INSERT INTO events (row_id, agent_no, epoch, sequence, receive_time, "
      "public_part, personal_part, salt, personal_hash, prev_hash, hash, "
      "signature) VALUES ";
  for (size_t i = 0; i < rows; ++i) {
    sql += i == 0 ? "(?,?,?,?,?,?,?,?,?,?,?,?)" : ",(?,?,?,?,?,?,?,?,?,?,?,?)";
  }
  return sql;
}

Status InsertEvents(Connection& db, const AppendRequest& request,
                    int64_t agent_no, int64_t row_id) {
  const auto& records = request.records;
  size_t rows = kMostRows;
  for (size_t at = 0; at < records.size(); at += rows) {
    // Powers of two: few texts, each cached.
    while (rows > records.size() - at) rows /= 2;
    ASSIGN_OR_RETURN(Statement statement, db.Prepare(InsertSql(rows)));
    int index = 0;
    for (size_t i = at; i < at + rows; ++i) {
      const event::v1::EventRecord& record = records[i];
      statement.Bind(++index, row_id++);
      statement.Bind(++index, agent_no);
      statement.Bind(++index, record.epoch());
      statement.Bind(++index, record.sequence());
      statement.Bind(++index, request.receive_time);
      for (const std::string* bytes :
           {&record.public_part(), &record.personal_part(), &record.salt(),
            &record.personal_hash(), &record.prev_hash(), &record.hash(),
            &record.signature()}) {
        statement.Bind(++index, Blob{*bytes});
      }
    }
    RETURN_IF_ERROR(statement.Step());
  }
  return {};
}

constexpr const char* kRecordColumns =
    "e.epoch, e.sequence, e.public_part, e.personal_part, e.salt, "
    "e.personal_hash, e.prev_hash, e.hash, e.signature";

}  // namespace

void Where::And(std::string_view condition,
                std::initializer_list<Value> values) {
  sql_ += sql_.empty() ? " WHERE " : " AND ";
  sql_ += condition;
  values_.insert(values_.end(), values);
}

void Where::In(std::string_view column, const std::vector<int64_t>& numbers) {
  if (numbers.empty()) {
    return;
  }
  std::string list;
  for (const int64_t number : numbers) {
    list += list.empty() ? "" : ",";
    list += std::to_string(number);
  }
  And(std::string(column) + " IN (" + list + ")");
}

void Where::SeenTerminal(std::string_view column, const Scope& scope) {
  if (scope.IsWholeFleet()) return;
  And(std::string(column) + " IN (" + TerminalsSql(scope) + ")");
  Bind(scope);
}

// The plus keeps the index by agent away, which would have to be sorted.
void Where::SeenAgent(std::string_view column, const Scope& scope) {
  if (scope.IsWholeFleet()) return;
  And("+" + std::string(column) + " IN (" + AgentsSql(scope) + ")");
  Bind(scope);
}

void Where::SeenCase(std::string_view id, const Scope& scope) {
  if (scope.IsWholeFleet()) return;
  And(CaseIsSeenSql(id, scope));
  Bind(scope, 2);
}

// One of a person or a device reaches beyond any group.
void Where::SeenTarget(const Scope& scope) {
  if (scope.IsWholeFleet()) return;
  And("kind='terminal' AND target IN (SELECT t.agent_id FROM agents t WHERE "
      "t.terminal IN (" +
      TerminalsSql(scope) + "))");
  Bind(scope);
}

void Where::Bind(const Scope& scope, int times) {
  for (int i = 0; i < times; ++i) {
    for (const std::string& group : scope.groups()) values_.emplace_back(group);
  }
}

void Where::BindTo(Statement& statement, int first) const {
  for (const Value& value : values_) {
    if (value.number) {
      statement.Bind(first++, *value.number);
    } else {
      statement.Bind(first++, value.text);
    }
  }
}

int PageSize(const Paging& paging) {
  if (paging.size <= 0) {
    return kDefaultPageSize;
  }
  return paging.size < kMaxPageSize ? paging.size : kMaxPageSize;
}

Result<std::optional<int64_t>> RowOf(const Paging& paging) {
  if (paging.token.empty()) {
    return std::nullopt;
  }
  int64_t row = 0;
  const char* end = paging.token.data() + paging.token.size();
  if (auto [at, error] = std::from_chars(paging.token.data(), end, row);
      error != std::errc() || at != end) {
    return Fail(Code::kInvalidArgument, "page token is not one of ours");
  }
  return row;
}

SecretHash HashFrom(std::string_view bytes) {
  SecretHash hash{};
  if (bytes.size() == hash.size()) {
    std::memcpy(hash.data(), bytes.data(), hash.size());
  }
  return hash;
}

Result<int64_t> AgentNo(Connection& db, const std::string& agent_id) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT agent_no FROM agents WHERE agent_id=?", agent_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no agent " + agent_id);
  }
  return row.Int(0);
}

namespace {

Result<std::unique_ptr<Store>> Started(std::unique_ptr<Engine> engine,
                                       SqliteStore::Options options,
                                       const std::string& what) {
  auto store =
      std::make_unique<SqliteStore>(std::move(engine), std::move(options));
  if (auto started = store->Start(); !started) {
    return Wrap("store " + what, std::move(started).error());
  }
  return store;
}

}  // namespace

Result<std::unique_ptr<Store>> OpenSqlite(const SqliteOptions& options) {
  return Started(NewSqliteEngine(options.path),
                 {options.group_commit_wait, nullptr}, options.path);
}

Result<std::unique_ptr<Store>> OpenPostgres(const PostgresOptions& options) {
  RETURN_IF_ERROR(CheckConninfo(options.conninfo));
  return Started(NewPostgresEngine(options.conninfo), {{}, options.on_turn},
                 DescribeConninfo(options.conninfo));
}

Status SqliteStore::Start() {
  ASSIGN_OR_RETURN(writer_, engine_->OpenWriter());
  RETURN_IF_ERROR(Migrate(*writer_));
  ASSIGN_OR_RETURN(log_, LogTree::Load(*writer_));
  log_head_ = log_.head();
  thread_ = std::thread([this] { WriterLoop(); });
  return {};
}

SqliteStore::~SqliteStore() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) {
    thread_.join();
  }
}

void SqliteStore::Enqueue(Work work, Done done) {
  {
    std::lock_guard lock(mutex_);
    queue_.push_back({std::move(work), std::move(done)});
  }
  wake_.notify_one();
}

Status SqliteStore::Write(const Work& work) {
  std::promise<Status> promise;
  Enqueue(work,
          [&promise](const Status& status) { promise.set_value(status); });
  return promise.get_future().get();
}

void SqliteStore::WriterLoop() {
  for (;;) {
    std::deque<Job> group;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) {
        return;  // stopping, and all that was queued is done
      }
      if (options_.group_commit_wait.count() > 0 && queue_.size() < 8 &&
          !stopping_) {
        wake_.wait_for(lock, options_.group_commit_wait,
                       [this] { return stopping_ || queue_.size() >= 8; });
      }
      while (!queue_.empty() && group.size() < engine_->max_group()) {
        group.push_back(std::move(queue_.front()));
        queue_.pop_front();
      }
    }
    RunGroup(group);
  }
}

// Each job stands in its own savepoint, so that one that fails takes nothing
// with it; if the commit fails, all of them failed.
void SqliteStore::RunGroup(std::deque<Job>& group) {
  std::vector<Status> results(group.size());
  Status commit = Reach();
  if (commit) commit = writer_->BeginWrite();
  if (commit) {
    commit = RunJobs(group, results);
    if (commit) {
      commit = writer_->Commit();
    }
    if (commit) {
      log_is_saved_ = true;
      std::lock_guard lock(mutex_);
      if (log_.size() > log_head_.size) log_head_ = log_.head();
    } else {
      (void)writer_->Script("ROLLBACK");
    }
  }
  if (writer_ && writer_->IsLost()) {
    // Another may have written what we do not know of, or we ourselves.
    writer_.reset();
    log_is_saved_ = false;
    Turn(commit ? Fail(Code::kUnavailable, "the connection is gone") : commit);
  }
  for (size_t i = 0; i < group.size(); ++i) {
    group[i].done(commit ? results[i] : commit);
  }
}

Status SqliteStore::Reach() {
  if (writer_) return {};
  const auto now = std::chrono::steady_clock::now();
  if (now < retry_at_) return std::unexpected(lost_);
  auto opened = engine_->OpenWriter();
  if (!opened) {
    retry_wait_ = std::clamp(retry_wait_ * 2, kFirstRetry, kLongestRetry);
    retry_at_ = now + retry_wait_;
    lost_ = {Code::kUnavailable, "store: " + opened.error().message};
    return std::unexpected(lost_);
  }
  writer_ = std::move(*opened);
  retry_wait_ = {};
  Turn({});
  return {};
}

void SqliteStore::Turn(const Status& status) {
  if (options_.on_turn) options_.on_turn(status);
}

Status SqliteStore::RunJobs(std::deque<Job>& group,
                            std::vector<Status>& results) {
  if (!log_is_saved_) {
    // The last group did not commit: its leaves are not in the database.
    ASSIGN_OR_RETURN(log_, LogTree::Load(*writer_));
    log_is_saved_ = true;
  }
  log_is_checked_ = false;
  for (size_t i = 0; i < group.size(); ++i) {
    results[i] = writer_->Script("SAVEPOINT job");
    if (!results[i]) {
      if (writer_->IsLost()) return results[i];
      continue;
    }
    const int64_t leaves = leaves_added_;
    results[i] = group[i].work(*writer_);
    if (!results[i]) {
      RETURN_IF_ERROR(writer_->Script("ROLLBACK TO job"));
    }
    if (auto released = writer_->Script("RELEASE job"); !released) {
      results[i] = released;
    }
    if (leaves_added_ == leaves) {
      continue;
    }
    log_is_saved_ = false;
    if (!results[i]) {
      // Leaves without their events: nothing of this group may stay.
      return results[i];
    }
  }
  return log_.Save(*writer_);
}

Result<SqliteStore::Reading> SqliteStore::Read() {
  for (;;) {
    std::unique_ptr<Connection> connection;
    {
      std::lock_guard lock(mutex_);
      if (!readers_.empty()) {
        connection = std::move(readers_.back());
        readers_.pop_back();
      }
    }
    const bool is_new = !connection;
    if (is_new) {
      ASSIGN_OR_RETURN(connection, engine_->OpenReader());
    }
    if (const Status begun = connection->BeginRead(); begun) {
      return Reading(this, std::move(connection));
    } else if (is_new || !connection->IsLost()) {
      return std::unexpected(begun.error());
    }
    // It was lost while it waited: another, in the end a new one.
  }
}

SqliteStore::Reading::~Reading() {
  if (!connection_ || !connection_->Script("COMMIT")) {
    return;
  }
  std::lock_guard lock(store_->mutex_);
  if (store_->readers_.size() < kMaxIdleReaders) {
    store_->readers_.push_back(std::move(connection_));
  }
}

Status SqliteStore::TryWrite() { return Write(WriteNothing); }

// ---- the log ----

void SqliteStore::Append(AppendRequest request, AppendDone done) {
  struct State {
    AppendRequest request;
    event::Head head;
  };
  auto state = std::make_shared<State>(std::move(request), event::Head{});
  Enqueue(
      [this, state](Connection& db) -> Status {
        ASSIGN_OR_RETURN(state->head, AppendIn(db, state->request));
        return {};
      },
      [state, done = std::move(done)](const Status& status) {
        if (status) {
          done(state->head);
        } else {
          done(std::unexpected(status.error()));
        }
      });
}

Result<event::Head> SqliteStore::AppendIn(Connection& db,
                                          const AppendRequest& request) {
  event::Head head;
  int64_t agent_no = 0;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db.Query("SELECT a.agent_no, a.revoke_time, h.epoch, h.sequence, "
                 "h.hash FROM agents a JOIN heads h USING (agent_no) "
                 "WHERE a.agent_id=?",
                 request.agent_id));
    ASSIGN_OR_RETURN(const bool found, row.Step());
    if (!found) {
      return Fail(Code::kNotFound, "no agent " + request.agent_id);
    }
    if (!row.IsNull(1)) {
      return Fail(Code::kPermissionDenied, "agent is revoked");
    }
    agent_no = row.Int(0);
    head.epoch = static_cast<int32_t>(row.Int(2));
    head.sequence = row.Int(3);
    head.hash = HashFrom(row.View(4));
  }
  RETURN_IF_ERROR(CheckLog(db));
  std::vector<event::Hash> hashes;
  for (const event::v1::EventRecord& record : request.records) {
    if (record.epoch() > head.epoch) {
      RETURN_IF_ERROR(db.Run("INSERT INTO closed_epochs VALUES (?,?,?,?,?)",
                             agent_no, head.epoch, head.sequence,
                             Blob{AsText(head.hash)}, request.receive_time));
      head = {record.epoch(), 0, {}};
    }
    if (record.epoch() != head.epoch ||
        record.sequence() != head.sequence + 1 ||
        record.prev_hash() != AsText(head.hash) ||
        record.hash().size() != head.hash.size()) {
      return Fail(Code::kAborted,
                  "does not follow the head: expected sequence " +
                      std::to_string(head.sequence + 1));
    }
    head = event::HeadOf(record);
    hashes.push_back(head.hash);
  }
  RETURN_IF_ERROR(InsertEvents(db, request, agent_no, log_.size() + 1));
  RETURN_IF_ERROR(
      db.Run("UPDATE heads SET epoch=?, sequence=?, hash=? WHERE agent_no=?",
             head.epoch, head.sequence, Blob{AsText(head.hash)}, agent_no));
  // Last: what is in the tree stays there.
  for (const event::Hash& hash : hashes) {
    log_.Append(hash);
  }
  leaves_added_ += std::ssize(hashes);
  return head;
}

// Leaf i is row i + 1: rows are numbered here, not by the database. Once a
// group, since nobody else writes while it lasts.
Status SqliteStore::CheckLog(Connection& db) {
  if (log_is_checked_) return {};
  int64_t rows = 0;
  {
    ASSIGN_OR_RETURN(Statement row,
                     db.Query("SELECT coalesce(max(row_id), 0) FROM events"));
    RETURN_IF_ERROR(row.Step());
    rows = row.Int(0);
  }
  if (rows != log_.size() && engine_->IsShared()) {
    ASSIGN_OR_RETURN(log_, LogTree::Load(db));
  }
  if (rows != log_.size()) {
    return Fail(Code::kDataLoss,
                "the log has " + std::to_string(log_.size()) +
                    " leaves, which is not the number of events");
  }
  log_is_checked_ = true;
  return {};
}

Result<event::Head> SqliteStore::HeadOf(const std::string& agent_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT h.epoch, h.sequence, h.hash FROM agents a JOIN heads h "
                "USING (agent_no) WHERE a.agent_id=?",
                agent_id));
  ASSIGN_OR_RETURN(const bool found, row.Step());
  if (!found) {
    return Fail(Code::kNotFound, "no agent " + agent_id);
  }
  return event::Head{static_cast<int32_t>(row.Int(0)), row.Int(1),
                     HashFrom(row.View(2))};
}

Result<std::vector<LoggedEvent>> SqliteStore::ReadLog(int64_t after_row,
                                                      int limit) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(std::string("SELECT e.row_id, a.agent_id, a.terminal, "
                            "e.receive_time, ") +
                    kRecordColumns +
                    " FROM events e JOIN agents a USING (agent_no) "
                    "WHERE e.row_id>? ORDER BY e.row_id LIMIT ?",
                after_row, limit));
  std::vector<LoggedEvent> events;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return events;
    }
    LoggedEvent& event = events.emplace_back();
    event.row_id = row.Int(0);
    event.agent_id = row.Text(1);
    event.terminal = row.Text(2);
    event.receive_time = row.Time(3);
    SetRecord(row, 4, event.record);
  }
}

namespace {

Result<std::vector<ClosedEpoch>> ReadClosed(Connection& db, int64_t agent_no) {
  ASSIGN_OR_RETURN(
      Statement row,
      db.Query("SELECT epoch, sequence, hash, close_time FROM closed_epochs "
               "WHERE agent_no=? ORDER BY epoch",
               agent_no));
  std::vector<ClosedEpoch> closed;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return closed;
    }
    closed.push_back(
        {{static_cast<int32_t>(row.Int(0)), row.Int(1), HashFrom(row.View(2))},
         row.Time(3)});
  }
}

}  // namespace

Result<std::vector<ClosedEpoch>> SqliteStore::ClosedEpochs(
    const std::string& agent_id) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(*db, agent_id));
  return ReadClosed(*db, agent_no);
}

// The indexed part by the chain's index, then what is not indexed yet.
Result<Store::ChainEnd> SqliteStore::ReadChain(const std::string& agent_id,
                                               const ChainRow& row) {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(const int64_t agent_no, AgentNo(*db, agent_id));
  const std::string select =
      std::string("SELECT ") + kRecordColumns + ", e.row_id";
  const std::string parts[] = {
      select +
          " FROM event_index i JOIN events e USING (row_id) WHERE "
          "i.agent_no=? ORDER BY i.agent_no, i.epoch, i.sequence",
      select +
          " FROM events e WHERE e.row_id > (SELECT row_id FROM index_mark) "
          "AND e.agent_no=? ORDER BY e.row_id"};
  for (const std::string& part : parts) {
    ASSIGN_OR_RETURN(Statement rows, db->Scan(part, agent_no));
    event::v1::EventRecord record;
    for (;;) {
      ASSIGN_OR_RETURN(const bool more, rows.Step());
      if (!more) {
        break;
      }
      SetRecord(rows, 0, record);
      // Rows are never deleted, and FillLog() and AppendIn() see to it that
      // none is left out.
      RETURN_IF_ERROR(row(record, rows.Int(9) - 1));
    }
  }
  ASSIGN_OR_RETURN(
      Statement head,
      db->Query("SELECT epoch, sequence, hash FROM heads WHERE agent_no=?",
                agent_no));
  RETURN_IF_ERROR(head.Step());
  ChainEnd end;
  end.head = {static_cast<int32_t>(head.Int(0)), head.Int(1),
              HashFrom(head.View(2))};
  ASSIGN_OR_RETURN(end.closed, ReadClosed(*db, agent_no));
  return end;
}

}  // namespace sekisho::store
