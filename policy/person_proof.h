// What proves at a terminal who somebody is: a PIN, of which only a verifier is
// kept (argon2id), or the code of an authenticator app (TOTP, RFC 6238: SHA-1,
// six digits, 30 s). For the terminal, which has no OpenSSL. Pure: the time is
// an argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"

namespace sekisho::policy {

inline constexpr size_t kPinDigits = 8;
inline constexpr size_t kTotpCodeDigits = 6;
inline constexpr size_t kTotpBytes = 20;

// kPinDigits random digits.
std::string NewPin();
bool IsPin(std::string_view text);
bool IsTotpCode(std::string_view text);

// 64 MiB and two passes, some tenths of a second: not on a loop's thread.
// kResourceExhausted: no memory for it.
Result<std::string> PinVerifierOf(const std::string& pin);
// Of exactly that cost: a verifier cannot ask for more memory.
bool IsPinVerifier(std::string_view text);
bool IsPinOf(const std::string& verifier, const std::string& pin);

// The step (number of the 30 s since 1970) whose code this is: that of `now`,
// the one before or the one after. The caller sees to it that a step counts
// once.
std::optional<int64_t> TotpStepOf(std::string_view secret,
                                  std::string_view code, int64_t now_seconds);
std::string TotpCodeAt(std::string_view secret, int64_t step);

}  // namespace sekisho::policy
