#include "server/auth/certificates.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>

#include "common/bytes.h"
#include "common/file.h"
#include "proto/openssl_handles.h"

namespace sekisho::auth {
namespace {

constexpr std::string_view kAgentUri = "sekisho://agent/";

using openssl::Bio;
using openssl::Certificate;
using openssl::FreeBy;
using openssl::Key;
using openssl::OpenSslFail;
using openssl::Reading;
using openssl::Request;
using openssl::TextOf;
using Extension = std::unique_ptr<X509_EXTENSION, FreeBy<X509_EXTENSION_free>>;
using Number = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using Names = std::unique_ptr<GENERAL_NAMES, FreeBy<GENERAL_NAMES_free>>;

Result<std::string> Pem(X509* certificate) {
  const Bio out(BIO_new(BIO_s_mem()));
  if (!out || PEM_write_bio_X509(out.get(), certificate) != 1) {
    return OpenSslFail("write certificate");
  }
  return TextOf(out.get());
}

Result<Key> KeyFromPem(std::string_view pem) {
  Key key(
      PEM_read_bio_PrivateKey(Reading(pem).get(), nullptr, nullptr, nullptr));
  if (!key) {
    return OpenSslFail("read private key");
  }
  return key;
}

Status AddExtension(X509* certificate, X509* issuer, int nid,
                    const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Extension extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  if (!extension || X509_add_ext(certificate, extension.get(), -1) != 1) {
    return OpenSslFail("extension " + value);
  }
  return {};
}

Status SetName(X509_NAME* name, const std::string& common_name) {
  const auto* text =
      reinterpret_cast<const unsigned char*>(common_name.c_str());
  if (X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) !=
      1) {
    return OpenSslFail("name " + common_name);
  }
  return {};
}

// A random serial of 127 bits, so that it stays positive.
Status SetRandomSerial(X509* certificate) {
  std::array<std::byte, 16> random;
  FillRandom(random);
  random[0] &= std::byte{0x7f};
  random[0] |= std::byte{0x40};
  const Number number(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(random.data()),
                static_cast<int>(random.size()), nullptr));
  if (!number ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) ==
          nullptr) {
    return OpenSslFail("serial");
  }
  return {};
}

std::string SerialOf(const X509* certificate) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(certificate);
  return ToHex(std::as_bytes(
      std::span(ASN1_STRING_get0_data(serial),
                static_cast<size_t>(ASN1_STRING_length(serial)))));
}

Status SetLife(X509* certificate, WallTime now, std::chrono::seconds life) {
  const auto seconds =
      std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch())
          .count();
  // Clocks of terminals run behind: valid from an hour ago.
  if (ASN1_TIME_set(X509_getm_notBefore(certificate), seconds - 3600) ==
          nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate), seconds + life.count()) ==
          nullptr) {
    return OpenSslFail("life");
  }
  return {};
}

bool IsP256(EVP_PKEY* key) {
  std::array<char, 32> group{};
  size_t size = 0;
  return EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
         EVP_PKEY_get_group_name(key, group.data(), group.size(), &size) == 1 &&
         std::string_view(group.data(), size) == "prime256v1";
}

// The key of a CSR that its owner signed.
Result<Key> KeyOfCsr(std::string_view csr_pem) {
  if (csr_pem.size() > kMaxPemBytes) {
    return Fail(Code::kInvalidArgument, "CSR is over 8 KiB");
  }
  const Request request(
      PEM_read_bio_X509_REQ(Reading(csr_pem).get(), nullptr, nullptr, nullptr));
  if (!request) {
    ERR_clear_error();
    return Fail(Code::kInvalidArgument, "CSR is not PKCS#10 in PEM");
  }
  Key key(X509_REQ_get_pubkey(request.get()));
  if (!key || !IsP256(key.get())) {
    ERR_clear_error();
    return Fail(Code::kInvalidArgument, "CSR's key is not EC P-256");
  }
  if (X509_REQ_verify(request.get(), key.get()) != 1) {
    ERR_clear_error();
    return Fail(Code::kInvalidArgument, "CSR is not signed by its key");
  }
  return key;
}

