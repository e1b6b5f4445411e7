// Random secrets that are shown once and kept only as their hash: enrolment
// tokens, session cookies, one-time codes. They are random enough (at least 160
// bits) that a plain SHA-256 of them cannot be searched.
#pragma once

#include <string>
#include <string_view>

#include "server/store/store.h"

namespace sekisho::auth {

// 32 characters of [a-z2-7], easy to read out: 160 bits.
std::string NewSecret();
store::SecretHash HashSecret(std::string_view secret);

// argon2id, as libsodium's interactive limits have it (64 MiB, 2 passes).
// Several at once would take that much each: callers take turns.
Result<std::string> HashPassword(const std::string& password);
bool VerifyPassword(const std::string& hash, const std::string& password);

}  // namespace sekisho::auth
