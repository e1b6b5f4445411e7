#include "server/service/agent_plane.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <condition_variable>
#include <unordered_map>

#include "common/log.h"
#include "sekisho/policy/v1/policy_service.grpc.pb.h"
#include "server/service/agent_stream.h"
#include "server/service/identity.h"

namespace sekisho::service {
namespace {

constexpr int kCertificateWatchSeconds = 5;
// Its version depends on the terminal.
constexpr const char* kPolicyType = "policy";
constexpr int kMaxThreads = 64;
constexpr char kStopping[] = "the server is stopping; connect again";

// A stream that ends before it begins.
class RefusedStream final
    : public grpc::ServerBidiReactor<event::v1::ConnectRequest,
                                     event::v1::ConnectResponse> {
 public:
  explicit RefusedStream(grpc::Status status) { Finish(std::move(status)); }
  void OnDone() override { delete this; }  // gRPC's rule for reactors
};

// Sends sealed bytes in chunks.
class EnvelopeWriter final
    : public grpc::ServerWriteReactor<policy::v1::FetchEnvelopeResponse> {
 public:
  explicit EnvelopeWriter(grpc::Status refused) { Finish(std::move(refused)); }
  explicit EnvelopeWriter(std::shared_ptr<const std::string> sealed)
      : sealed_(std::move(sealed)) {
    Next();
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      Next();
    } else {
      Finish({grpc::StatusCode::CANCELLED, "the peer went away"});
    }
  }
  void OnDone() override { delete this; }

 private:
  void Next() {
    if (sent_ == sealed_->size()) {
      Finish(grpc::Status::OK);
      return;
    }
    const size_t size = std::min(kChunkBytes, sealed_->size() - sent_);
    chunk_.set_chunk(sealed_->substr(sent_, size));
    sent_ += size;
    StartWrite(&chunk_);
  }

