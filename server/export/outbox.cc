#include "server/export/outbox.h"

#include <algorithm>
#include <limits>
#include <random>

#include "common/log.h"
#include "common/text.h"

namespace sekisho::server_export {
namespace {

constexpr int kBatch = 500;
constexpr char kFailingKind[] = "sink_failing";

bool IsRequest(const std::string& kind) {
  return kind == "approval_request" || kind == "unlock_request" ||
         kind == "renewal_asked";
}

// Up to a quarter less, so that sinks of one receiver do not all come back
// with it at once.
std::chrono::milliseconds Jittered(std::chrono::milliseconds wait) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<int64_t> less(0, wait.count() / 4);
  return wait - std::chrono::milliseconds(less(random));
}

}  // namespace

SinkRunner::SinkRunner(store::Store& store, const Clock& clock,
                       SinkConfig config, std::string console,
                       std::unique_ptr<Sink> sink, OutboxPace pace)
    : store_(store),
      clock_(clock),
      config_(std::move(config)),
      console_(std::move(console)),
      pace_(pace),
      sink_(std::move(sink)) {
  health_.name = config_.name;
  health_.type = Name(config_.type);
  if (config_.events) health_.event_row_id = 0;
}

SinkHealth SinkRunner::health() const {
  std::lock_guard lock(mutex_);
  return health_;
}

void SinkRunner::Forget() {
  mark_.reset();
  settling_.reset();
}

Status SinkRunner::Begin() {
  ASSIGN_OR_RETURN(auto found, store_.FindSink(config_.name));
  if (!found) {
    found.emplace();
    if (!config_.from_beginning) {
      ASSIGN_OR_RETURN(found, store_.NewestMark());
    }
    found->name = config_.name;
    RETURN_IF_ERROR(store_.PutSink(*found));
  }
  kept_ = *found;
  mark_ = *found;
  return {};
}

void SinkRunner::Count(const store::SinkMark& told,
                       const store::SinkMark& newest,
                       SinkHealth* health) const {
  health->sent_count = told.sent_count;
  health->gap_count = told.gap_count;
  health->sent_time = told.sent_time;
  health->waiting_count = 0;
  if (config_.alerts || config_.requests) {
    health->waiting_count += newest.alert_id - told.alert_id;
  }
  if (config_.events) {
    health->waiting_count += newest.event_row_id - told.event_row_id;
    health->event_row_id = told.event_row_id;
  }
}

void SinkRunner::Note(const store::SinkMark& newest) {
  std::lock_guard lock(mutex_);
  Count(kept_, newest, &health_);
}

Result<SinkHealth> SinkRunner::Stored() const {
  SinkHealth stored{.name = config_.name, .type = Name(config_.type)};
  ASSIGN_OR_RETURN(const auto told, store_.FindSink(config_.name));
  ASSIGN_OR_RETURN(const auto newest, store_.NewestMark());
  if (told) Count(*told, newest, &stored);
  return stored;
}

Result<std::chrono::milliseconds> SinkRunner::Step() {
  if (!mark_) {
    RETURN_IF_ERROR(Begin());
  }
  bool lost = false;
  RETURN_IF_ERROR(Settle(&lost));
  if (lost) {
    return pace_.first_retry;
  }
  ASSIGN_OR_RETURN(const store::SinkMark newest, store_.NewestMark());
  SkipWhatIsTooMuch(newest);
  ASSIGN_OR_RETURN(const Batch batch, Next());
  const Status sent = batch.records.empty()
                          ? sink_->Idle(clock_.Now())
                          : sink_->Deliver(batch.records, clock_.Now());
  if (!sent) {
    mark_ = kept_;
    settling_.reset();
    Note(newest);
    return Failed(sent.error());
  }
  RETURN_IF_ERROR(Told(batch));
  Note(newest);
  return batch.more ? std::chrono::milliseconds(0) : pace_.look;
}

// What waits beyond the limit is not sent, and never silently.
void SinkRunner::SkipWhatIsTooMuch(const store::SinkMark& newest) {
  const auto skip = [this](int64_t* at, int64_t end) {
    const int64_t from = end - config_.waiting_at_most;
    if (*at < from) {
      mark_->gap_count += from - *at;
      mark_->untold_gap_count += from - *at;
      *at = from;
    }
  };
  if (config_.alerts || config_.requests) {
    skip(&mark_->alert_id, newest.alert_id);
  }
  if (config_.events) {
    skip(&mark_->event_row_id, newest.event_row_id);
  }
}

Result<SinkRunner::Batch> SinkRunner::Next() {
  Batch batch;
  batch.upto = *mark_;
  if (mark_->untold_gap_count > 0) {
    batch.records.push_back(GapRecord(mark_->untold_gap_count, clock_.Now()));
    batch.upto.untold_gap_count = 0;
  }
  if (config_.alerts || config_.requests) {
    ASSIGN_OR_RETURN(const bool more, AddAlerts(&batch));
    batch.more = more;
  }
  if (config_.events && !batch.more) {
    ASSIGN_OR_RETURN(batch.more, AddEvents(&batch));
  }
  for (Record& record : batch.records) {
    LeaveOut(config_.without, &record);
  }
  batch.upto.sent_count += std::ssize(batch.records);
  return batch;
}