// Lower-case hex of SHA-256 over the key's SubjectPublicKeyInfo.
Result<std::string> HashOfKey(EVP_PKEY* key) {
  unsigned char* der = nullptr;
  const int size = i2d_PUBKEY(key, &der);
  if (size <= 0) {
    return OpenSslFail("encode key");
  }
  std::array<std::byte, 32> digest;
  EVP_Digest(der, static_cast<size_t>(size),
             reinterpret_cast<unsigned char*>(digest.data()), nullptr,
             EVP_sha256(), nullptr);
  OPENSSL_free(der);
  return ToHex(digest);
}

Result<Certificate> CertificateFromPem(std::string_view pem) {
  Certificate certificate;
  if (pem.size() <= kMaxPemBytes) {
    certificate.reset(
        PEM_read_bio_X509(Reading(pem).get(), nullptr, nullptr, nullptr));
  }
  if (!certificate) {
    ERR_clear_error();
    return Fail(Code::kUnauthenticated, "certificate does not parse");
  }
  return certificate;
}

Status CheckSignature(std::string_view certificate_pem, EVP_PKEY* ca_key) {
  ASSIGN_OR_RETURN(const Certificate certificate,
                   CertificateFromPem(certificate_pem));
  const bool signed_by = X509_verify(certificate.get(), ca_key) == 1;
  ERR_clear_error();
  if (!signed_by) {
    return Fail(Code::kUnauthenticated, "the certificate is of another CA");
  }
  return {};
}

Result<Certificate> NewCertificate(EVP_PKEY* key,
                                   const std::string& common_name, WallTime now,
                                   std::chrono::seconds life) {
  Certificate certificate(X509_new());
  if (!certificate || X509_set_version(certificate.get(), 2) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return OpenSslFail("certificate");
  }
  RETURN_IF_ERROR(SetRandomSerial(certificate.get()));
  RETURN_IF_ERROR(SetLife(certificate.get(), now, life));
  RETURN_IF_ERROR(
      SetName(X509_get_subject_name(certificate.get()), common_name));
  return certificate;
}

Result<Certificate> NewCaCertificate(EVP_PKEY* key, WallTime now) {
  ASSIGN_OR_RETURN(Certificate ca,
                   NewCertificate(key, "Sekisho CA", now, kCaLife));
  X509_set_issuer_name(ca.get(), X509_get_subject_name(ca.get()));
  const std::pair<int, const char*> extensions[] = {
      {NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
      {NID_key_usage, "critical,keyCertSign,cRLSign"},
      {NID_subject_key_identifier, "hash"}};
  for (const auto& [nid, value] : extensions) {
    RETURN_IF_ERROR(AddExtension(ca.get(), ca.get(), nid, value));
  }
  if (X509_sign(ca.get(), key, EVP_sha256()) == 0) {
    return OpenSslFail("sign CA certificate");
  }
  return ca;
}

bool IsAddress(const std::string& name) {
  std::array<unsigned char, 16> out{};
  return inet_pton(AF_INET, name.c_str(), out.data()) == 1 ||
         inet_pton(AF_INET6, name.c_str(), out.data()) == 1;
}

bool IsHostName(const std::string& name) {
  return !name.empty() && name.size() <= 253 &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '*';
         });
}

}  // namespace

void CertificateAuthority::FreeKey::operator()(EVP_PKEY* key) const {
  EVP_PKEY_free(key);
}
void CertificateAuthority::FreeX509::operator()(X509* certificate) const {
  X509_free(certificate);
}
CertificateAuthority::~CertificateAuthority() = default;

Result<std::string> NewKeyPem() {
  const Key key(EVP_EC_gen("P-256"));
  const Bio out(BIO_new(BIO_s_mem()));
  if (!key || !out ||
      PEM_write_bio_PKCS8PrivateKey(out.get(), key.get(), nullptr, nullptr, 0,
                                    nullptr, nullptr) != 1) {
    return OpenSslFail("make private key");
  }
  return TextOf(out.get());
}

