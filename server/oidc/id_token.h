// Whether an ID token (OpenID Connect Core 3.1.3.7, RFC 7519, RFC 8725) is what
// it says it is. Pure: keys and time are arguments.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "common/clock.h"
#include "common/result.h"
#include "server/oidc/key_set.h"

namespace sekisho::oidc {

inline constexpr size_t kMaxTokenBytes = size_t{32} * 1024;
inline constexpr size_t kMaxSubjectBytes = 255;  // Core, 2
inline constexpr auto kClockSkew = std::chrono::minutes(1);
// It comes straight from the provider: an old one is not ours.
inline constexpr auto kMaxTokenAge = std::chrono::minutes(10);

struct Expected {
  std::string issuer;
  std::string client_id;
  std::string nonce;
  // Of the same answer, for at_hash; empty = there was none.
  std::string access_token;
};

struct IdToken {
  std::string subject;
  nlohmann::json claims;
};

// kNotFound: signed by a key that is not in `keys`, which may be new.
// kUnauthenticated for everything else; the message says what was wrong and is
// for the log, not for who brought it.
Result<IdToken> VerifyIdToken(std::string_view token, const KeySet& keys,
                              const Expected& expected, WallTime now);

}  // namespace sekisho::oidc
