#include "server/service/enrol_service.h"

#include <fcntl.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <map>

#include "common/file.h"
#include "common/log.h"
#include "common/text.h"
#include "sekisho/enrolment/v1/enrolment_service.grpc.pb.h"

namespace sekisho::service {
namespace {

constexpr int kMaxRequestBytes = 32 * 1024;
constexpr int kMaxMetadataBytes = 8 * 1024;
constexpr size_t kMaxTokenBytes = 128;
constexpr int kMaxThreads = 16;
// Refusals of one address, and of all, in a minute; then nobody is asked.
constexpr int kMaxRefusals = 20;
constexpr int kMaxRefusalsOfAll = 300;

// "ipv4:192.0.2.1:4711" to "192.0.2.1"; "ipv6:%5B::1%5D:4711" likewise enough
// to tell peers apart.
std::string AddressOf(const std::string& peer) {
  const size_t first = peer.find(':');
  const size_t last = peer.rfind(':');
  return first == std::string::npos || last <= first
             ? peer
             : peer.substr(first + 1, last - first - 1);
}

// Counts refusals, so that guessing fills neither the log nor the audit.
class RefusalLimit {
 public:
  explicit RefusalLimit(const Clock& clock) : clock_(clock) {}
  bool Full(const std::string& address) {
    std::lock_guard lock(mutex_);
    Renew();
    const auto it = by_address_.find(address);
    return all_ >= kMaxRefusalsOfAll ||
           (it != by_address_.end() && it->second >= kMaxRefusals);
  }
  void Count(const std::string& address) {
    std::lock_guard lock(mutex_);
    Renew();
    ++all_;
    ++by_address_[address];
  }

 private:
  void Renew() {
    if (clock_.SinceBoot() - since_ > std::chrono::minutes(1)) {
      since_ = clock_.SinceBoot();
      all_ = 0;
      by_address_.clear();
    }
  }

  const Clock& clock_;
  std::mutex mutex_;  // guards all below
  BootTime since_{};
  int all_ = 0;
  std::map<std::string, int> by_address_;  // at most kMaxRefusalsOfAll
};

class Enrolments final : public EnrolServer,
                         public enrolment::v1::EnrolmentService::Service {
 public:
  Enrolments(const auth::CertificateAuthority& ca,
             const std::array<std::byte, 32>& sketch_key, LinkClient& link,
             const Clock& clock)
      : ca_(ca),
        sketch_key_(sketch_key),
        link_(link),
        clock_(clock),
        limit_(clock) {}

  Status Start(const EnrolOptions& options);
  int port() const override { return port_; }
  void Shutdown() override {
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::seconds(5));
    server_->Wait();
  }

  grpc::Status Enrol(grpc::ServerContext* context,
                     const enrolment::v1::EnrolRequest* request,
                     enrolment::v1::EnrolResponse* response) override;

 private:
  Status EnrolFrom(const std::string& address,
                   const enrolment::v1::EnrolRequest& request,
                   enrolment::v1::EnrolResponse& response);
  Status Check(const enrolment::v1::EnrolRequest& request) const;

  const auth::CertificateAuthority& ca_;
  const std::array<std::byte, 32>& sketch_key_;
  LinkClient& link_;
  const Clock& clock_;
  RefusalLimit limit_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

Status Enrolments::Start(const EnrolOptions& options) {
  ASSIGN_OR_RETURN(auto key,
                   ReadFileAt(AT_FDCWD, options.key_path, auth::kMaxPemBytes));
  ASSIGN_OR_RETURN(
      auto certificate,
      ReadFileAt(AT_FDCWD, options.certificate_path, 2 * auth::kMaxPemBytes));
  grpc::SslServerCredentialsOptions tls;
  tls.pem_key_cert_pairs.push_back({std::move(key), std::move(certificate)});
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options.listen, grpc::SslServerCredentials(tls),
                           &port_);
  builder.RegisterService(this);
  builder.SetMaxReceiveMessageSize(kMaxRequestBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMaxMetadataBytes);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 4);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, 30'000);
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetSyncServerOption(grpc::ServerBuilder::MAX_POLLERS, 2);
  grpc::ResourceQuota quota("enrolment");
  quota.Resize(size_t{64} << 20);
  quota.SetMaxThreads(kMaxThreads);
  builder.SetResourceQuota(quota);
  server_ = builder.BuildAndStart();
  if (!server_ || port_ == 0) {
    return Fail(Code::kUnavailable, "cannot listen on " + options.listen);
  }
  return {};
}

