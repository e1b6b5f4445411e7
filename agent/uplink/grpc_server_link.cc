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
#include "sekisho/event/v1/event_service.grpc.pb.h"
#include "sekisho/policy/v1/policy_service.grpc.pb.h"

namespace sekisho::uplink {
namespace {

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

Error ToError(const grpc::Status& status) {
  if (status.ok()) return {Code::kUnavailable, "the server closed the stream"};
  return {static_cast<Code>(status.error_code()), status.error_message()};
}

std::shared_ptr<grpc::Channel> MakeChannel(const Config& config,
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
  tls.pem_private_key = identity.key;
  tls.pem_cert_chain = identity.certificate;
  return grpc::CreateCustomChannel(config.server, grpc::SslCredentials(tls),
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

class GrpcServerLink final : public ServerLink {
 public:
  explicit GrpcServerLink(EventLoop& loop)
      : loop_(loop), waiter_([this] { WaitForCompletions(); }) {}
  ~GrpcServerLink() override {
    CHECK(!stream_ && fetches_.empty());
    queue_.Shutdown();
  }

  void Open(const Config& config, const Identity& identity,
            Listener& listener) override {
    CHECK(!stream_);
    channel_ = MakeChannel(config, identity);
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

 private:
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
  std::jthread waiter_;  // last: it uses the queue
};

}  // namespace

std::unique_ptr<ServerLink> NewGrpcServerLink(EventLoop& loop) {
  return std::make_unique<GrpcServerLink>(loop);
}

}  // namespace sekisho::uplink
