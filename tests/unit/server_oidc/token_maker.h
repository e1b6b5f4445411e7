// A provider's signing keys and what it would sign, for tests: made with
// OpenSSL's own calls, apart from the code under test.
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>

namespace sekisho::oidc {

using PrivateKey = std::shared_ptr<EVP_PKEY>;

PrivateKey NewRsaKey(unsigned bits = 2048);
PrivateKey NewEcKey();

// One entry of a key set.
std::string RsaJwk(const PrivateKey& key, const std::string& id,
                   const std::string& more = "");
std::string EcJwk(const PrivateKey& key, const std::string& id,
                  const std::string& more = "");
// The modulus or the point, as text of PEM: what an attacker of HS256 uses.
std::string PublicPem(const PrivateKey& key);

std::string Base64Url(std::string_view bytes);
// "header.claims.signature", signed as the kind of `key` is.
std::string Sign(const PrivateKey& key, std::string_view header,
                 std::string_view claims);
std::string SignHs256(std::string_view secret, std::string_view header,
                      std::string_view claims);

}  // namespace sekisho::oidc
