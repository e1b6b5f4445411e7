// gRPC with a completion queue of our own: one thread waits in it and posts
// each completion to the loop, where all state is. The callback API would be
// less code, but its threads wake up six times a second for nothing (ADR 0602).
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <sys/mman.h>

#include <map>
#include <thread>

#include "agent/uplink/server_link.h"
#include "common/file.h"
#include "sekisho/enrolment/v1/enrolment_service.grpc.pb.h"
#include "sekisho/event/v1/event_service.grpc.pb.h"
#include "sekisho/policy/v1/policy_service.grpc.pb.h"

namespace sekisho::uplink {
namespace {

using enrolment::v1::EnrolmentService;
using enrolment::v1::RenewRequest;
using enrolment::v1::RenewResponse;
using event::v1::ConnectRequest;
using event::v1::ConnectResponse;
using event::v1::EventService;
using policy::v1::FetchEnvelopeRequest;
using policy::v1::FetchEnvelopeResponse;
using policy::v1::PolicyService;

constexpr int kMaxMessageBytes = 1 << 20;
constexpr auto kFetchTimeout = std::chrono::seconds(120);
// Detects a dead way; the server forbids pings closer than 30 s.
constexpr int kKeepaliveMs = 60'000;
constexpr int kKeepaliveTimeoutMs = 15'000;
constexpr int kConnectTimeoutMs = 5'000;
constexpr auto kPrepareTimeout = std::chrono::seconds(10);
constexpr auto kRenewTimeout = std::chrono::seconds(20);

Error ToError(const grpc::Status& status) {
  if (status.ok()) return {Code::kUnavailable, "the server closed the stream"};
  return {static_cast<Code>(status.error_code()), status.error_message()};
}

std::shared_ptr<grpc::Channel> MakeChannel(const std::string& address,
                                           const Identity& identity) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kMaxMessageBytes);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Each attempt is ours: no connection is shared or retried behind our back.
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_ENABLE_RETRIES, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  grpc::SslCredentialsOptions tls;
  tls.pem_root_certs = identity.ca;
  tls.pem_private_key = identity.key;  // none: no client certificate
  tls.pem_cert_chain = identity.certificate;
  return grpc::CreateCustomChannel(address, grpc::SslCredentials(tls),
                                   arguments);
}

// What a completion does, on the loop. Lives as long as the call it is part of.
class Step {
 public:
  explicit Step(std::function<void(bool ok)> done) : done_(std::move(done)) {}
  Step(const Step&) = delete;
  Step& operator=(const Step&) = delete;
  void Done(bool ok) const { done_(ok); }

 private:
  const std::function<void(bool)> done_;
};

// The stream: at most one read and one write in flight, Finish when reading has
// ended, over when nothing is in flight.
class Stream {
 public:
  struct Reactions {
    std::function<void(const ConnectResponse&)> message;
    std::function<void()> written;
    std::function<void(const grpc::Status&)> ended;
  };
  Stream(EventService::Stub& stub, grpc::CompletionQueue& queue,
         Reactions reactions)
      : reactions_(std::move(reactions)),
        call_(stub.PrepareAsyncConnect(&context_, &queue)) {
    call_->StartCall(&started_);
  }

  void Write(ConnectRequest message) {
    CHECK(!writing_);
    writing_ = true;
    request_ = std::move(message);
    if (running_) call_->Write(request_, &wrote_);
  }
  void Cancel() { context_.TryCancel(); }

 private:
  void OnStarted(bool ok) {
    if (!ok) {
      writing_ = false;
      call_->Finish(&status_, &finished_step_);
      return;
    }
    running_ = true;
    call_->Read(&response_, &read_);
    if (writing_) call_->Write(request_, &wrote_);
  }
  void OnRead(bool ok) {
    if (!ok) {
      call_->Finish(&status_, &finished_step_);
      return;
    }
    reactions_.message(response_);
    call_->Read(&response_, &read_);
  }
  void OnWrote(bool ok) {
    writing_ = false;
    if (finished_) return reactions_.ended(status_);
    // Reading ends, too, and with it the stream.
    if (!ok) return Cancel();
    reactions_.written();
  }
  void OnFinished() {
    finished_ = true;
    if (!writing_) reactions_.ended(status_);
  }

  const Reactions reactions_;
  grpc::ClientContext context_;
  ConnectRequest request_;
  ConnectResponse response_;
  grpc::Status status_;
  bool running_ = false;  // started
  bool writing_ = false;  // in flight, or waiting for the start
  bool finished_ = false;
  Step started_{[this](bool ok) { OnStarted(ok); }};
  Step read_{[this](bool ok) { OnRead(ok); }};
  Step wrote_{[this](bool ok) { OnWrote(ok); }};
  Step finished_step_{[this](bool) { OnFinished(); }};
  const std::unique_ptr<
      grpc::ClientAsyncReaderWriter<ConnectRequest, ConnectResponse>>
      call_;
};

