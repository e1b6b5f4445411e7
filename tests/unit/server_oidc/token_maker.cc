#include "tests/unit/server_oidc/token_maker.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <array>
#include <vector>

#include "common/result.h"

namespace sekisho::oidc {
namespace {

const unsigned char* Raw(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

std::string Number(const PrivateKey& key, const char* name, int bytes) {
  BIGNUM* number = nullptr;
  CHECK(EVP_PKEY_get_bn_param(key.get(), name, &number) == 1);
  const int size = bytes > 0 ? bytes : BN_num_bytes(number);
  std::string out(static_cast<size_t>(size), '\0');
  BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()), size);
  BN_free(number);
  return out;
}

// OpenSSL's DER to the 64 bytes of RFC 7518, 3.4.
std::string ToPair(const std::string& der) {
  const unsigned char* at = Raw(der);
  ECDSA_SIG* pair = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
  CHECK(pair != nullptr);
  std::string out(64, '\0');
  auto* bytes = reinterpret_cast<unsigned char*>(out.data());
  BN_bn2binpad(ECDSA_SIG_get0_r(pair), bytes, 32);
  BN_bn2binpad(ECDSA_SIG_get0_s(pair), bytes + 32, 32);
  ECDSA_SIG_free(pair);
  return out;
}

}  // namespace

PrivateKey NewRsaKey(unsigned bits) {
  return PrivateKey(EVP_RSA_gen(bits), EVP_PKEY_free);
}

PrivateKey NewEcKey() { return PrivateKey(EVP_EC_gen("P-256"), EVP_PKEY_free); }

std::string RsaJwk(const PrivateKey& key, const std::string& id,
                   const std::string& more) {
  return R"({"kty":"RSA","kid":")" + id + R"(","n":")" +
         Base64Url(Number(key, OSSL_PKEY_PARAM_RSA_N, 0)) + R"(","e":")" +
         Base64Url(Number(key, OSSL_PKEY_PARAM_RSA_E, 0)) + "\"" + more + "}";
}

std::string EcJwk(const PrivateKey& key, const std::string& id,
                  const std::string& more) {
  return R"({"kty":"EC","crv":"P-256","kid":")" + id + R"(","x":")" +
         Base64Url(Number(key, OSSL_PKEY_PARAM_EC_PUB_X, 32)) + R"(","y":")" +
         Base64Url(Number(key, OSSL_PKEY_PARAM_EC_PUB_Y, 32)) + "\"" + more +
         "}";
}

std::string PublicPem(const PrivateKey& key) {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PUBKEY(out, key.get());
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string pem(data, static_cast<size_t>(size));
  BIO_free(out);
  return pem;
}

std::string Base64Url(std::string_view bytes) {
  std::string out((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   Raw(bytes), static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(size));
  while (out.ends_with('=')) out.pop_back();
  for (char& c : out) {
    if (c == '+') c = '-';
    if (c == '/') c = '_';
  }
  return out;
}

std::string Sign(const PrivateKey& key, std::string_view header,
                 std::string_view claims) {
  const std::string text = Base64Url(header) + "." + Base64Url(claims);
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  size_t size = 0;
  CHECK(EVP_DigestSignInit(context, nullptr, EVP_sha256(), nullptr,
                           key.get()) == 1);
  CHECK(EVP_DigestSign(context, nullptr, &size, Raw(text), text.size()) == 1);
  std::string signature(size, '\0');
  CHECK(EVP_DigestSign(context,
                       reinterpret_cast<unsigned char*>(signature.data()),
                       &size, Raw(text), text.size()) == 1);
  EVP_MD_CTX_free(context);
  signature.resize(size);
  if (EVP_PKEY_is_a(key.get(), "EC") == 1) signature = ToPair(signature);
  return text + "." + Base64Url(signature);
}

std::string SignHs256(std::string_view secret, std::string_view header,
                      std::string_view claims) {
  const std::string text = Base64Url(header) + "." + Base64Url(claims);
  std::array<char, 32> mac{};
  unsigned size = mac.size();
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), Raw(text),
       text.size(), reinterpret_cast<unsigned char*>(mac.data()), &size);
  return text + "." + Base64Url({mac.data(), mac.size()});
}

}  // namespace sekisho::oidc
