#include "proto/certificate_request.h"

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <memory>

#include "proto/openssl_handles.h"

namespace sekisho::enrolment {
namespace {

constexpr std::string_view kProofLabel("sekisho-renewal-1\0", 18);
constexpr size_t kMaxCommonNameBytes = 64;  // RFC 5280, ub-common-name
constexpr size_t kMaxProofBytes = 128;

using openssl::Bio;
using openssl::Certificate;
using openssl::FreeBy;
using openssl::Key;
using openssl::OpenSslFail;
using openssl::Reading;
using openssl::Request;
using openssl::TextOf;
using Digest = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;

Key ReadKey(std::string_view pem) {
  return Key(
      PEM_read_bio_PrivateKey(Reading(pem).get(), nullptr, nullptr, nullptr));
}

Result<Certificate> ReadCertificate(std::string_view pem) {
  Certificate certificate(
      PEM_read_bio_X509(Reading(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    ERR_clear_error();
    return Fail(Code::kInvalidArgument, "the certificate does not parse");
  }
  return certificate;
}

std::string Sha256(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  unsigned int size = 0;
  CHECK(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(),
                   nullptr) == 1);
  return {digest.begin(), digest.end()};
}

std::string ProofText(std::string_view certificate_pem,
                      std::string_view csr_pem) {
  std::string text(kProofLabel);
  for (const std::string_view part : {certificate_pem, csr_pem}) {
    text += Sha256(part);
  }
  return text;
}

const unsigned char* Raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

Result<WallTime> TimeOf(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) {
    return OpenSslFail("time of a certificate");
  }
  return WallTime(std::chrono::seconds(::timegm(&parts)));
}

}  // namespace

Result<KeyAndCsr> NewKeyAndCsr(const std::string& common_name) {
  const Key key(EVP_EC_gen("P-256"));
  const Request csr(X509_REQ_new());
  if (!key || !csr) return OpenSslFail("make a key");
  const std::string shown = common_name.substr(0, kMaxCommonNameBytes);
  const bool made =
      X509_NAME_add_entry_by_txt(X509_REQ_get_subject_name(csr.get()), "CN",
                                 MBSTRING_UTF8, Raw(shown), -1, -1, 0) == 1 &&
      X509_REQ_set_pubkey(csr.get(), key.get()) == 1 &&
      X509_REQ_sign(csr.get(), key.get(), EVP_sha256()) > 0;
  const Bio key_out(BIO_new(BIO_s_mem()));
  const Bio csr_out(BIO_new(BIO_s_mem()));
  if (!made || !key_out || !csr_out ||
      PEM_write_bio_PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0,
                               nullptr, nullptr) != 1 ||
      PEM_write_bio_X509_REQ(csr_out.get(), csr.get()) != 1) {
    return OpenSslFail("make a certificate request");
  }
  return KeyAndCsr{TextOf(key_out.get()), TextOf(csr_out.get())};
}

Result<Validity> ValidityOf(std::string_view certificate_pem) {
  ASSIGN_OR_RETURN(const Certificate certificate,
                   ReadCertificate(certificate_pem));
  Validity validity;
  ASSIGN_OR_RETURN(validity.not_before,
                   TimeOf(X509_get0_notBefore(certificate.get())));
  ASSIGN_OR_RETURN(validity.not_after,
                   TimeOf(X509_get0_notAfter(certificate.get())));
  return validity;
}

bool Fits(std::string_view certificate_pem, std::string_view key_pem) {
  const auto certificate = ReadCertificate(certificate_pem);
  const Key key = ReadKey(key_pem);
  const bool fits = certificate && key &&
                    X509_check_private_key(certificate->get(), key.get()) == 1;
  ERR_clear_error();
  return fits;
}

Result<std::string> ProveRenewal(std::string_view key_pem,
                                 std::string_view certificate_pem,
                                 std::string_view csr_pem) {
  const Key key = ReadKey(key_pem);
  const Digest digest(EVP_MD_CTX_new());
  const std::string text = ProofText(certificate_pem, csr_pem);
  std::array<unsigned char, kMaxProofBytes> proof{};
  size_t size = proof.size();
  if (!key || !digest ||
      EVP_DigestSignInit(digest.get(), nullptr, EVP_sha256(), nullptr,
                         key.get()) != 1 ||
      EVP_DigestSign(digest.get(), proof.data(), &size, Raw(text),
                     text.size()) != 1) {
    return OpenSslFail("sign the renewal");
  }
  return std::string(proof.begin(),
                     proof.begin() + static_cast<std::ptrdiff_t>(size));
}

Status CheckRenewalProof(std::string_view certificate_pem,
                         std::string_view csr_pem, std::string_view proof) {
  ASSIGN_OR_RETURN(const Certificate certificate,
                   ReadCertificate(certificate_pem));
  const Digest digest(EVP_MD_CTX_new());
  const std::string text = ProofText(certificate_pem, csr_pem);
  const bool good =
      digest && proof.size() <= kMaxProofBytes &&
      EVP_DigestVerifyInit(digest.get(), nullptr, EVP_sha256(), nullptr,
                           X509_get0_pubkey(certificate.get())) == 1 &&
      EVP_DigestVerify(digest.get(), Raw(proof), proof.size(), Raw(text),
                       text.size()) == 1;
  ERR_clear_error();
  if (!good) {
    return Fail(Code::kUnauthenticated,
                "the request is not signed by the certificate's key");
  }
  return {};
}

}  // namespace sekisho::enrolment
