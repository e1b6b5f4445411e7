#include "server/oidc/key_set.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <optional>

#include "proto/openssl_handles.h"
#include "server/oidc/strict_json.h"

namespace sekisho::oidc {
namespace {

using nlohmann::json;

using openssl::FreeBy;
using BigNumber = std::unique_ptr<BIGNUM, FreeBy<BN_free>>;
using Build = std::unique_ptr<OSSL_PARAM_BLD, FreeBy<OSSL_PARAM_BLD_free>>;
using Params = std::unique_ptr<OSSL_PARAM, FreeBy<OSSL_PARAM_free>>;
using KeyContext = std::unique_ptr<EVP_PKEY_CTX, FreeBy<EVP_PKEY_CTX_free>>;
using DigestContext = std::unique_ptr<EVP_MD_CTX, FreeBy<EVP_MD_CTX_free>>;
using EcdsaSig = std::unique_ptr<ECDSA_SIG, FreeBy<ECDSA_SIG_free>>;

constexpr int kMinRsaBits = 2048;
constexpr size_t kMaxRsaBytes = 8192 / 8;
constexpr size_t kMaxExponentBytes = 8;
constexpr size_t kP256Bytes = 32;

const unsigned char* Raw(std::string_view bytes) {
  return reinterpret_cast<const unsigned char*>(bytes.data());
}

BigNumber ToNumber(std::string_view bytes) {
  return BigNumber(
      BN_bin2bn(Raw(bytes), static_cast<int>(bytes.size()), nullptr));
}

std::shared_ptr<EVP_PKEY> Import(const char* type, OSSL_PARAM_BLD* build) {
  const Params params(OSSL_PARAM_BLD_to_param(build));
  const KeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY,
                        params.get()) != 1) {
    return nullptr;
  }
  std::shared_ptr<EVP_PKEY> made(key, EVP_PKEY_free);
  const KeyContext check(
      EVP_PKEY_CTX_new_from_pkey(nullptr, made.get(), nullptr));
  if (!check || EVP_PKEY_public_check(check.get()) != 1) return nullptr;
  return made;
}

std::optional<std::string> BytesOf(const json& key, const char* name) {
  const std::string* text = TextOf(key, name);
  return text == nullptr ? std::nullopt : FromBase64Url(*text);
}

std::shared_ptr<EVP_PKEY> RsaKey(const json& jwk) {
  const auto n = BytesOf(jwk, "n");
  const auto e = BytesOf(jwk, "e");
  if (!n || !e || n->size() > kMaxRsaBytes + 1 || e->empty() ||
      e->size() > kMaxExponentBytes) {
    return nullptr;
  }
  const BigNumber modulus = ToNumber(*n);
  const BigNumber exponent = ToNumber(*e);
  if (BN_num_bits(modulus.get()) < kMinRsaBits ||
      BN_num_bits(modulus.get()) > static_cast<int>(kMaxRsaBytes * 8) ||
      !BN_is_odd(exponent.get()) || BN_is_one(exponent.get())) {
    return nullptr;
  }
  const Build build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get());
  OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get());
  return Import("RSA", build.get());
}

// Some providers write a leading zero, as of a signed number.
std::optional<std::string> Coordinate(const json& jwk, const char* name) {
  auto bytes = BytesOf(jwk, name);
  if (!bytes) return std::nullopt;
  if (bytes->size() == kP256Bytes + 1 && bytes->front() == '\0') {
    bytes->erase(0, 1);
  }
  if (bytes->size() != kP256Bytes) return std::nullopt;
  return bytes;
}

std::shared_ptr<EVP_PKEY> EcKey(const json& jwk) {
  const std::string* curve = TextOf(jwk, "crv");
  const auto x = Coordinate(jwk, "x");
  const auto y = Coordinate(jwk, "y");
  if (curve == nullptr || *curve != "P-256" || !x || !y) return nullptr;
  const std::string point = "\x04" + *x + *y;
  const Build build(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME,
                                  "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY,
                                   point.data(), point.size());
  return Import("EC", build.get());
}

