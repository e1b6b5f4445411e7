// One-time codes of an authenticator app (RFC 6238) with what every app takes:
// SHA-1, six digits, a new one every 30 s. Pure: the time is an argument.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/clock.h"

namespace sekisho::auth {

inline constexpr size_t kTotpSecretBytes = 20;  // RFC 4226, R6
inline constexpr int kTotpDigits = 6;
inline constexpr size_t kRecoveryCodes = 10;

// RFC 4226; at most 9 digits.
std::string HotpCode(std::span<const std::byte> secret, uint64_t counter,
                     int digits);
// Number of the 30 s since 1970.
int64_t TotpStep(WallTime now);
// The step whose code this is: now's, the one before or the one after, since
// clocks differ. The caller sees to it that a step is used once.
std::optional<int64_t> MatchTotp(std::span<const std::byte> secret,
                                 std::string_view code, WallTime now);

std::string NewTotpSecret();                   // raw bytes
std::string ToBase32(std::string_view bytes);  // RFC 4648 without padding
// What an app reads from a QR code.
std::string OtpauthUri(std::string_view user, std::string_view secret);

// "abcd-efgh-ijkl-mnop": 80 bits, used once in the place of a code.
std::string NewRecoveryCode();
// As it was typed to what is hashed: small letters, no spaces, no dashes.
std::string PlainRecoveryCode(std::string_view typed);

}  // namespace sekisho::auth
