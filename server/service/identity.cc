#include "server/service/identity.h"

#include "common/log.h"
#include "common/text.h"
#include "server/auth/certificates.h"

namespace sekisho::service {
namespace {

constexpr size_t kMaxErrorBytes = 2048;

}  // namespace

Result<store::AgentIdentity> Identify(const grpc::ServerContextBase& context,
                                      store::Store& store,
                                      const core::Presence& presence) {
  const auto identity = [&]() -> Result<store::AgentIdentity> {
    const auto pems =
        context.auth_context()->FindPropertyValues("x509_pem_cert");
    if (pems.size() != 1) {
      return Fail(Code::kUnauthenticated, "no client certificate");
    }
    ASSIGN_OR_RETURN(
        const auth::AgentCertificate certificate,
        auth::ReadAgentCertificate({pems[0].data(), pems[0].size()}));
    auto agent = store.FindAgent(certificate.agent_id, certificate.serial);
    if (!agent && agent.error().code == Code::kNotFound) {
      return Fail(Code::kUnauthenticated,
                  "this certificate is not one of the server's; enrol again");
    }
    if (!agent) {
      return std::unexpected(std::move(agent).error());
    }
    if (agent->revoked || presence.IsRevoked(agent->agent_id)) {
      return Fail(Code::kPermissionDenied,
                  "agent " + agent->terminal + " is revoked");
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