// RFC 7517, 4.2 and 4.3.
bool IsForSignatures(const json& jwk) {
  if (jwk.contains("use")) {
    const std::string* use = TextOf(jwk, "use");
    if (use == nullptr || *use != "sig") return false;
  }
  if (!jwk.contains("key_ops")) return true;
  const auto operations = TextsOf(jwk, "key_ops");
  return std::ranges::find(operations, "verify") != operations.end();
}

std::optional<Key> ToKey(const json& jwk) {
  const std::string* type = TextOf(jwk, "kty");
  if (type == nullptr || !IsForSignatures(jwk)) return std::nullopt;
  Key key;
  if (*type == "RSA") {
    key.algorithm = Algorithm::kRs256;
    key.key = RsaKey(jwk);
  } else if (*type == "EC") {
    key.algorithm = Algorithm::kEs256;
    key.key = EcKey(jwk);
  }
  if (!key.key) return std::nullopt;
  if (jwk.contains("alg")) {
    const std::string* algorithm = TextOf(jwk, "alg");
    if (algorithm == nullptr || *algorithm != Name(key.algorithm)) {
      return std::nullopt;
    }
  }
  if (const std::string* id = TextOf(jwk, "kid")) key.id = *id;
  return key;
}

// R and S to what OpenSSL reads.
std::optional<std::string> ToDer(std::string_view signature) {
  if (signature.size() != 2 * kP256Bytes) return std::nullopt;
  const EcdsaSig pair(ECDSA_SIG_new());
  BigNumber r = ToNumber(signature.substr(0, kP256Bytes));
  BigNumber s = ToNumber(signature.substr(kP256Bytes));
  if (!pair || ECDSA_SIG_set0(pair.get(), r.get(), s.get()) != 1) {
    return std::nullopt;
  }
  (void)r.release();
  (void)s.release();
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  if (size <= 0) return std::nullopt;
  std::string out(reinterpret_cast<char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return out;
}

}  // namespace

const char* Name(Algorithm algorithm) {
  return algorithm == Algorithm::kRs256 ? "RS256" : "ES256";
}

Result<KeySet> ParseKeySet(std::string_view text) {
  ASSIGN_OR_RETURN(const json tree, ParseObject("the provider's key set", text,
                                                kMaxKeySetBytes));
  const auto keys = tree.find("keys");
  if (keys == tree.end() || !keys->is_array()) {
    return Fail(Code::kInvalidArgument, "the provider's key set has no 'keys'");
  }
  if (keys->size() > kMaxKeys) {
    return Fail(Code::kInvalidArgument,
                "the provider's key set has more than 64 keys");
  }
  KeySet set;
  for (const json& one : *keys) {
    if (!one.is_object()) continue;
    if (auto key = ToKey(one)) set.keys.push_back(std::move(*key));
  }
  if (set.keys.empty()) {
    return Fail(Code::kFailedPrecondition,
                "none of the provider's " + std::to_string(keys->size()) +
                    " keys is for RS256 (RSA, 2048 bits or more) or ES256 "
                    "signatures");
  }
  return set;
}

bool Verify(const Key& key, std::string_view signed_text,
            std::string_view signature) {
  std::string bytes(signature);
  if (key.algorithm == Algorithm::kEs256) {
    auto der = ToDer(signature);
    if (!der) return false;
    bytes = std::move(*der);
  }
  const DigestContext context(EVP_MD_CTX_new());
  // PKCS #1 v1.5 is what EVP does with an RSA key if nothing else is said.
  return context &&
         EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr,
                              key.key.get()) == 1 &&
         EVP_DigestVerify(context.get(), Raw(bytes), bytes.size(),
                          Raw(signed_text), signed_text.size()) == 1;
}

}  // namespace sekisho::oidc