// Collects the chunks in a memfd.
class EnvelopeFetch {
 public:
  using Done = std::function<void(Result<Fetched>)>;
  EnvelopeFetch(PolicyService::Stub& stub, grpc::CompletionQueue& queue,
                const std::string& type, UniqueFd memfd, Done done)
      : done_(std::move(done)) {
    fetched_.memfd = std::move(memfd);
    request_.set_type(type);
    context_.set_deadline(std::chrono::system_clock::now() + kFetchTimeout);
    call_ = stub.PrepareAsyncFetchEnvelope(&context_, request_, &queue);
    call_->StartCall(&started_);
  }

 private:
  void OnStarted(bool ok) {
    if (ok) return call_->Read(&response_, &read_);
    call_->Finish(&status_, &finished_);
  }
  void OnRead(bool ok) {
    if (!ok) return call_->Finish(&status_, &finished_);
    if (taken_) {
      taken_ = Take();
      if (!taken_) context_.TryCancel();
    }
    call_->Read(&response_, &read_);
  }
  void OnFinished() {
    if (!taken_) return done_(std::unexpected(taken_.error()));
    if (!status_.ok()) return done_(std::unexpected(ToError(status_)));
    if (::fcntl(fetched_.memfd.get(), F_ADD_SEALS,
                F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) !=
        0) {
      return done_(FailErrno("seal"));
    }
    done_(std::move(fetched_));
  }
  Status Take() {
    const auto size = static_cast<int64_t>(response_.chunk().size());
    if (fetched_.size_bytes + size > kMaxEnvelopeBytes) {
      return Fail(Code::kResourceExhausted, "envelope is over 66 MiB");
    }
    fetched_.size_bytes += size;
    return WriteAll(fetched_.memfd.get(), AsBytes(response_.chunk()));
  }

  const Done done_;
  grpc::ClientContext context_;
  FetchEnvelopeRequest request_;
  FetchEnvelopeResponse response_;
  grpc::Status status_;
  Fetched fetched_;
  Status taken_;
  Step started_{[this](bool ok) { OnStarted(ok); }};
  Step read_{[this](bool ok) { OnRead(ok); }};
  Step finished_{[this](bool) { OnFinished(); }};
  std::unique_ptr<grpc::ClientAsyncReader<FetchEnvelopeResponse>> call_;
};

// Waits until a new channel is connected, that is until the server took the
// certificate: with TLS 1.3 a client learns of a refusal only behind its own
// handshake, with the server's first words.
class Preparation {
 public:
  Preparation(std::shared_ptr<grpc::Channel> channel,
              grpc::CompletionQueue& queue, ServerLink::PrepareDone done)
      : channel_(std::move(channel)),
        queue_(queue),
        done_(std::move(done)),
        deadline_(std::chrono::system_clock::now() + kPrepareTimeout) {
    Look();
  }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  void Look() {
    const grpc_connectivity_state state = channel_->GetState(true);
    channel_->NotifyOnStateChange(state, deadline_, &queue_, &changed_);
  }
  void OnChanged(bool ok) {
    const grpc_connectivity_state state = channel_->GetState(false);
    if (state == GRPC_CHANNEL_READY) return done_({});
    if (!ok || state == GRPC_CHANNEL_TRANSIENT_FAILURE) {
      return done_(Fail(Code::kUnavailable,
                        "the server does not take the new certificate"));
    }
    Look();
  }

  const std::shared_ptr<grpc::Channel> channel_;
  grpc::CompletionQueue& queue_;
  const ServerLink::PrepareDone done_;
  const std::chrono::system_clock::time_point deadline_;
  Step changed_{[this](bool ok) { OnChanged(ok); }};
};

class RenewalCall {
 public:
  RenewalCall(const std::string& address, const std::string& ca,
              const RenewRequest& request, grpc::CompletionQueue& queue,
              ServerLink::RenewDone done)
      : done_(std::move(done)),
        stub_(EnrolmentService::NewStub(MakeChannel(address, {"", "", ca}))) {
    context_.set_deadline(std::chrono::system_clock::now() + kRenewTimeout);
    call_ = stub_->AsyncRenew(&context_, request, &queue);
    call_->Finish(&response_, &status_, &finished_);
  }

 private:
  void OnFinished() {
    if (!status_.ok()) return done_(std::unexpected(ToError(status_)));
    done_(response_.certificate_pem());
  }

  const ServerLink::RenewDone done_;
  const std::unique_ptr<EnrolmentService::Stub> stub_;
  grpc::ClientContext context_;
  RenewResponse response_;
  grpc::Status status_;
  std::unique_ptr<grpc::ClientAsyncResponseReader<RenewResponse>> call_;
  Step finished_{[this](bool) { OnFinished(); }};
};

