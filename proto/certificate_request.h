// What the holder of a TLS key asks of the CA and proves to it: certificate
// requests (PKCS#10, EC P-256), and the proof that a renewal comes from the
// holder of the certificate it replaces. Shared by those who ask and the CA's
// process.
#pragma once

#include <string>
#include <string_view>

#include "common/bytes.h"
#include "common/clock.h"
#include "common/result.h"

namespace sekisho::enrolment {

struct KeyAndCsr {
  std::string key_pem;  // PKCS#8
  std::string csr_pem;
};
// A new key. The name is only for people to read; a CA sets what counts.
Result<KeyAndCsr> NewKeyAndCsr(const std::string& common_name);

struct Validity {
  WallTime not_before;
  WallTime not_after;
};
Result<Validity> ValidityOf(std::string_view certificate_pem);
// True if the certificate is for this key.
bool Fits(std::string_view certificate_pem, std::string_view key_pem);

// ECDSA with SHA-256 over "sekisho-renewal-1" | 0 | SHA-256(certificate text)
// | SHA-256(CSR text), by the certificate's key. It binds the new key to the
// old one; that a request is used once is the server's to see.
Result<std::string> ProveRenewal(std::string_view key_pem,
                                 std::string_view certificate_pem,
                                 std::string_view csr_pem);
// kUnauthenticated: not by the certificate's key, or over other texts. Says
// nothing of who issued the certificate.
Status CheckRenewalProof(std::string_view certificate_pem,
                         std::string_view csr_pem, std::string_view proof);

}  // namespace sekisho::enrolment
