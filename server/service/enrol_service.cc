#include "server/service/enrol_service.h"

#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <map>

#include "common/log.h"
#include "common/text.h"
#include "proto/certificate_request.h"
#include "sekisho/enrolment/v1/enrolment_service.grpc.pb.h"
#include "server/auth/own_certificate.h"

namespace sekisho::service {
namespace {

constexpr int kMaxRequestBytes = 32 * 1024;
constexpr int kMaxMetadataBytes = 8 * 1024;
constexpr size_t kMaxTokenBytes = 128;
constexpr int kMaxThreads = 16;
constexpr int kCertificateWatchSeconds = 5;
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
             const Clock& clock, const EnrolOptions& options)
      : options_(options),
        own_(options.dir),
        ca_(ca),
        sketch_key_(sketch_key),
        link_(link),
        clock_(clock),
        limit_(clock) {}

  Status Start();
  int port() const override { return port_; }
  Status RenewServerCertificates() override;
  void Shutdown() override {
    server_->Shutdown(std::chrono::system_clock::now() +
                      std::chrono::seconds(5));
    server_->Wait();
  }

  grpc::Status Enrol(grpc::ServerContext* context,
                     const enrolment::v1::EnrolRequest* request,
                     enrolment::v1::EnrolResponse* response) override;
  grpc::Status Renew(grpc::ServerContext* context,
                     const enrolment::v1::RenewRequest* request,
                     enrolment::v1::RenewResponse* response) override;

 private:
  Status EnrolFrom(const std::string& address,
                   const enrolment::v1::EnrolRequest& request,
                   enrolment::v1::EnrolResponse& response);
  Status Check(const enrolment::v1::EnrolRequest& request) const;
  // The agent whose key made the request; anything else is no agent of ours.
  Result<auth::AgentCertificate> Prove(
      const enrolment::v1::RenewRequest& request) const;
  Result<auth::Issued> RenewFrom(const std::string& address,
                                 const auth::AgentCertificate& agent,
                                 const std::string& csr_pem);
  Status Certified(const std::string& agent_id, const auth::Issued& issued,
                   const std::string& replaces, const std::string& address);

  const EnrolOptions options_;
  const auth::OwnCertificate own_;
  const auth::CertificateAuthority& ca_;
  const std::array<std::byte, 32>& sketch_key_;
  LinkClient& link_;
  const Clock& clock_;
  RefusalLimit limit_;
  int port_ = 0;
  std::unique_ptr<grpc::Server> server_;
};

std::shared_ptr<grpc::ServerCredentials> Credentials(const std::string& dir) {
  namespace tls = grpc::experimental;
  tls::TlsServerCredentialsOptions options(
      std::make_shared<tls::FileWatcherCertificateProvider>(
          dir + "/tls.key", dir + "/tls.pem", kCertificateWatchSeconds));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  return tls::TlsServerCredentials(options);
}

Status Enrolments::Start() {
  // gRPC would wait for a pair of files that is not there.
  RETURN_IF_ERROR(own_.NotAfter());
  grpc::ServerBuilder builder;
  builder.AddListeningPort(options_.listen, Credentials(options_.dir), &port_);
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
    return Fail(Code::kUnavailable, "cannot listen on " + options_.listen);
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
  ASSIGN_OR_RETURN(const auth::Issued issued,
                   ca_.IssueAgent(request.csr_pem(), granted["agent_id"],
                                  clock_.Now(), options_.agent_life));
  RETURN_IF_ERROR(Certified(granted["agent_id"], issued, "", address));
  response.set_agent_id(granted["agent_id"]);
  response.set_terminal(granted["terminal"]);
  response.set_certificate_pem(issued.certificate_pem);
  response.set_ca_pem(ca_.certificate_pem());
  response.set_root_file(granted["root_file"]);
  response.set_epoch(std::atoi(granted["epoch"].c_str()));
  response.set_sketch_key(std::string(AsText(sketch_key_)));
  return {};
}

