#include "server/service/agent_stream.h"

#include <algorithm>

#include "common/log.h"
#include "common/text.h"
#include "policy/containment.h"
#include "server/core/audit.h"
#include "server/service/chain_head.h"
#include "server/service/identity.h"

namespace sekisho::service {
namespace {

constexpr int kMaxPendingBatches = 4;
constexpr int kMaxRefusals = 10;
constexpr auto kHeartbeatStoredEvery = std::chrono::seconds(5);
constexpr auto kTurnsEvery = std::chrono::seconds(1);

// Numbers of a peer: what makes no sense becomes something harmless.
core::Containing::Heard ContainedIn(const event::v1::Heartbeat& said) {
  core::Containing::Heard heard;
  heard.version = said.contain_version();
  for (const auto& one : said.containments()) {
    if (heard.reports.size() >= policy::kMaxContainments) break;
    core::Containing::Report& report = heard.reports[one.containment_id()];
    if (one.has_close_time()) {
      report.close_time =
          WallTime(std::chrono::seconds(std::clamp<int64_t>(
              one.close_time().seconds(), 0, int64_t{1} << 33))) +
          std::chrono::microseconds(
              std::clamp(one.close_time().nanos() / 1000, 0, 999'999));
    }
    report.media = std::max<int64_t>(0, one.media_count());
    report.open_media = std::max<int64_t>(0, one.open_media_count());
    report.observes = said.mode() == "observe";
  }
  return heard;
}

}  // namespace

std::shared_ptr<AgentStream> AgentStream::Begin(const AgentPlaneParts& parts,
                                                store::AgentIdentity agent,
                                                std::string peer,
                                                Versions versions,
                                                Ended ended) {
  auto stream =
      std::make_shared<AgentStream>(parts, std::move(agent), std::move(peer),
                                    std::move(versions), std::move(ended));
  stream->self_ = stream;
  std::lock_guard lock(stream->mutex_);
  stream->ReadNext();
  return stream;
}

bool AgentStream::Announce(const std::string& type, int64_t version) {
  std::lock_guard lock(mutex_);
  if (!greeted_ || finished_) {
    return false;
  }
  int64_t& told = told_[type];
  if (version <= told) {
    return false;
  }
  told = announcements_[type] = version;
  WriteNext();
  return true;
}

void AgentStream::Cut(grpc::Status status) {
  std::lock_guard lock(mutex_);
  End(std::move(status));
}

void AgentStream::Drain(grpc::Status status) {
  std::lock_guard lock(mutex_);
  draining_ = std::move(status);
  EndIfDone();
}

void AgentStream::OnReadDone(bool ok) {
  const auto keep = shared_from_this();
  {
    std::lock_guard lock(mutex_);
    if (!ok || finished_ || ending_ || draining_) {
      // Half-closed or broken; what is on its way to the log is still answered.
      reading_ = false;
      peer_done_ = true;
      EndIfDone();
      return;
    }
    handling_ = true;
  }
  // Unlocked: it may wait for the store, whose thread may wait for this lock.
  // No other read is in flight, so what only reads touch is ours.
  grpc::Status status = Handle();
  std::lock_guard lock(mutex_);
  reading_ = false;
  handling_ = false;
  if (!status.ok()) {
    End(std::move(status));
    return;
  }
  ReadNext();
  EndIfDone();
}

grpc::Status AgentStream::Handle() {
  if (!parts_.presence.Heard(agent_.agent_id)) {
    return {grpc::StatusCode::PERMISSION_DENIED,
            "agent " + agent_.terminal + " is revoked"};
  }
  if (agent_.not_after <= parts_.clock.Now()) {
    return {grpc::StatusCode::UNAUTHENTICATED, "the certificate has expired"};
  }
  if (request_.ByteSizeLong() > kMaxMessageBytes) {
    const Error error{Code::kResourceExhausted, "message is over 1 MiB"};
    parts_.ingest.traffic().RefusedBatch(error.code);
    (void)core::WriteAudit(parts_.store, parts_.clock,
                           {.user = agent_.agent_id,
                            .door = "agent",
                            .address = peer_,
                            .action = "message.refused",
                            .object = "agent " + agent_.terminal,
                            .detail = ""},
                           std::unexpected(error));
    return ToGrpc(error);
  }
  switch (request_.message_case()) {
    case Request::kHello:
      return OnHello(request_.hello());
    case Request::kBatch:
      return OnBatch(*request_.mutable_batch());
    case Request::kHeartbeat:
      if (!greeted_) {
        break;
      }
      OnHeartbeat(request_.heartbeat());
      return grpc::Status::OK;
    case Request::MESSAGE_NOT_SET:
      break;
  }
  return {grpc::StatusCode::INVALID_ARGUMENT,
          greeted_ ? "a message of no known kind" : "the first is a hello"};
}

grpc::Status AgentStream::OnHello(const event::v1::Hello& hello) {
  if (greeted_) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "a second hello"};
  }
  const auto head = parts_.ingest.HeadOf(agent_.agent_id);
  if (!head) {
    return ToGrpc(head.error());
  }
  head_ = *head;
  hostname_ = EscapeUntrusted(hello.hostname(), 253);
  agent_version_ = EscapeUntrusted(hello.agent_version(), 64);
  boot_id_ = EscapeUntrusted(hello.boot_id(), 64);
  if (hello.has_head()) {
    parts_.ingest.CheckHead(agent_, FromProto(hello.head()), *head);
  }
  if (!hello.checkpoint().empty()) {
    const auto seen = parts_.checkpoints.CheckSeen(hello.checkpoint());
    if (seen) {
      told_leaves_ = seen->size;
    } else if (seen.error().code == Code::kUnavailable) {
      return ToGrpc(seen.error());  // nothing is known of the log now
    } else {
      parts_.ingest.ReportHistory(agent_, hello.checkpoint(), seen.error());
    }
  }
  auto log = NewsOfLog();
  if (!log) {
    return ToGrpc(log.error());
  }
  std::lock_guard lock(mutex_);
  committed_ = *head;
  greeted_ = true;
  welcome_.emplace();
  *welcome_->mutable_log() = std::move(*log);
  *welcome_->mutable_head() = ToProto(committed_);
  welcome_->set_terminal(agent_.terminal);
  // Asked for after `greeted_`, so that no push falls in between.
  for (const auto& [type, version] : versions_()) {
    const auto held = hello.held_versions().find(type);
    int64_t& told = told_[type];
    told = held == hello.held_versions().end() ? 0 : held->second;
    if (version > told) {
      told = announcements_[type] = version;
    }
  }
  WriteNext();
  return grpc::Status::OK;
}

Result<event::v1::LogState> AgentStream::NewsOfLog() {
  ASSIGN_OR_RETURN(const core::LogNews news,
                   parts_.checkpoints.Since(told_leaves_));
  told_leaves_ = news.size;
  return ToProto(news, parts_.checkpoints.verifier());
}

grpc::Status AgentStream::OnBatch(event::v1::EventBatch& batch) {
  if (!greeted_) {
    return {grpc::StatusCode::INVALID_ARGUMENT, "the first is a hello"};
  }
  {
    std::lock_guard lock(mutex_);
    ++pending_batches_;
  }
  const Result<bool> taken = parts_.ingest.Take(
      agent_, head_,
      {std::make_move_iterator(batch.mutable_records()->begin()),
       std::make_move_iterator(batch.mutable_records()->end())},
      [self = shared_from_this()](Result<event::Head> head) {
        self->OnCommitted(head);
      });
  if (taken && *taken) {
    return grpc::Status::OK;
  }
  std::lock_guard lock(mutex_);
  --pending_batches_;
  if (!taken) {
    return Refuse(taken.error());
  }
  // Sent before: acknowledged again, now or with what is on its way.
  ack_due_ = ack_due_ || pending_batches_ == 0;
  WriteNext();
  return grpc::Status::OK;
}

grpc::Status AgentStream::Refuse(const Error& error) {
  Log(LogLevel::kWarning, "batch refused: " + error.message,
      {{"terminal", agent_.terminal}, {"peer", peer_}});
  if (++refusals_ >= kMaxRefusals) {
    return {grpc::StatusCode::FAILED_PRECONDITION,
            "refused too often: " + error.message};
  }
  refusal_.emplace();
  refusal_->set_reason(error.message);
  *refusal_->mutable_head() = ToProto(head_);
  WriteNext();
  return grpc::Status::OK;
}

void AgentStream::OnCommitted(const Result<event::Head>& head) {
  std::lock_guard lock(mutex_);
  --pending_batches_;
  if (finished_) {
    return;
  }
  if (!head) {
    // What came after it in the queue fails too: the agent begins again from
    // the log's own head.
    End(ToGrpc(head.error()));
    return;
  }
  committed_ = *head;
  ack_due_ = true;
  WriteNext();
  ReadNext();
  EndIfDone();
}

void AgentStream::OnHeartbeat(const event::v1::Heartbeat& heartbeat) {
  // Not only every few seconds: a person waits for it.
  parts_.containing.OnHeard(agent_.agent_id, ContainedIn(heartbeat));
  const BootTime now = parts_.clock.SinceBoot();
  // A gate that opens is coverage that ends: it is not kept waiting.
  store::AgentHeartbeat stored = HeartbeatOf(heartbeat);
  const store::Cover cover = store::CoverOf(stored);
  const auto wait = cover == last_cover_ ? kHeartbeatStoredEvery : kTurnsEvery;
  if (last_stored_heartbeat_ != BootTime{} &&
      now - last_stored_heartbeat_ < wait) {
    return;
  }
  last_stored_heartbeat_ = now;
  last_cover_ = cover;
  std::optional<event::Head> settled;
  {
    std::lock_guard lock(mutex_);
    if (heartbeat.has_head() && pending_batches_ == 0) {
      settled = committed_;
    }
  }
  if (settled) {
    const event::Head says = FromProto(heartbeat.head());
    parts_.ingest.CheckHead(agent_, says, *settled);
    parts_.ingest.CheckAcknowledged(agent_, says, heartbeat.spooled_count(),
                                    *settled);
  }
  parts_.store.PutHeartbeat(std::move(stored));
  TellLog();
  parts_.changes.Tell({core::Change::What::kAgent, 0, agent_.agent_id});
}

// The proof begins where the one before ended: none is made while one waits.
void AgentStream::TellLog() {
  {
    std::lock_guard lock(mutex_);
    if (log_ || finished_ || ending_) {
      return;
    }
  }
  if (const auto head = parts_.store.LogHead();
      head && head->size == told_leaves_) {
    return;
  }
  auto news = NewsOfLog();
  if (!news) {
    Log(LogLevel::kError, "log: " + news.error().message);
    return;
  }
  std::lock_guard lock(mutex_);
  log_ = std::move(*news);
  WriteNext();
}

store::AgentHeartbeat AgentStream::HeartbeatOf(
    const event::v1::Heartbeat& said) const {
  store::AgentHeartbeat heartbeat;
  heartbeat.agent_id = agent_.agent_id;
  heartbeat.time = parts_.clock.Now();
  heartbeat.hostname = hostname_;
  heartbeat.agent_version = agent_version_;
  heartbeat.mode = EscapeUntrusted(said.mode(), 32);
  heartbeat.gate_state = EscapeUntrusted(said.gate_state(), 32);
  heartbeat.core_alive = said.core_alive();
  heartbeat.policy_version = said.policy_version();
  heartbeat.head = FromProto(said.head());
  heartbeat.spooled_count = said.spooled_count();
  heartbeat.boot_id = boot_id_;
  heartbeat.boot_microseconds = said.since_boot_microseconds();
  return heartbeat;
}

void AgentStream::ReadNext() {
  if (!reading_ && !finished_ && !peer_done_ && !ending_ && !draining_ &&
      pending_batches_ < kMaxPendingBatches) {
    reading_ = true;
    StartRead(&request_);
  }
}

void AgentStream::WriteNext() {
  if (writing_ || finished_) {
    return;
  }
  response_.Clear();
  if (welcome_) {
    *response_.mutable_welcome() = *welcome_;
    welcome_.reset();
  } else if (refusal_) {
    *response_.mutable_refusal() = *refusal_;
    refusal_.reset();
  } else if (ack_due_) {
    *response_.mutable_ack()->mutable_head() = ToProto(committed_);
    ack_due_ = false;
  } else if (log_) {
    *response_.mutable_log() = std::move(*log_);
    log_.reset();
  } else if (!announcements_.empty()) {
    auto next = announcements_.extract(announcements_.begin());
    response_.mutable_announcement()->set_type(next.key());
    response_.mutable_announcement()->set_version(next.mapped());
  } else {
    if (ending_) {
      finished_ = true;
      Finish(*ending_);
    }
    return;
  }
  writing_ = true;
  StartWrite(&response_);
}

void AgentStream::End(grpc::Status status) {
  if (finished_ || ending_) {
    return;
  }
  if (!status.ok()) {
    // A refused peer gets the reason, not what was queued.
    welcome_.reset();
    refusal_.reset();
    ack_due_ = false;
    log_.reset();
    announcements_.clear();
  }
  EndAfterWrites(std::move(status));
}

void AgentStream::EndAfterWrites(grpc::Status status) {
  if (finished_ || ending_) {
    return;
  }
  ending_ = std::move(status);
  WriteNext();
}

void AgentStream::EndIfDone() {
  if (pending_batches_ == 0 && !handling_ && (peer_done_ || draining_)) {
    EndAfterWrites(draining_.value_or(grpc::Status::OK));
  }
}

void AgentStream::OnWriteDone(bool ok) {
  const auto keep = shared_from_this();
  std::lock_guard lock(mutex_);
  writing_ = false;
  if (!ok) {
    welcome_.reset();
    refusal_.reset();
    ack_due_ = false;
    log_.reset();
    announcements_.clear();
    End({grpc::StatusCode::UNAVAILABLE, "the stream broke"});
  }
  WriteNext();
}

void AgentStream::OnCancel() {
  const auto keep = shared_from_this();
  std::lock_guard lock(mutex_);
  End({grpc::StatusCode::CANCELLED, "cancelled"});
}

void AgentStream::OnDone() {
  const auto keep = std::move(self_);
  ended_(this);
}

}  // namespace sekisho::service