Result<std::string> NewCsrPem(const std::string& key_pem,
                              const std::string& common_name) {
  ASSIGN_OR_RETURN(const Key key, KeyFromPem(key_pem));
  const Request request(X509_REQ_new());
  const Bio out(BIO_new(BIO_s_mem()));
  if (!request || !out || X509_REQ_set_pubkey(request.get(), key.get()) != 1) {
    return OpenSslFail("make CSR");
  }
  RETURN_IF_ERROR(
      SetName(X509_REQ_get_subject_name(request.get()), common_name));
  if (X509_REQ_sign(request.get(), key.get(), EVP_sha256()) == 0 ||
      PEM_write_bio_X509_REQ(out.get(), request.get()) != 1) {
    return OpenSslFail("sign CSR");
  }
  return TextOf(out.get());
}

Result<std::unique_ptr<CertificateAuthority>>
CertificateAuthority::OpenOrCreate(const std::string& dir, WallTime now) {
  std::unique_ptr<CertificateAuthority> ca(new CertificateAuthority());
  const std::string key_path = dir + "/ca.key";
  const std::string pem_path = dir + "/ca.pem";
  auto key_pem = ReadFileAt(AT_FDCWD, key_path, kMaxPemBytes);
  if (!key_pem && key_pem.error().code != Code::kNotFound) {
    return std::unexpected(std::move(key_pem).error());
  }
  if (!key_pem) {
    ASSIGN_OR_RETURN(key_pem, NewKeyPem());
    RETURN_IF_ERROR(ReplaceFile(key_path, *key_pem, 0600));
  }
  ASSIGN_OR_RETURN(Key key, KeyFromPem(*key_pem));
  ca->key_.reset(key.release());
  auto pem = ReadFileAt(AT_FDCWD, pem_path, kMaxPemBytes);
  if (!pem && pem.error().code != Code::kNotFound) {
    return std::unexpected(std::move(pem).error());
  }
  if (!pem) {
    ASSIGN_OR_RETURN(const Certificate made,
                     NewCaCertificate(ca->key_.get(), now));
    ASSIGN_OR_RETURN(pem, Pem(made.get()));
    RETURN_IF_ERROR(ReplaceFile(pem_path, *pem, 0644));
  }
  ca->pem_ = *pem;
  ca->certificate_.reset(
      PEM_read_bio_X509(Reading(ca->pem_).get(), nullptr, nullptr, nullptr));
  if (!ca->certificate_ ||
      X509_check_private_key(ca->certificate_.get(), ca->key_.get()) != 1) {
    return OpenSslFail(pem_path + " does not fit ca.key");
  }
  return ca;
}

Result<Issued> CertificateAuthority::Issue(std::string_view csr_pem,
                                           const Wish& wish,
                                           WallTime now) const {
  ASSIGN_OR_RETURN(const Key key, KeyOfCsr(csr_pem));
  ASSIGN_OR_RETURN(const Certificate made,
                   NewCertificate(key.get(), wish.common_name, now, wish.life));
  X509_set_issuer_name(made.get(), X509_get_subject_name(certificate_.get()));
  const std::pair<int, std::string> extensions[] = {
      {NID_basic_constraints, "critical,CA:FALSE"},
      {NID_key_usage, "critical,digitalSignature"},
      {NID_ext_key_usage, wish.usage},
      {NID_subject_alt_name, wish.san},
      {NID_authority_key_identifier, "keyid"}};
  for (const auto& [nid, value] : extensions) {
    RETURN_IF_ERROR(AddExtension(made.get(), certificate_.get(), nid, value));
  }
  if (X509_sign(made.get(), key_.get(), EVP_sha256()) == 0) {
    return OpenSslFail("sign certificate");
  }
  Issued issued;
  ASSIGN_OR_RETURN(issued.certificate_pem, Pem(made.get()));
  issued.serial = SerialOf(made.get());
  ASSIGN_OR_RETURN(issued.key_hash, HashOfKey(key.get()));
  issued.not_after = now + wish.life;
  return issued;
}

