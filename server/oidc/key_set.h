// The provider's public keys (JWKS, RFC 7517), as far as they can verify what
// we take: RS256 with 2048 to 8192 bits and ES256 (RFC 7518).
#pragma once

#include <openssl/evp.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace sekisho::oidc {

inline constexpr size_t kMaxKeySetBytes = size_t{256} * 1024;
inline constexpr size_t kMaxKeys = 64;

enum class Algorithm { kRs256, kEs256 };
const char* Name(Algorithm algorithm);  // "RS256", "ES256"

struct Key {
  std::string id;  // kid; may be empty
  Algorithm algorithm;
  std::shared_ptr<EVP_PKEY> key;
};
struct KeySet {
  std::vector<Key> keys;
};

// Keys of other kinds and for other uses are passed over. kInvalidArgument: no
// set of keys; kFailedPrecondition: one without a key that fits.
Result<KeySet> ParseKeySet(std::string_view text);

// `signature` as RFC 7515 has it: for ES256 64 bytes, R and S.
bool Verify(const Key& key, std::string_view signed_text,
            std::string_view signature);

}  // namespace sekisho::oidc
