#include "server/service/identity.h"

#include "common/log.h"
#include "common/text.h"
#include "server/auth/certificates.h"
#include "server/core/enrolment.h"

namespace sekisho::service {
namespace {

constexpr size_t kMaxErrorBytes = 2048;

}  // namespace

Result<store::AgentIdentity> Identify(const grpc::ServerContextBase& context,
                                      const AgentPlaneParts& parts) {
  const auto identity = [&]() -> Result<store::AgentIdentity> {
    const auto pems =
        context.auth_context()->FindPropertyValues("x509_pem_cert");
    if (pems.size() != 1) {
      return Fail(Code::kUnauthenticated, "no client certificate");
    }
    ASSIGN_OR_RETURN(
        const auth::AgentCertificate certificate,
        auth::ReadAgentCertificate({pems[0].data(), pems[0].size()}));
    auto agent =
        parts.store.FindAgent(certificate.agent_id, certificate.serial);
    if (!agent && agent.error().code == Code::kNotFound) {
      return Fail(Code::kUnauthenticated,
                  "this certificate is not one of the server's; enrol again");
    }
    if (!agent) {
      return std::unexpected(std::move(agent).error());
    }
    if (agent->revoked || parts.presence.IsRevoked(agent->agent_id)) {
      return Fail(Code::kPermissionDenied,
                  "agent " + agent->terminal + " is revoked");
    }
    if (agent->retired) {
      core::ReportRetiredCertificate(parts.store, parts.clock, parts.changes,
                                     agent->agent_id, agent->terminal,
                                     agent->serial);
      return Fail(Code::kUnauthenticated,
                  "a newer certificate of this agent is in use; enrol again");
    }
    // TLS has looked at the date, too, but only when the connection was made.
    if (agent->not_after <= parts.clock.Now()) {
      return Fail(Code::kUnauthenticated, "the certificate has expired");
    }
    return agent;
  }();
  if (!identity) {
    Log(LogLevel::kWarning, "agent from " + context.peer() +
                                " refused: " + identity.error().message);
  }
  return identity;
}

grpc::Status ToGrpc(const Error& error) {
  std::string message = error.message;
  if (message.size() > kMaxErrorBytes) {
    const size_t line = message.rfind('\n', kMaxErrorBytes);
    message.resize(line == std::string::npos ? kMaxErrorBytes : line);
    message += "\n... and more";
  }
  return {static_cast<grpc::StatusCode>(error.code), message};
}

}  // namespace sekisho::service