Result<bool> SinkRunner::AddAlerts(Batch* batch) {
  store::AlertFilter filter;
  filter.order = store::AlertOrder::kOldest;
  filter.with_events = true;
  // Those that are kept back are passed by, not waited for.
  filter.with_suppressed = true;
  ASSIGN_OR_RETURN(
      const auto page,
      store_.ListAlerts(filter, {kBatch, std::to_string(mark_->alert_id)}));
  for (const store::Alert& alert : page.rows) {
    batch->upto.alert_id = alert.alert_id;
    if (alert.suppression_id != 0) continue;
    const Record record = RecordOf(alert, console_);
    const bool kind = IsRequest(alert.kind) ? config_.requests : config_.alerts;
    if (kind && Wants(record)) {
      batch->records.push_back(record);
    }
  }
  return !page.next_token.empty();
}

Result<bool> SinkRunner::AddEvents(Batch* batch) {
  store::EventFilter filter;
  filter.after_row_id = mark_->event_row_id;
  ASSIGN_OR_RETURN(const auto page, store_.ListEvents(filter, {kBatch, ""}));
  for (const store::Event& event : page.rows) {
    batch->upto.event_row_id = event.row_id;
    const Record record = RecordOf(event);
    if (Wants(record)) {
      batch->records.push_back(record);
    }
  }
  return std::ssize(page.rows) == kBatch;
}

bool SinkRunner::Wants(const Record& record) const {
  const bool named =
      config_.only.empty() ||
      std::ranges::find(config_.only, record.name) != config_.only.end();
  // Events have no severity of their own that anybody set.
  const bool heavy = record.what == RecordKind::kEvent ||
                     RankOf(record.severity) >= RankOf(config_.least_severity);
  return named && heavy;
}

Status SinkRunner::Keep(const store::SinkMark& mark) {
  RETURN_IF_ERROR(store_.PutSink(mark));
  kept_ = mark;
  return {};
}

// The connection still stands: what was sent before `settling_at_` arrived.
Status SinkRunner::Settle(bool* lost) {
  const auto now = std::chrono::steady_clock::now();
  if (!settling_ || now < settling_at_ + sink_->settle_time()) {
    return {};
  }
  if (const Status there = sink_->StillThere(); !there) {
    mark_ = kept_;
    settling_.reset();
    (void)Failed(there.error());
    *lost = true;
    return {};
  }
  const store::SinkMark settled = *settling_;
  settling_.reset();
  if (mark_->alert_id != settled.alert_id ||
      mark_->event_row_id != settled.event_row_id) {
    settling_ = mark_;
    settling_at_ = now;
  }
  return Keep(settled);
}

Status SinkRunner::Told(const Batch& batch) {
  {
    std::lock_guard lock(mutex_);
    health_.last_error.clear();
    health_.failing_since.reset();
  }
  failures_ = 0;
  store::SinkMark upto = batch.upto;
  if (!batch.records.empty()) {
    upto.sent_time = clock_.Now();
  }
  const bool moved = upto.alert_id != mark_->alert_id ||
                     upto.event_row_id != mark_->event_row_id ||
                     upto.gap_count != kept_.gap_count ||
                     !batch.records.empty();
  mark_ = upto;
  if (!moved) {
    return {};
  }
  if (sink_->settle_time().count() == 0) {
    return Keep(upto);
  }
  if (!settling_) {
    settling_ = upto;
    settling_at_ = std::chrono::steady_clock::now();
  }
  return {};
}

std::chrono::milliseconds SinkRunner::Failed(const Error& error) {
  {
    std::lock_guard lock(mutex_);
    if (health_.last_error != error.message) {
      Log(LogLevel::kWarning, error.message);
    }
    health_.last_error = error.message;
    if (!health_.failing_since) {
      health_.failing_since = clock_.Now();
    }
  }
  const int doublings = std::min(failures_++, 20);
  const auto wait = pace_.first_retry * (int64_t{1} << doublings);
  return Jittered(std::min<std::chrono::milliseconds>(wait, pace_.last_retry));
}

Outbox::Outbox(store::Store& store, core::Changes& changes, const Clock& clock,
               const SinksConfig& config, OutboxPace pace)
    : store_(store), changes_(changes), clock_(clock), pace_(pace) {
  for (const SinkConfig& sink : config.sinks) {
    runners_.push_back(std::make_unique<SinkRunner>(
        store, clock, sink, config.console, MakeSink(sink), pace));
  }
}

Outbox::~Outbox() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void Outbox::Start() {
  lanes_.resize(runners_.size());
  for (size_t i = 0; i < runners_.size(); ++i) {
    threads_.emplace_back([this, i] { Run(i); });
  }
}