  std::shared_ptr<const std::string> sealed_;
  size_t sent_ = 0;
  policy::v1::FetchEnvelopeResponse chunk_;
};

class Plane final : public AgentPlane,
                    public event::v1::EventService::CallbackService {
 public:
  explicit Plane(const AgentPlaneParts& parts)
      : parts_(parts), envelopes_(this) {}

  Status Start(const AgentPlaneOptions& options);

  int port() const override { return port_; }
  int Announce(const std::string& type, int64_t version) override;
  int AnnouncePolicy() override;
  void Cut(const std::string& agent_id, const std::string& reason) override;
  void Drain(std::chrono::steady_clock::time_point until) override;
  void Shutdown() override;

  grpc::ServerBidiReactor<event::v1::ConnectRequest,
                          event::v1::ConnectResponse>*
  Connect(grpc::CallbackServerContext* context) override;

 private:
  class Envelopes final : public policy::v1::PolicyService::CallbackService {
   public:
    explicit Envelopes(Plane* plane) : plane_(plane) {}
    grpc::ServerWriteReactor<policy::v1::FetchEnvelopeResponse>* FetchEnvelope(
        grpc::CallbackServerContext* context,
        const policy::v1::FetchEnvelopeRequest* request) override {
      return plane_->Fetch(*context, request->type());
    }

   private:
    Plane* plane_;
  };

  EnvelopeWriter* Fetch(const grpc::CallbackServerContext& context,
                        const std::string& type);
  Result<std::shared_ptr<const std::string>> Sealed(
      const store::AgentIdentity& agent, const std::string& type);
  // What this terminal is given.
  std::map<std::string, int64_t> Versions(const std::string& agent_id,
                                          const std::string& terminal);
  std::vector<std::shared_ptr<AgentStream>> Streams();
  void Ended(AgentStream* stream);
  bool IsDraining();

  const AgentPlaneParts parts_;
  Envelopes envelopes_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;

  std::mutex mutex_;  // guards all below; never held while a stream is called
  std::unordered_map<std::string, std::shared_ptr<AgentStream>> streams_;
  bool draining_ = false;
  std::condition_variable drained_;
  std::map<std::string, int64_t> versions_;  // newest of each other type
  using Key = std::pair<std::string, int64_t>;
  std::map<Key, std::shared_ptr<const std::string>> cache_;
};

// experimental::TlsServerCredentials and not SslServerCredentials, because only
// these take up a renewed certificate without a restart.
std::shared_ptr<grpc::ServerCredentials> Credentials(
    const AgentPlaneOptions& options) {
  namespace tls = grpc::experimental;
  auto provider = std::make_shared<tls::FileWatcherCertificateProvider>(
      options.key_path, options.certificate_path, options.ca_path,
      kCertificateWatchSeconds);
  tls::TlsServerCredentialsOptions tls_options(provider);
  tls_options.watch_root_certs();
  tls_options.watch_identity_key_cert_pairs();
  tls_options.set_cert_request_type(
      GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  return tls::TlsServerCredentials(tls_options);
}

Status Plane::Start(const AgentPlaneOptions& options) {
  ASSIGN_OR_RETURN(const auto newest, parts_.store.EnvelopeVersions());
  for (const auto& [type, version] : newest) {
    if (type != kPolicyType) versions_[type] = version;
  }
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, Credentials(options), &port_);
  builder.RegisterService(this);
  builder.RegisterService(&envelopes_);
  builder.SetMaxReceiveMessageSize(2 * kMaxMessageBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS,
                             kMaxStreamsPerConnection);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(
      GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 30'000);
  // Two servers must not share a port without knowing.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  grpc::ResourceQuota quota("agents");
  quota.Resize(options.memory_bytes);
  quota.SetMaxThreads(kMaxThreads);
  builder.SetResourceQuota(quota);
  server_ = builder.BuildAndStart();
  if (!server_ || port_ == 0) {
    return Fail(Code::kUnavailable, "cannot listen on " + options.listen);
  }
  return {};
}

grpc::ServerBidiReactor<event::v1::ConnectRequest, event::v1::ConnectResponse>*
Plane::Connect(grpc::CallbackServerContext* context) {
  auto agent = IsDraining() ? Fail(Code::kUnavailable, kStopping)
                            : Identify(*context, parts_);
  if (agent && !parts_.presence.Connect(agent->agent_id)) {
    agent = Fail(Code::kPermissionDenied, "the agent is revoked");
  }
  if (agent && !agent->used_before) {
    if (auto used =
            parts_.store.UseCertificate(agent->serial, parts_.clock.Now());
        !used) {
      parts_.presence.Disconnect(agent->agent_id);
      agent = std::unexpected(std::move(used).error());
    }
  }
  if (!agent) {
    parts_.ingest.traffic().RefusedStream(agent.error().code);
    return new RefusedStream(ToGrpc(agent.error()));  // owned by gRPC
  }
  const std::string agent_id = agent->agent_id;
  std::shared_ptr<AgentStream> before;
  bool late = false;
  auto versions = [this, agent_id, terminal = agent->terminal] {
    return Versions(agent_id, terminal);
  };
  const auto stream = AgentStream::Begin(
      parts_, std::move(*agent), context->peer(), std::move(versions),
      [this](AgentStream* ended) { Ended(ended); });
  {
    std::lock_guard lock(mutex_);
    auto& slot = streams_[agent_id];
    before = std::exchange(slot, stream);
    late = draining_;
  }
  if (late) {
    stream->Drain({grpc::StatusCode::UNAVAILABLE, kStopping});
  }
  if (before) {
    before->Cut(
        {grpc::StatusCode::ABORTED, "the agent opened another connection"});
  }
  parts_.changes.Tell({core::Change::What::kAgent, 0, agent_id});
  return stream.get();
}

void Plane::Ended(AgentStream* stream) {
  parts_.presence.Disconnect(stream->agent_id());
  {
    std::lock_guard lock(mutex_);
    const auto it = streams_.find(stream->agent_id());
    if (it != streams_.end() && it->second.get() == stream) {
      streams_.erase(it);
    }
    if (streams_.empty()) drained_.notify_all();
  }
  parts_.changes.Tell({core::Change::What::kAgent, 0, stream->agent_id()});
}

std::map<std::string, int64_t> Plane::Versions(const std::string& agent_id,
                                               const std::string& terminal) {
  std::map<std::string, int64_t> versions;
  {
    std::lock_guard lock(mutex_);
    versions = versions_;
  }
  const int64_t policy = parts_.rollouts.Wanted(agent_id, terminal);
  if (policy > 0) versions[kPolicyType] = policy;
  return versions;
}

std::vector<std::shared_ptr<AgentStream>> Plane::Streams() {
  std::vector<std::shared_ptr<AgentStream>> streams;
  std::lock_guard lock(mutex_);
  streams.reserve(streams_.size());
  for (const auto& [agent_id, stream] : streams_) {
    streams.push_back(stream);
  }
  return streams;
}

int Plane::AnnouncePolicy() {
  int told = 0;
  for (const auto& stream : Streams()) {
    const int64_t version =
        parts_.rollouts.Wanted(stream->agent_id(), stream->terminal());
    told += stream->Announce(kPolicyType, version) ? 1 : 0;
  }
  return told;
}

int Plane::Announce(const std::string& type, int64_t version) {
  {
    std::lock_guard lock(mutex_);
    int64_t& newest = versions_[type];
    if (version <= newest) {
      return 0;
    }
    newest = version;
  }
  int told = 0;
  for (const auto& stream : Streams()) {
    told += stream->Announce(type, version) ? 1 : 0;
  }
  return told;
}

void Plane::Cut(const std::string& agent_id, const std::string& reason) {
  std::shared_ptr<AgentStream> stream;
  {
    std::lock_guard lock(mutex_);
    const auto it = streams_.find(agent_id);
    if (it == streams_.end()) {
      return;
    }
    stream = it->second;
  }
  stream->Cut({grpc::StatusCode::PERMISSION_DENIED, reason});
}

bool Plane::IsDraining() {
  std::lock_guard lock(mutex_);
  return draining_;
}

void Plane::Drain(std::chrono::steady_clock::time_point until) {
  std::vector<std::shared_ptr<AgentStream>> streams;
  {
    std::lock_guard lock(mutex_);
    draining_ = true;
    for (const auto& [agent_id, stream] : streams_) {
      streams.push_back(stream);
    }
  }
  for (const auto& stream : streams) {
    stream->Drain({grpc::StatusCode::UNAVAILABLE, kStopping});
  }
  streams.clear();
  std::unique_lock lock(mutex_);
  (void)drained_.wait_until(lock, until, [this] { return streams_.empty(); });
}

void Plane::Shutdown() {
  for (const auto& stream : Streams()) {
    stream->Cut({grpc::StatusCode::UNAVAILABLE, kStopping});
  }
  server_->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(5));
  server_->Wait();
}

// Kept in memory by version: 10,000 agents ask for the same one at once.
Result<std::shared_ptr<const std::string>> Plane::Sealed(
    const store::AgentIdentity& agent, const std::string& type) {
  const auto versions = Versions(agent.agent_id, agent.terminal);
  const auto wanted = versions.find(type);
  if (wanted == versions.end()) {
    return Fail(Code::kNotFound, "no envelope of this type");
  }
  const bool is_policy = type == kPolicyType;
  const Key key = *wanted;
  {
    std::lock_guard lock(mutex_);
    const auto cached = cache_.find(key);
    if (cached != cache_.end()) return cached->second;
  }
  // Of the others only the newest is kept.
  ASSIGN_OR_RETURN(auto bytes, is_policy
                                   ? parts_.store.EnvelopeOf(type, key.second)
                                   : parts_.store.NewestEnvelope(type));
  auto sealed = std::make_shared<const std::string>(std::move(bytes));
  const auto given = parts_.rollouts.WantedByAny();
  std::lock_guard lock(mutex_);
  std::erase_if(cache_, [&](const auto& entry) {
    return entry.first.first == type &&
           (!is_policy ||
            std::ranges::find(given, entry.first.second) == given.end());
  });
  cache_[key] = sealed;
  return sealed;
}

EnvelopeWriter* Plane::Fetch(const grpc::CallbackServerContext& context,
                             const std::string& type) {
  const auto agent = Identify(context, parts_);
  if (!agent) {
    return new EnvelopeWriter(ToGrpc(agent.error()));
  }
  auto sealed = Sealed(*agent, type);
  if (!sealed) {
    return new EnvelopeWriter(ToGrpc(sealed.error()));
  }
  return new EnvelopeWriter(std::move(*sealed));
}

}  // namespace

Result<std::unique_ptr<AgentPlane>> AgentPlane::Start(
    const AgentPlaneOptions& options, const AgentPlaneParts& parts) {
  auto plane = std::make_unique<Plane>(parts);
  RETURN_IF_ERROR(plane->Start(options));
  return plane;
}

}  // namespace sekisho::service
