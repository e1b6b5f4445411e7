#include "server/auth/own_certificate.h"

#include <fcntl.h>

#include "common/file.h"
#include "proto/certificate_request.h"
#include "server/auth/certificates.h"

namespace sekisho::auth {

Result<std::string> OwnCertificate::Read(const char* name) const {
  return ReadFileAt(AT_FDCWD, dir_ + "/" + name, 2 * kMaxPemBytes);
}

Result<std::optional<std::string>> OwnCertificate::CsrIfDue(
    WallTime now) const {
  ASSIGN_OR_RETURN(const std::string pem, Read("tls.pem"));
  ASSIGN_OR_RETURN(const auto validity, enrolment::ValidityOf(pem));
  const auto life = validity.not_after - validity.not_before;
  if (now < validity.not_before + life * 2 / 3) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const std::string key, Read("tls.key"));
  return NewCsrPem(key, "Sekisho server");
}

Result<std::vector<std::string>> OwnCertificate::Names() const {
  ASSIGN_OR_RETURN(const std::string pem, Read("tls.pem"));
  return NamesOf(pem);
}

Result<WallTime> OwnCertificate::NotAfter() const {
  ASSIGN_OR_RETURN(const std::string pem, Read("tls.pem"));
  ASSIGN_OR_RETURN(const auto validity, enrolment::ValidityOf(pem));
  return validity.not_after;
}

Result<WallTime> OwnCertificate::CaNotAfter() const {
  ASSIGN_OR_RETURN(const std::string pem, Read("ca.pem"));
  ASSIGN_OR_RETURN(const auto validity, enrolment::ValidityOf(pem));
  return validity.not_after;
}

Status OwnCertificate::Install(const std::string& certificate_pem,
                               WallTime now) const {
  ASSIGN_OR_RETURN(const std::string key, Read("tls.key"));
  ASSIGN_OR_RETURN(const std::string ca, Read("ca.pem"));
  RETURN_IF_ERROR(CheckSignedBy(certificate_pem, ca));
  ASSIGN_OR_RETURN(const auto validity, enrolment::ValidityOf(certificate_pem));
  if (!enrolment::Fits(certificate_pem, key) || validity.not_after <= now) {
    return Fail(Code::kInvalidArgument,
                "the certificate is not for this key, or has expired");
  }
  // The CA behind it: a terminal knows it by the fingerprint in its token.
  return ReplaceFile(dir_ + "/tls.pem", certificate_pem + ca, 0644);
}

}  // namespace sekisho::auth
