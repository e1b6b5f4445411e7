#include "server/store/sqlite_store.h"

#include <charconv>
#include <cstring>
#include <future>

#include "server/store/sqlite_schema.h"

namespace sekisho::store {
namespace {

// A commit takes what is queued, but not so much that the first waits long.
constexpr size_t kMaxGroup = 512;
constexpr size_t kMaxIdleReaders = 8;

Blob BlobOf(const std::string& bytes) { return Blob{bytes}; }

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

Result<std::unique_ptr<Store>> OpenSqlite(const SqliteOptions& options) {
  auto store = std::make_unique<SqliteStore>(options);
  if (auto started = store->Start(); !started) {
    return Wrap("store " + options.path, std::move(started).error());
  }
  return store;
}

Status SqliteStore::Start() {
  ASSIGN_OR_RETURN(writer_,
                   Connection::Open(options_.path, Connection::Kind::kWriter));
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
      while (!queue_.empty() && group.size() < kMaxGroup) {
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
  Status commit = writer_->Script("BEGIN IMMEDIATE");
  if (commit) {
    commit = RunJobs(group, results);
    if (commit) {
      commit = writer_->Script("COMMIT");
    }
    if (commit) {
      log_is_saved_ = true;
      std::lock_guard lock(mutex_);
      log_head_ = log_.head();
    } else {
      (void)writer_->Script("ROLLBACK");
    }
  }
  for (size_t i = 0; i < group.size(); ++i) {
    group[i].done(commit ? results[i] : commit);
  }
}

Status SqliteStore::RunJobs(std::deque<Job>& group,
                            std::vector<Status>& results) {
  if (!log_is_saved_) {
    // The last group did not commit: its leaves are not in the file.
    ASSIGN_OR_RETURN(log_, LogTree::Load(*writer_));
    log_is_saved_ = true;
  }
  for (size_t i = 0; i < group.size(); ++i) {
    results[i] = writer_->Run("SAVEPOINT job");
    if (!results[i]) {
      continue;
    }
    const int64_t leaves = log_.size();
    results[i] = group[i].work(*writer_);
    if (!results[i]) {
      (void)writer_->Run("ROLLBACK TO job");
    }
    if (auto released = writer_->Run("RELEASE job"); !released) {
      results[i] = released;
    }
    if (log_.size() == leaves) {
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
  std::unique_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex_);
    if (!readers_.empty()) {
      connection = std::move(readers_.back());
      readers_.pop_back();
    }
  }
  if (!connection) {
    ASSIGN_OR_RETURN(
        connection, Connection::Open(options_.path, Connection::Kind::kReader));
  }
  RETURN_IF_ERROR(connection->Run("BEGIN"));
  return Reading(this, std::move(connection));
}

SqliteStore::Reading::~Reading() {
  if (!connection_ || !connection_->Run("COMMIT")) {
    return;
  }
  std::lock_guard lock(store_->mutex_);
  if (store_->readers_.size() < kMaxIdleReaders) {
    store_->readers_.push_back(std::move(connection_));
  }
}

// Setting it to what it is writes the first page all the same.
Status SqliteStore::TryWrite() {
  return Write([](Connection& db) -> Status {
    int64_t version = 0;
    {
      ASSIGN_OR_RETURN(Statement row, db.Query("PRAGMA user_version"));
      RETURN_IF_ERROR(row.Step());
      version = row.Int(0);
    }
    return db.Run("PRAGMA user_version=" + std::to_string(version));
  });
}

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
  std::vector<event::Hash> hashes;
  int64_t last_row = 0;
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
    RETURN_IF_ERROR(db.Run(
        "INSERT INTO events (agent_no, epoch, sequence, receive_time, "
        "public_part, personal_part, salt, personal_hash, prev_hash, hash, "
        "signature) VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        agent_no, record.epoch(), record.sequence(), request.receive_time,
        BlobOf(record.public_part()), BlobOf(record.personal_part()),
        BlobOf(record.salt()), BlobOf(record.personal_hash()),
        BlobOf(record.prev_hash()), BlobOf(record.hash()),
        BlobOf(record.signature())));
    last_row = db.LastRowId();
    head = event::HeadOf(record);
    hashes.push_back(head.hash);
  }
  RETURN_IF_ERROR(
      db.Run("UPDATE heads SET epoch=?, sequence=?, hash=? WHERE agent_no=?",
             head.epoch, head.sequence, Blob{AsText(head.hash)}, agent_no));
  if (!hashes.empty() && last_row != log_.size() + std::ssize(hashes)) {
    return Fail(Code::kDataLoss,
                "the log has " + std::to_string(log_.size()) +
                    " leaves, which is not the number of events");
  }
  // Last: what is in the tree stays there.
  for (const event::Hash& hash : hashes) {
    log_.Append(hash);
  }
  return head;
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
    ASSIGN_OR_RETURN(Statement rows, db->Query(part, agent_no));
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
