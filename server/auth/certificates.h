// The private CA and the certificates it makes (OpenSSL 3, EC P-256). The CA's
// key is held by the enrolment process alone; the server reads certificates.
#pragma once

#include <openssl/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace sekisho::auth {

inline constexpr auto kAgentCertificateLife = std::chrono::days(30);
inline constexpr auto kServerCertificateLife = std::chrono::days(397);
inline constexpr auto kCaLife = std::chrono::days(3650);
inline constexpr size_t kMaxPemBytes = size_t{8} * 1024;

struct Issued {
  std::string certificate_pem;
  std::string serial;    // lower-case hex
  std::string key_hash;  // lower-case hex of SHA-256 of its public key (SPKI)
  WallTime not_after;
};

// Private key in PEM (PKCS#8).
Result<std::string> NewKeyPem();
// For servers and tests; the subject is only a name, the CA sets what counts.
Result<std::string> NewCsrPem(const std::string& key_pem,
                              const std::string& common_name);

class CertificateAuthority {
 public:
  // Makes ca.key (0600) and ca.pem in `dir`, or opens those that are there.
  static Result<std::unique_ptr<CertificateAuthority>> OpenOrCreate(
      const std::string& dir, WallTime now);
  ~CertificateAuthority();

  const std::string& certificate_pem() const { return pem_; }

  // Of a CSR only the key is taken: P-256, proved by its signature
  // (kInvalidArgument). Client certificate, SAN "URI:sekisho://agent/<id>".
  Result<Issued> IssueAgent(
      std::string_view csr_pem, const std::string& agent_id, WallTime now,
      std::chrono::seconds life = kAgentCertificateLife) const;
  // `names`: DNS names and IP addresses for the SAN.
  Result<Issued> IssueServer(
      std::string_view csr_pem, const std::vector<std::string>& names,
      WallTime now, std::chrono::seconds life = kServerCertificateLife) const;
  // That this CA signed it, whatever its dates say; kUnauthenticated.
  Status CheckIssued(std::string_view certificate_pem) const;

 private:
  struct Wish {
    std::string common_name;
    std::string san;
    std::string usage;
    std::chrono::seconds life;
  };
  CertificateAuthority() = default;
  Result<Issued> Issue(std::string_view csr_pem, const Wish& wish,
                       WallTime now) const;

  struct FreeKey {
    void operator()(EVP_PKEY* key) const;
  };
  struct FreeX509 {
    void operator()(X509* certificate) const;
  };
  std::unique_ptr<EVP_PKEY, FreeKey> key_;
  std::unique_ptr<X509, FreeX509> certificate_;
  std::string pem_;
};

// Lower-case hex of SHA-256 over the certificate's DER.
Result<std::string> Fingerprint(std::string_view pem);

// That `certificate_pem` was signed by the CA in `ca_pem`, whatever its dates
// say. kUnauthenticated.
Status CheckSignedBy(std::string_view certificate_pem, std::string_view ca_pem);
// The DNS names and addresses in a server's certificate.
Result<std::vector<std::string>> NamesOf(std::string_view certificate_pem);

// Who a client certificate speaks for. The chain was verified by TLS.
struct AgentCertificate {
  std::string agent_id;
  std::string serial;
};
// kUnauthenticated unless it has exactly one URI, ours.
Result<AgentCertificate> ReadAgentCertificate(std::string_view pem);

}  // namespace sekisho::auth