void Outbox::SetActive(bool active) {
  {
    std::lock_guard lock(mutex_);
    active_ = active;
  }
  wake_.notify_all();
  stepped_.notify_all();
}

void Outbox::Run(size_t lane) {
  SinkRunner& runner = *runners_[lane];
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    if (!active_) {
      runner.Forget();
      wake_.wait(lock, [&] { return stopping_ || active_; });
      continue;
    }
    const int64_t flush = flushes_;
    lock.unlock();
    const auto wait = runner.Step();
    if (!wait) {
      Log(LogLevel::kError,
          "sink " + runner.health().name + ": " + wait.error().message);
    }
    const SinkHealth health = runner.health();
    lock.lock();
    lanes_[lane].flushed = flush;
    lanes_[lane].waits =
        wait && health.waiting_count > 0 && !health.failing_since;
    stepped_.notify_all();
    wake_.wait_for(lock, wait.value_or(pace_.first_retry),
                   [&] { return stopping_ || !active_ || flushes_ != flush; });
  }
}

bool Outbox::Flush(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  const int64_t flush = ++flushes_;
  wake_.notify_all();
  return stepped_.wait_until(lock, until, [&] {
    return !active_ || std::ranges::all_of(lanes_, [&](const Lane& lane) {
      return lane.flushed >= flush && !lane.waits;
    });
  });
}

std::vector<SinkHealth> Outbox::Health() const {
  std::vector<SinkHealth> all;
  for (const auto& runner : runners_) {
    all.push_back(runner->health());
  }
  return all;
}

Result<std::vector<SinkHealth>> Outbox::Look() const {
  {
    std::lock_guard lock(mutex_);
    if (active_) return Health();
  }
  std::vector<SinkHealth> all;
  for (const auto& runner : runners_) {
    ASSIGN_OR_RETURN(SinkHealth one, runner->Stored());
    all.push_back(std::move(one));
  }
  return all;
}

int64_t Outbox::EventsToldUpTo() const {
  int64_t upto = std::numeric_limits<int64_t>::max();
  for (const SinkHealth& sink : Health()) {
    upto = std::min(upto, sink.event_row_id.value_or(upto));
  }
  return upto;
}

Status Outbox::Resolve(int64_t alert_id) {
  RETURN_IF_ERROR(store_.ResolveAlert(alert_id, clock_.Now()));
  changes_.Tell({core::Change::What::kAlert, alert_id, ""});
  return {};
}

Status Outbox::Load() {
  open_.clear();
  store::AlertFilter filter;
  filter.kind = kFailingKind;
  filter.only_unresolved = true;
  ASSIGN_OR_RETURN(const auto page,
                   store_.ListAlerts(filter, {store::kMaxPageSize, ""}));
  const auto all = Health();
  for (const store::Alert& alert : page.rows) {
    // "sink NAME ...": the name is a word of letters, digits, '-', '_', '.'.
    const size_t end = alert.title.find(' ', 5);
    const std::string name = alert.title.substr(5, end - 5);
    if (std::ranges::find(all, name, &SinkHealth::name) == all.end()) {
      RETURN_IF_ERROR(Resolve(alert.alert_id));
    } else {
      open_.emplace(name, alert.alert_id);
    }
  }
  return {};
}

Status Outbox::TellBadFile(const Error& error) {
  Log(LogLevel::kError, "nobody is told: " + error.message);
  const std::string first = error.message.substr(0, error.message.find('\n'));
  return Raise("file", clock_.Now(),
               "sink file: nobody is told of anything until it is mended: " +
                   EscapeUntrusted(first, 300));
}

Status Outbox::Raise(const std::string& sink, WallTime since,
                     const std::string& title) {
  store::NewAlert alert;
  alert.key = std::string(kFailingKind) + ":" + sink + ":" +
              std::to_string(since.time_since_epoch().count());
  alert.alert.kind = kFailingKind;
  alert.alert.severity = "high";
  alert.alert.title = title;
  alert.alert.create_time = clock_.Now();
  ASSIGN_OR_RETURN(const auto id, store_.AddAlert(alert));
  if (id) {
    open_[sink] = *id;
    changes_.Tell({core::Change::What::kAlert, *id, ""});
  }
  return {};
}

Status Outbox::Tick() {
  for (const SinkHealth& sink : Health()) {
    const auto open = open_.find(sink.name);
    if (!sink.failing_since && open != open_.end()) {
      RETURN_IF_ERROR(Resolve(open->second));
      open_.erase(open);
    }
    const bool due = sink.failing_since && !open_.contains(sink.name) &&
                     clock_.Now() - *sink.failing_since >= pace_.alert_after;
    if (due) {
      RETURN_IF_ERROR(Raise(sink.name, *sink.failing_since,
                            "sink " + sink.name + " has heard nothing since " +
                                FormatUtc(*sink.failing_since) + "; " +
                                std::to_string(sink.waiting_count) +
                                " records wait. " +
                                EscapeUntrusted(sink.last_error, 300)));
    }
  }
  return {};
}

}  // namespace sekisho::server_export