// Before the token is used up: a mistake here must not cost one.
Status Enrolments::Check(const enrolment::v1::EnrolRequest& request) const {
  if (request.token().empty() || request.token().size() > kMaxTokenBytes) {
    return Fail(Code::kUnauthenticated,
                "the token is wrong; ask for one: sekisho agent token");
  }
  if (request.chain_public_key().size() != 32) {
    return Fail(Code::kInvalidArgument, "chain_public_key is not 32 bytes");
  }
  RETURN_IF_ERROR(ca_.IssueAgent(request.csr_pem(), "check", clock_.Now()));
  return {};
}

Status Enrolments::EnrolFrom(const std::string& address,
                             const enrolment::v1::EnrolRequest& request,
                             enrolment::v1::EnrolResponse& response) {
  if (auto checked = Check(request); !checked) {
    (void)link_.Ask({{"verb", "refused"},
                     {"hostname", EscapeUntrusted(request.hostname(), 253)},
                     {"address", address},
                     {"reason", checked.error().message}});
    return checked;
  }
  ASSIGN_OR_RETURN(
      LinkMessage granted,
      link_.Ask(
          {{"verb", "grant"},
           // Behind the dot is what the terminal trusts, not a secret.
           {"token", request.token().substr(0, request.token().find('.'))},
           {"hostname", request.hostname()},
           {"machine_id", EscapeUntrusted(request.machine_id(), 64)},
           {"agent_version", EscapeUntrusted(request.agent_version(), 64)},
           {"chain_key", request.chain_public_key()},
           {"address", address}}));
  ASSIGN_OR_RETURN(
      const auth::Issued issued,
      ca_.IssueAgent(request.csr_pem(), granted["agent_id"], clock_.Now()));
  RETURN_IF_ERROR(link_.Ask(
      {{"verb", "certified"},
       {"agent_id", granted["agent_id"]},
       {"serial", issued.serial},
       {"not_after",
        std::to_string(issued.not_after.time_since_epoch().count())}}));
  response.set_agent_id(granted["agent_id"]);
  response.set_terminal(granted["terminal"]);
  response.set_certificate_pem(issued.certificate_pem);
  response.set_ca_pem(ca_.certificate_pem());
  response.set_root_file(granted["root_file"]);
  response.set_epoch(std::atoi(granted["epoch"].c_str()));
  response.set_sketch_key(std::string(AsText(sketch_key_)));
  return {};
}

grpc::Status Enrolments::Enrol(grpc::ServerContext* context,
                               const enrolment::v1::EnrolRequest* request,
                               enrolment::v1::EnrolResponse* response) {
  const std::string address = AddressOf(context->peer());
  if (limit_.Full(address)) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            "too many refused enrolments; wait a minute"};
  }
  const Status done = EnrolFrom(address, *request, *response);
  if (done) {
    Log(LogLevel::kNotice, "enrolled " + response->terminal() + " from " +
                               address + " as " + response->agent_id());
    return grpc::Status::OK;
  }
  if (done.error().code != Code::kUnavailable) {
    limit_.Count(address);
  }
  Log(LogLevel::kWarning,
      "enrolment of host " + EscapeUntrusted(request->hostname(), 253) +
          " from " + address + " refused: " + done.error().message);
  return {static_cast<grpc::StatusCode>(done.error().code),
          done.error().message};
}

}  // namespace

Result<std::unique_ptr<EnrolServer>> EnrolServer::Start(
    const EnrolOptions& options, const auth::CertificateAuthority& ca,
    const std::array<std::byte, 32>& sketch_key, LinkClient& link,
    const Clock& clock) {
  auto server = std::make_unique<Enrolments>(ca, sketch_key, link, clock);
  RETURN_IF_ERROR(server->Start(options));
  return server;
}

}  // namespace sekisho::service