Result<Issued> CertificateAuthority::IssueAgent(
    std::string_view csr_pem, const std::string& agent_id, WallTime now,
    std::chrono::seconds life) const {
  return Issue(csr_pem,
               {agent_id, "URI:" + std::string(kAgentUri) + agent_id,
                "clientAuth", life},
               now);
}

Status CertificateAuthority::CheckIssued(
    std::string_view certificate_pem) const {
  return CheckSignature(certificate_pem, key_.get());
}

Result<Issued> CertificateAuthority::IssueServer(
    std::string_view csr_pem, const std::vector<std::string>& names,
    WallTime now, std::chrono::seconds life) const {
  std::string san;
  for (const std::string& name : names) {
    const bool address = IsAddress(name);
    if (!address && !IsHostName(name)) {
      return Fail(Code::kInvalidArgument,
                  "'" + name + "' is neither a host name nor an address");
    }
    san += san.empty() ? "" : ",";
    san += (address ? "IP:" : "DNS:") + name;
  }
  if (san.empty()) {
    return Fail(Code::kInvalidArgument, "a server needs a name");
  }
  return Issue(csr_pem, {"Sekisho server", san, "serverAuth", life}, now);
}

Result<std::string> Fingerprint(std::string_view pem) {
  const Certificate certificate(
      PEM_read_bio_X509(Reading(pem).get(), nullptr, nullptr, nullptr));
  std::array<std::byte, 32> digest;
  unsigned int size = 0;
  if (!certificate ||
      X509_digest(certificate.get(), EVP_sha256(),
                  reinterpret_cast<unsigned char*>(digest.data()),
                  &size) != 1) {
    return OpenSslFail("fingerprint");
  }
  return ToHex(digest);
}

Status CheckSignedBy(std::string_view certificate_pem,
                     std::string_view ca_pem) {
  ASSIGN_OR_RETURN(const Certificate ca, CertificateFromPem(ca_pem));
  return CheckSignature(certificate_pem, X509_get0_pubkey(ca.get()));
}

Result<std::vector<std::string>> NamesOf(std::string_view certificate_pem) {
  ASSIGN_OR_RETURN(const Certificate certificate,
                   CertificateFromPem(certificate_pem));
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
      certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  std::vector<std::string> found;
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    const bool dns = name->type == GEN_DNS;
    if (!dns && name->type != GEN_IPADD) {
      continue;
    }
    const ASN1_STRING* value = dns ? name->d.dNSName : name->d.iPAddress;
    const auto size = static_cast<size_t>(ASN1_STRING_length(value));
    const unsigned char* data = ASN1_STRING_get0_data(value);
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (dns) {
      found.emplace_back(reinterpret_cast<const char*>(data), size);
    } else if (inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text.data(),
                         text.size()) != nullptr) {
      found.emplace_back(text.data());
    }
  }
  return found;
}

Result<AgentCertificate> ReadAgentCertificate(std::string_view pem) {
  const Certificate certificate(
      PEM_read_bio_X509(Reading(pem).get(), nullptr, nullptr, nullptr));
  if (!certificate) {
    ERR_clear_error();
    return Fail(Code::kUnauthenticated, "client certificate does not parse");
  }
  const Names names(static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
      certificate.get(), NID_subject_alt_name, nullptr, nullptr)));
  if (!names || sk_GENERAL_NAME_num(names.get()) != 1) {
    return Fail(Code::kUnauthenticated,
                "client certificate has not exactly one name");
  }
  const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), 0);
  if (name->type != GEN_URI) {
    return Fail(Code::kUnauthenticated, "client certificate is not an agent's");
  }
  const std::string_view uri(
      reinterpret_cast<const char*>(
          ASN1_STRING_get0_data(name->d.uniformResourceIdentifier)),
      static_cast<size_t>(
          ASN1_STRING_length(name->d.uniformResourceIdentifier)));
  if (!uri.starts_with(kAgentUri) || uri.size() != kAgentUri.size() + 36) {
    return Fail(Code::kUnauthenticated, "client certificate is not an agent's");
  }
  return AgentCertificate{std::string(uri.substr(kAgentUri.size())),
                          SerialOf(certificate.get())};
}

}  // namespace sekisho::auth
