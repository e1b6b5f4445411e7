// The enrolment process's port: what an unknown peer can reach. Holds the CA
// and the installation's sketch key; has no store.
#pragma once

#include <array>
#include <memory>
#include <string>

#include "common/clock.h"
#include "server/auth/certificates.h"
#include "server/service/enrol_link.h"

namespace sekisho::service {

struct EnrolOptions {
  std::string listen = "0.0.0.0:7444";  // port 0: any
  // tls.key, tls.pem, ca.pem; watched, a renewed certificate is taken up
  // without a restart.
  std::string dir;
  std::chrono::seconds agent_life = auth::kAgentCertificateLife;
  std::chrono::seconds server_life = auth::kServerCertificateLife;
};

class EnrolServer {
 public:
  static Result<std::unique_ptr<EnrolServer>> Start(
      const EnrolOptions& options, const auth::CertificateAuthority& ca,
      const std::array<std::byte, 32>& sketch_key, LinkClient& link,
      const Clock& clock);
  virtual ~EnrolServer() = default;
  virtual int port() const = 0;
  // Renews this process's own certificate and the server's, if they are due.
  // To be called every hour or so.
  virtual Status RenewServerCertificates() = 0;
  virtual void Shutdown() = 0;
};

}  // namespace sekisho::service