class GrpcServerLink final : public ServerLink {
 public:
  explicit GrpcServerLink(EventLoop& loop)
      : loop_(loop), waiter_([this] { WaitForCompletions(); }) {}
  ~GrpcServerLink() override {
    CHECK(!stream_ && fetches_.empty() && !renewal_ && !preparation_);
    queue_.Shutdown();
  }

  void Open(const Config& config, const Identity& identity,
            Listener& listener) override {
    CHECK(!stream_);
    channel_ = prepared_for_ == KeyOf(config, identity)
                   ? std::exchange(prepared_, nullptr)
                   : nullptr;
    if (!channel_) channel_ = MakeChannel(config.server, identity);
    events_ = EventService::NewStub(channel_);
    listener_ = &listener;
    stream_ = std::make_unique<Stream>(
        *events_, queue_,
        Stream::Reactions{
            [this](const ConnectResponse& message) {
              listener_->OnMessage(message);
            },
            [this] { listener_->OnWritten(); },
            [this](const grpc::Status& status) { End(ToError(status)); }});
  }

  void Write(ConnectRequest message) override {
    if (stream_) stream_->Write(std::move(message));
  }
  void Cancel() override {
    if (stream_) stream_->Cancel();
  }

  void Fetch(const std::string& type, FetchDone done) override {
    UniqueFd memfd(::memfd_create("envelope", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!channel_ || !memfd) {
      loop_.Post([done = std::move(done)] {
        done(Fail(Code::kUnavailable, "not connected, or out of descriptors"));
      });
      return;
    }
    // The entry keeps call, stub and channel until the call is over.
    const uint64_t id = ++next_fetch_;
    FetchEntry& entry = fetches_[id];
    entry.channel = channel_;
    entry.stub = PolicyService::NewStub(channel_);
    entry.call = std::make_unique<EnvelopeFetch>(
        *entry.stub, queue_, type, std::move(memfd),
        [this, id, done = std::move(done)](Result<Fetched> result) {
          // It is the call that calls: it dies in a turn of its own.
          loop_.Post([this, id] { fetches_.erase(id); });
          done(std::move(result));
        });
  }

  void Prepare(const Config& config, const Identity& identity,
               PrepareDone done) override {
    CHECK(!preparation_);
    preparation_ = std::make_unique<Preparation>(
        MakeChannel(config.server, identity), queue_,
        [this, key = KeyOf(config, identity),
         done = std::move(done)](const Status& ready) {
          if (ready) {
            prepared_ = preparation_->channel();
            prepared_for_ = key;
          }
          // It is the preparation that calls: it dies in a turn of its own.
          loop_.Post([ended = std::shared_ptr<Preparation>(
                          std::move(preparation_))] {});
          done(ready);
        });
  }

  void Renew(const Config& config, const std::string& ca,
             const RenewRequest& request, RenewDone done) override {
    CHECK(!renewal_);
    renewal_ = std::make_unique<RenewalCall>(
        config.enrolment, ca, request, queue_,
        [this, done = std::move(done)](Result<std::string> certificate) {
          loop_.Post(
              [ended = std::shared_ptr<RenewalCall>(std::move(renewal_))] {});
          done(std::move(certificate));
        });
  }

 private:
  static std::string KeyOf(const Config& config, const Identity& identity) {
    return config.server + " " + identity.certificate;
  }

  struct FetchEntry {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<PolicyService::Stub> stub;
    std::unique_ptr<EnvelopeFetch> call;
  };

  void WaitForCompletions() {
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) {
      loop_.Post(
          [step = static_cast<const Step*>(tag), ok] { step->Done(ok); });
    }
  }

  void End(const Error& error) {
    // It is the stream that calls: it dies in a turn of its own.
    loop_.Post([stream = std::shared_ptr<Stream>(std::move(stream_)),
                stub = std::shared_ptr<EventService::Stub>(std::move(events_)),
                channel = std::exchange(channel_, nullptr)] {});
    listener_->OnEnded(error);
  }

  EventLoop& loop_;
  Listener* listener_ = nullptr;
  grpc::CompletionQueue queue_;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<EventService::Stub> events_;
  std::unique_ptr<Stream> stream_;
  std::map<uint64_t, FetchEntry> fetches_;
  uint64_t next_fetch_ = 0;
  std::unique_ptr<Preparation> preparation_;
  std::unique_ptr<RenewalCall> renewal_;
  std::shared_ptr<grpc::Channel> prepared_;
  std::string prepared_for_;
  std::jthread waiter_;  // last: it uses the queue
};

}  // namespace

std::unique_ptr<ServerLink> NewGrpcServerLink(EventLoop& loop) {
  return std::make_unique<GrpcServerLink>(loop);
}

}  // namespace sekisho::uplink