Status Enrolments::Certified(const std::string& agent_id,
                             const auth::Issued& issued,
                             const std::string& replaces,
                             const std::string& address) {
  RETURN_IF_ERROR(
      link_.Ask({{"verb", "certified"},
                 {"agent_id", agent_id},
                 {"serial", issued.serial},
                 {"key_hash", issued.key_hash},
                 {"not_after",
                  std::to_string(issued.not_after.time_since_epoch().count())},
                 {"replaces", replaces},
                 {"address", address}}));
  return {};
}

Result<auth::AgentCertificate> Enrolments::Prove(
    const enrolment::v1::RenewRequest& request) const {
  RETURN_IF_ERROR(ca_.CheckIssued(request.certificate_pem()));
  RETURN_IF_ERROR(enrolment::CheckRenewalProof(
      request.certificate_pem(), request.csr_pem(), request.proof()));
  return auth::ReadAgentCertificate(request.certificate_pem());
}

Result<auth::Issued> Enrolments::RenewFrom(const std::string& address,
                                           const auth::AgentCertificate& agent,
                                           const std::string& csr_pem) {
  ASSIGN_OR_RETURN(const auth::Issued issued,
                   ca_.IssueAgent(csr_pem, agent.agent_id, clock_.Now(),
                                  options_.agent_life));
  RETURN_IF_ERROR(link_.Ask({{"verb", "renew"},
                             {"agent_id", agent.agent_id},
                             {"serial", agent.serial},
                             {"key_hash", issued.key_hash},
                             {"address", address}}));
  RETURN_IF_ERROR(Certified(agent.agent_id, issued, agent.serial, address));
  return issued;
}

grpc::Status Enrolments::Renew(grpc::ServerContext* context,
                               const enrolment::v1::RenewRequest* request,
                               enrolment::v1::RenewResponse* response) {
  const std::string address = AddressOf(context->peer());
  if (limit_.Full(address)) {
    return {grpc::StatusCode::RESOURCE_EXHAUSTED,
            "too many refused requests; wait a minute"};
  }
  const auto agent = Prove(*request);
  if (!agent) {
    // Who holds no key of ours is counted; who does is the server's to judge.
    limit_.Count(address);
    Log(LogLevel::kWarning,
        "renewal from " + address + " refused: " + agent.error().message);
    return {static_cast<grpc::StatusCode>(agent.error().code),
            agent.error().message};
  }
  const auto issued = RenewFrom(address, *agent, request->csr_pem());
  if (!issued) {
    Log(LogLevel::kWarning, "renewal of agent " + agent->agent_id + " from " +
                                address +
                                " refused: " + issued.error().message);
    return {static_cast<grpc::StatusCode>(issued.error().code),
            issued.error().message};
  }
  Log(LogLevel::kNotice, "renewed the certificate of agent " + agent->agent_id);
  response->set_certificate_pem(issued->certificate_pem);
  return grpc::Status::OK;
}

// Names come from this process's own certificate, which `init` made: a server
// that was broken into must not get a certificate in another's name.
Status Enrolments::RenewServerCertificates() {
  ASSIGN_OR_RETURN(const auto names, own_.Names());
  ASSIGN_OR_RETURN(const auto own_csr, own_.CsrIfDue(clock_.Now()));
  if (own_csr) {
    ASSIGN_OR_RETURN(
        const auth::Issued issued,
        ca_.IssueServer(*own_csr, names, clock_.Now(), options_.server_life));
    RETURN_IF_ERROR(own_.Install(issued.certificate_pem, clock_.Now()));
    Log(LogLevel::kNotice, "the enrolment certificate was renewed");
  }
  ASSIGN_OR_RETURN(LinkMessage due, link_.Ask({{"verb", "server_csr"}}));
  if (due["csr"].empty()) {
    return {};
  }
  ASSIGN_OR_RETURN(
      const auth::Issued issued,
      ca_.IssueServer(due["csr"], names, clock_.Now(), options_.server_life));
  RETURN_IF_ERROR(link_.Ask({{"verb", "server_certificate"},
                             {"certificate", issued.certificate_pem}}));
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
  auto server =
      std::make_unique<Enrolments>(ca, sketch_key, link, clock, options);
  RETURN_IF_ERROR(server->Start());
  return server;
}

}  // namespace sekisho::service
