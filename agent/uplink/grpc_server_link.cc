// gRPC's callback API: reactions run on gRPC's threads, do nothing but start
// the next read and post to the loop. One write is in flight at most, which the
// uplink keeps; a hold keeps the call open between its writes.
#include <fcntl.h>
#include <grpcpp/grpcpp.h>
#include <sys/mman.h>

#include <mutex>

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

class Stream final
    : public grpc::ClientBidiReactor<ConnectRequest, ConnectResponse> {
 public:
  // All are posted to the loop by whoever makes the stream.
  struct Reactions {
    std::function<void(ConnectResponse)> message;
    std::function<void()> written;
    std::function<void(grpc::Status)> done;
  };
  explicit Stream(Reactions reactions) : reactions_(std::move(reactions)) {}

  void Begin(EventService::Stub& stub) {
    stub.async()->Connect(&context_, this);
    AddHold();
    held_ = true;
    StartRead(&response_);
    StartCall();
  }

  void Write(ConnectRequest message) {
    const std::lock_guard lock(mutex_);
    if (!held_) return;  // it is ending; done() follows
    request_ = std::move(message);
    StartWrite(&request_);
  }
  void Cancel() { context_.TryCancel(); }

  void OnReadDone(bool ok) override {
    if (!ok) return Release();
    reactions_.message(std::exchange(response_, {}));
    StartRead(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (!ok) return Release();
    reactions_.written();
  }
  // The last reaction: whoever is told destroys the stream, on the loop.
  void OnDone(const grpc::Status& status) override { reactions_.done(status); }

 private:
  void Release() {
    const std::lock_guard lock(mutex_);
    if (std::exchange(held_, false)) RemoveHold();
  }

  const Reactions reactions_;
  grpc::ClientContext context_;
  ConnectRequest request_;
  ConnectResponse response_;
  std::mutex mutex_;
  bool held_ = false;  // guarded by mutex_
};

// Collects the chunks in a memfd.
class EnvelopeFetch final
    : public grpc::ClientReadReactor<FetchEnvelopeResponse> {
 public:
  using Done = std::function<void(Result<Fetched>)>;
  EnvelopeFetch(const std::string& type, Done done) : done_(std::move(done)) {
    request_.set_type(type);
  }

  Status Begin(PolicyService::Stub& stub) {
    fetched_.memfd.Reset(
        ::memfd_create("envelope", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fetched_.memfd) return FailErrno("memfd_create");
    context_.set_deadline(std::chrono::system_clock::now() + kFetchTimeout);
    stub.async()->FetchEnvelope(&context_, &request_, this);
    StartRead(&response_);
    StartCall();
    return {};
  }

  void OnReadDone(bool ok) override {
    if (!ok) return;
    taken_ = Take();
    if (!taken_) {
      context_.TryCancel();
      return;
    }
    StartRead(&response_);
  }

  void OnDone(const grpc::Status& status) override {
    if (!taken_) return done_(std::unexpected(taken_.error()));
    if (!status.ok()) return done_(std::unexpected(ToError(status)));
    if (::fcntl(fetched_.memfd.get(), F_ADD_SEALS,
                F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) !=
        0) {
      return done_(FailErrno("seal"));
    }
    done_(std::move(fetched_));
  }

 private:
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
  Fetched fetched_;
  Status taken_;
};

class GrpcServerLink final : public ServerLink {
 public:
  explicit GrpcServerLink(EventLoop& loop) : loop_(loop) {}

  void Open(const Config& config, const Identity& identity,
            Listener& listener) override {
    CHECK(!stream_);
    channel_ = MakeChannel(config, identity);
    events_ = EventService::NewStub(channel_);
    policies_ = PolicyService::NewStub(channel_);
    listener_ = &listener;
    stream_ = std::make_unique<Stream>(Stream::Reactions{
        [this](ConnectResponse message) {
          loop_.Post([this, message = std::move(message)] {
            listener_->OnMessage(message);
          });
        },
        [this] { loop_.Post([this] { listener_->OnWritten(); }); },
        [this](grpc::Status status) {
          loop_.Post([this, status = std::move(status)] { End(status); });
        }});
    stream_->Begin(*events_);
  }

  void Write(ConnectRequest message) override {
    if (stream_) stream_->Write(std::move(message));
  }
  void Cancel() override {
    if (stream_) stream_->Cancel();
  }

  void Fetch(const std::string& type, FetchDone done) override {
    if (!policies_) {
      loop_.Post([done = std::move(done)] {
        done(Fail(Code::kUnavailable, "not connected"));
      });
      return;
    }
    // The call keeps its channel; the entry keeps the call until it is over.
    const uint64_t id = ++next_fetch_;
    auto& entry = fetches_[id];
    entry.channel = channel_;
    entry.call = std::make_unique<EnvelopeFetch>(
        type, [this, id, done = std::move(done)](Result<Fetched> result) {
          auto shared = std::make_shared<Result<Fetched>>(std::move(result));
          loop_.Post([this, id, done, shared] {
            fetches_.erase(id);
            done(std::move(*shared));
          });
        });
    if (auto begun = entry.call->Begin(*policies_); !begun) {
      entry.call->OnDone(grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED,
                                      begun.error().message));
    }
  }

 private:
  struct FetchEntry {
    std::shared_ptr<grpc::Channel> channel;
    std::unique_ptr<EnvelopeFetch> call;
  };

  // On the loop thread: a channel that dies inside a reaction deadlocks.
  void End(const grpc::Status& status) {
    stream_.reset();
    events_.reset();
    policies_.reset();
    channel_.reset();
    listener_->OnEnded(ToError(status));
  }

  EventLoop& loop_;
  Listener* listener_ = nullptr;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<EventService::Stub> events_;
  std::unique_ptr<PolicyService::Stub> policies_;
  std::unique_ptr<Stream> stream_;
  std::map<uint64_t, FetchEntry> fetches_;
  uint64_t next_fetch_ = 0;
};

}  // namespace

std::unique_ptr<ServerLink> NewGrpcServerLink(EventLoop& loop) {
  return std::make_unique<GrpcServerLink>(loop);
}

}  // namespace sekisho::uplink
