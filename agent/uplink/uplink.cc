#include "agent/uplink/uplink.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <utility>

#include "common/file.h"
#include "common/log.h"

namespace sekisho::uplink {
namespace {

using event::v1::ConnectRequest;
using event::v1::ConnectResponse;

// sekishod tells its state right after the connection; a hello waits so long.
constexpr auto kWaitForCore = std::chrono::milliseconds(2'000);
// Changes that come together go into one heartbeat.
// Twice: what is due while the machine sleeps comes before the answer.
constexpr int kCoreAsked = 2;
constexpr auto kBeatSoon = std::chrono::milliseconds(300);
constexpr auto kAfterRefusal = std::chrono::milliseconds(2'000);
constexpr auto kFetchAgain = std::chrono::milliseconds(5'000);
constexpr auto kProven = std::chrono::seconds(10);
constexpr int kLoggedRefusals = 3;

uint64_t RandomNumber() {
  std::array<std::byte, 8> bytes;
  FillRandom(bytes);
  return GetU64(bytes.data());
}

event::v1::ChainHead ToProto(const ipc::ChainHead& head) {
  event::v1::ChainHead out;
  out.set_epoch(static_cast<int32_t>(head.epoch));
  out.set_sequence(head.sequence);
  out.set_hash(std::string(AsText(head.hash)));
  return out;
}

ipc::ChainHead FromProto(const event::v1::ChainHead& head) {
  ipc::ChainHead out;
  out.epoch = head.epoch();
  out.sequence = head.sequence();
  if (head.hash().size() == out.hash.size()) {
    std::memcpy(out.hash.data(), head.hash().data(), out.hash.size());
  }
  return out;
}

void SetTime(google::protobuf::Timestamp* time, int64_t us) {
  time->set_seconds(us / 1'000'000);
  time->set_nanos(static_cast<int32_t>(us % 1'000'000) * 1000);
}

std::string HostName() {
  std::array<char, 256> name{};
  return ::gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

RenewalOptions WithDir(RenewalOptions options, const std::string& state_dir) {
  options.state_dir = state_dir;
  return options;
}

bool SameForTheServer(const ipc::CoreState& a, const ipc::CoreState& b) {
  return a.mode == b.mode && a.gate_state == b.gate_state &&
         a.policy_version == b.policy_version;
}

}  // namespace

Uplink::Uplink(EventLoop& loop, ServerLink& server, const Clock& clock,
               UplinkOptions options)
    : loop_(loop),
      server_(server),
      clock_(clock),
      options_(std::move(options)),
      core_(loop, options_.core_socket, *this),
      backoff_(BackoffLimits{}),
      renewal_(
          loop, server, clock, WithDir(options_.renewal, options_.state_dir),
          [this] { return phase_ == Phase::kOpen; }, [this] { Switch(); }),
      witness_(options_.state_dir + "/log.witness", clock) {}

Uplink::~Uplink() {
  for (const EventLoop::TimerId id :
       {open_timer_, beat_timer_, core_timer_, answer_timer_, refusal_timer_,
        soon_timer_, fetch_timer_}) {
    loop_.Cancel(id);
  }
}

void Uplink::Start() {
  core_.Start();
  // OnCoreState() makes it earlier.
  open_timer_ = loop_.After(kWaitForCore, [this] { Open(); });
}

void Uplink::OnNetworkChanged() {
  if (phase_ != Phase::kWaiting || !tried_) return;
  backoff_.Reset();
  OpenLater(trouble_);
}

// ---- the stream's life ----

void Uplink::Open() {
  if (phase_ != Phase::kWaiting) return;
  loop_.Cancel(open_timer_);
  tried_ = true;
  const auto text = ReadFileAt(AT_FDCWD, options_.config_path, kMaxConfigBytes);
  if (!text) return OpenLater(text.error().message);
  const auto config = ParseConfig(*text);
  if (!config) {
    return OpenLater(options_.config_path + ": " + config.error().message);
  }
  const auto identity = ReadIdentity(options_.state_dir);
  if (!identity) return OpenLater(identity.error().message);
  backoff_.SetLimits(config->backoff);
  if (!renewal_.Watch(*config, *identity)) return OpenLater(renewal_.why());
  phase_ = Phase::kGreeting;
  writing_ = true;
  server_.Open(*config, *identity, *this);
  ConnectRequest hello;
  *hello.mutable_hello() = MakeHello();
  server_.Write(std::move(hello));
  ArmAnswerTimer();
}

void Uplink::OpenLater(const std::string& why) {
  phase_ = Phase::kWaiting;
  if (why != trouble_) {
    trouble_ = why;
    Log(LogLevel::kWarning, "no connection: " + why);
    TellState();
  }
  loop_.Cancel(open_timer_);
  open_timer_ = loop_.After(backoff_.Next(RandomNumber()), [this] { Open(); });
}

void Uplink::GiveUp(const std::string& why) {
  if (phase_ != Phase::kGreeting && phase_ != Phase::kOpen) return;
  given_up_ = why;
  phase_ = Phase::kClosing;
  server_.Cancel();
}

void Uplink::Switch() {
  if (phase_ == Phase::kWaiting) {
    backoff_.Reset();
    return Open();
  }
  switching_ = true;
  if (phase_ == Phase::kClosing) return;  // it ends as it is
  phase_ = Phase::kClosing;
  server_.Cancel();
}

void Uplink::OnEnded(const Error& error) {
  // A server that only welcomes is no reason to hurry.
  const bool proven =
      phase_ == Phase::kOpen && clock_.SinceBoot() - open_since_ > kProven;
  phase_ = Phase::kWaiting;
  for (const EventLoop::TimerId id :
       {answer_timer_, beat_timer_, refusal_timer_, fetch_timer_}) {
    loop_.Cancel(id);
  }
  writing_ = false;
  wanted_.clear();
  delivered_.clear();
  batcher_.Clear();
  // What sekishod still has on its way belongs to the old stream.
  if (asked_core_) core_.Renew();
  if (std::exchange(switching_, false)) {
    given_up_.clear();
    backoff_.Reset();
    open_timer_ = loop_.After(std::chrono::milliseconds(0), [this] { Open(); });
    return;
  }
  if (proven) backoff_.Reset();
  const bool refused = std::exchange(refused_, false) ||
                       error.code == Code::kPermissionDenied ||
                       error.code == Code::kUnauthenticated ||
                       error.code == Code::kFailedPrecondition;
  refused ? backoff_.Refused() : backoff_.Unanswered();
  OpenLater(!given_up_.empty()      ? std::exchange(given_up_, "")
            : error.message.empty() ? "the connection was lost"
                                    : error.message);
}

void Uplink::ArmAnswerTimer() {
  loop_.Cancel(answer_timer_);
  answer_timer_ = loop_.After(options_.answer_timeout,
                              [this] { GiveUp("the server does not answer"); });
}

// ---- from the server ----

void Uplink::OnMessage(const ConnectResponse& message) {
  if (phase_ != Phase::kGreeting && phase_ != Phase::kOpen) return;
  switch (message.message_case()) {
    case ConnectResponse::kWelcome:
      return OnWelcome(message.welcome());
    case ConnectResponse::kAck:
      return OnAck(message.ack().head());
    case ConnectResponse::kAnnouncement: {
      int64_t& wanted = wanted_[message.announcement().type()];
      wanted = std::max(wanted, message.announcement().version());
      return FetchNext();
    }
    case ConnectResponse::kRefusal:
      return OnRefusal(message.refusal());
    case ConnectResponse::kLog:
      Witnessed(message.log());
      return;
    case ConnectResponse::MESSAGE_NOT_SET:
      return;  // of a newer server
  }
}

void Uplink::OnWelcome(const event::v1::Welcome& welcome) {
  if (phase_ != Phase::kGreeting || !Witnessed(welcome.log())) return;
  phase_ = Phase::kOpen;
  loop_.Cancel(answer_timer_);
  open_since_ = clock_.SinceBoot();
  trouble_.clear();
  refusals_ = 0;
  acked_ = welcome.head();
  Log(LogLevel::kNotice,
      fmt::format("connected as {}; the server stands at {}/{}",
                  welcome.terminal(), acked_.epoch(), acked_.sequence()));
  TellState();
  SendFrom(acked_);
  Beat();
}

bool Uplink::Witnessed(const event::v1::LogState& state) {
  const Status taken = witness_.Take(state);
  if (taken) return true;
  const std::string& why = taken.error().message;
  if (told_rewritten_ != why && core_.connected()) {
    told_rewritten_ = why;
    core_.Send(ipc::HistoryRewritten{why});
  }
  refused_ = true;
  GiveUp(why);
  return false;
}

void Uplink::OnAck(const event::v1::ChainHead& head) {
  if (phase_ != Phase::kOpen) return;
  acked_ = head;
  refusals_ = 0;
  backoff_.Reset();
  batcher_.Ack(head.epoch(), head.sequence());
  if (batcher_.AwaitsAck()) {
    ArmAnswerTimer();
  } else {
    loop_.Cancel(answer_timer_);
  }
  core_.Send(ipc::EventsAcked{FromProto(head)});
  Pump();
}

void Uplink::OnRefusal(const event::v1::Refusal& refusal) {
  if (phase_ != Phase::kOpen) return;
  if (++refusals_ <= kLoggedRefusals) {
    Log(LogLevel::kError, fmt::format("events refused: {}; the server stands "
                                      "at {}/{}",
                                      refusal.reason(), refusal.head().epoch(),
                                      refusal.head().sequence()));
  }
  acked_ = refusal.head();
  batcher_.Clear();
  loop_.Cancel(answer_timer_);
  core_.Renew();
  // sekishod knows what to do with a head that is not its own; asking at once
  // again and again would only load both sides.
  loop_.Cancel(refusal_timer_);
  refusal_timer_ = loop_.After(kAfterRefusal * std::min(refusals_, 15), [this] {
    if (phase_ == Phase::kOpen) SendFrom(acked_);
  });
}

// ---- from sekishod ----

void Uplink::OnCoreConnected() {
  asked_core_ = false;
  TellState();
  if (phase_ == Phase::kOpen && refusals_ == 0) SendFrom(acked_);
}

void Uplink::OnCoreLost(const std::string& why) {
  if (core_state_) Log(LogLevel::kWarning, "sekishod is away: " + why);
  core_state_.reset();
  contain_state_.reset();
  asked_core_ = false;
  batcher_.Clear();
  loop_.Cancel(answer_timer_);
  Beat();
}

// A process that is frozen keeps its connections.
void Uplink::AskCore(int times_left) {
  if (!core_.connected()) return;
  TellState();
  core_timer_ = loop_.After(options_.core_answers, [this, times_left] {
    core_timer_ = 0;
    // What is not read cannot be an answer.
    if (core_.paused() || !core_state_) return;
    if (times_left > 1) return AskCore(times_left - 1);
    Log(LogLevel::kWarning, "sekishod does not answer");
    core_state_.reset();
    contain_state_.reset();
    Beat();
  });
}

void Uplink::OnCoreState(const ipc::CoreState& state) {
  loop_.Cancel(core_timer_);
  core_timer_ = 0;
  const bool news = !core_state_ || !SameForTheServer(*core_state_, state);
  core_state_ = state;
  if (!tried_) Open();
  if (!news || phase_ != Phase::kOpen) return FetchNext();
  loop_.Cancel(soon_timer_);
  soon_timer_ = loop_.After(kBeatSoon, [this] { Beat(); });
  FetchNext();
}

// A person waits for this answer.
void Uplink::OnContainState(const ipc::ContainState& state) {
  contain_state_ = state;
  Beat();
}

void Uplink::OnEvent(const ipc::EventOut& event) {
  if (phase_ != Phase::kOpen) return;
  if (auto added = batcher_.Add(event.record); !added) {
    Log(LogLevel::kError, fmt::format("event {} of sekishod: {}",
                                      event.sequence, added.error().message));
    return;
  }
  Pump();
}

void Uplink::SendFrom(const event::v1::ChainHead& head) {
  // A second question on one connection would mix two answers.
  if (asked_core_) {
    batcher_.Clear();
    return core_.Renew();
  }
  if (!core_.connected()) return;
  asked_core_ = true;
  core_.Send(ipc::SendFrom{FromProto(head)});
}

// ---- writing ----

void Uplink::Pump() {
  core_.SetPaused(!batcher_.HasRoom());
  WriteNext();
}

void Uplink::OnWritten() {
  writing_ = false;
  if (phase_ == Phase::kOpen) Pump();
}

void Uplink::WriteNext() {
  if (writing_ || phase_ != Phase::kOpen) return;
  ConnectRequest request;
  if (beat_due_) {
    beat_due_ = false;
    *request.mutable_heartbeat() = MakeHeartbeat();
  } else if (batcher_.HasBatch()) {
    if (!batcher_.AwaitsAck()) ArmAnswerTimer();
    *request.mutable_batch() = batcher_.TakeBatch();
  } else {
    return;
  }
  writing_ = true;
  server_.Write(std::move(request));
}

void Uplink::Beat() {
  if (phase_ != Phase::kOpen) return;
  loop_.Cancel(beat_timer_);
  beat_timer_ = loop_.After(options_.heartbeat, [this] {
    if (core_timer_ == 0) AskCore(kCoreAsked);
    Beat();
  });
  beat_due_ = true;
  WriteNext();
}

event::v1::Hello Uplink::MakeHello() const {
  event::v1::Hello hello;
  hello.set_agent_version(options_.agent_version);
  hello.set_boot_id(options_.boot_id);
  hello.set_hostname(HostName());
  hello.set_checkpoint(witness_.checkpoint());
  if (core_state_) {
    // Without sekishod the head is unknown, which is not the same as none.
    *hello.mutable_head() = ToProto(core_state_->head);
    auto& held = *hello.mutable_held_versions();
    held["policy"] = core_state_->policy_version;
    held["devices"] = core_state_->devices_version;
    held["people"] = core_state_->people_version;
    held["data_sets"] = core_state_->data_sets_version;
  }
  if (contain_state_) {
    (*hello.mutable_held_versions())["contain"] = contain_state_->version;
  }
  return hello;
}

event::v1::Heartbeat Uplink::MakeHeartbeat() const {
  event::v1::Heartbeat beat;
  SetTime(beat.mutable_send_time(), clock_.Now().time_since_epoch().count());
  beat.set_since_boot_microseconds(clock_.SinceBoot().count());
  beat.set_core_alive(core_state_.has_value());
  if (core_state_) {
    *beat.mutable_head() = ToProto(core_state_->head);
    beat.set_mode(core_state_->mode);
    beat.set_gate_state(core_state_->gate_state);
    beat.set_policy_version(core_state_->policy_version);
    beat.set_spooled_count(core_state_->spooled_count);
  }
  if (core_state_ && contain_state_) {
    beat.set_contain_version(contain_state_->version);
    for (const ipc::ContainState::One& one : contain_state_->running) {
      auto* out = beat.add_containments();
      out->set_containment_id(one.id);
      if (one.closed_us > 0) {
        SetTime(out->mutable_close_time(), one.closed_us);
      }
      out->set_media_count(one.media_count);
      out->set_open_media_count(one.open_count);
    }
  }
  return beat;
}

void Uplink::TellState() {
  core_.Send(ipc::UplinkState{phase_ == Phase::kOpen, trouble_});
}

// ---- envelopes ----

int64_t Uplink::HeldVersion(const std::string& type) const {
  const auto delivered = delivered_.find(type);
  const int64_t sent = delivered == delivered_.end() ? 0 : delivered->second;
  if (type == "policy") return std::max(sent, core_state_->policy_version);
  if (type == "devices") return std::max(sent, core_state_->devices_version);
  if (type == "people") return std::max(sent, core_state_->people_version);
  if (type == "data_sets") {
    return std::max(sent, core_state_->data_sets_version);
  }
  if (type == "contain" && contain_state_) {
    return std::max(sent, contain_state_->version);
  }
  return sent;
}

void Uplink::FetchNext() {
  // sekishod verifies; while it is away there is nobody to give it to.
  if (fetching_ || phase_ != Phase::kOpen || !core_state_) return;
  for (auto it = wanted_.begin(); it != wanted_.end();) {
    const auto [type, version] = *it;
    it = wanted_.erase(it);
    if (version <= HeldVersion(type)) continue;
    fetching_ = true;
    server_.Fetch(type, [this, type, version](Result<Fetched> fetched) {
      OnFetched(type, version, std::move(fetched));
    });
    return;
  }
}

void Uplink::OnFetched(const std::string& type, int64_t version,
                       Result<Fetched> fetched) {
  fetching_ = false;
  if (!fetched) {
    Log(LogLevel::kWarning, fmt::format("{} {} was not fetched: {}", type,
                                        version, fetched.error().message));
    if (phase_ != Phase::kOpen) return;
    wanted_.emplace(type, version);
    loop_.Cancel(fetch_timer_);
    fetch_timer_ = loop_.After(kFetchAgain, [this] { FetchNext(); });
    return;
  }
  if (!core_.connected()) {
    if (phase_ == Phase::kOpen) wanted_.emplace(type, version);
    return;
  }
  delivered_[type] = version;
  const int64_t size = fetched->size_bytes;
  core_.SendEnvelope(ipc::EnvelopeIn{type, size}, std::move(fetched->memfd));
  FetchNext();
}

}  // namespace sekisho::uplink
