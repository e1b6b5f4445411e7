#include "server/auth/totp.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sodium.h>

#include <array>

#include "common/bytes.h"
#include "common/result.h"
#include "server/auth/secrets.h"

namespace sekisho::auth {
namespace {

constexpr int64_t kStepSeconds = 30;
constexpr size_t kGroup = 4;
constexpr size_t kRecoveryLetters = 16;

}  // namespace

std::string HotpCode(std::span<const std::byte> secret, uint64_t counter,
                     int digits) {
  std::array<unsigned char, 8> message{};
  for (size_t i = 0; i < message.size(); ++i) {
    message[i] = static_cast<unsigned char>(counter >> (56 - 8 * i));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> mac{};
  unsigned int size = 0;
  CHECK(HMAC(EVP_sha1(), secret.data(), static_cast<int>(secret.size()),
             message.data(), message.size(), mac.data(), &size) != nullptr);
  // Dynamic truncation, RFC 4226, 5.3.
  const size_t at = mac[size - 1] & 0x0fU;
  uint32_t number = (mac[at] & 0x7fU);
  for (size_t i = 1; i < 4; ++i) number = number << 8 | mac[at + i];
  std::string code(static_cast<size_t>(digits), '0');
  for (auto it = code.rbegin(); it != code.rend(); ++it) {
    *it = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return code;
}

int64_t TotpStep(WallTime now) {
  return std::chrono::floor<std::chrono::seconds>(now)
             .time_since_epoch()
             .count() /
         kStepSeconds;
}

std::optional<int64_t> MatchTotp(std::span<const std::byte> secret,
                                 std::string_view code, WallTime now) {
  if (code.size() != kTotpDigits) return std::nullopt;
  std::optional<int64_t> found;
  const int64_t middle = TotpStep(now);
  for (const int64_t step : {middle - 1, middle, middle + 1}) {
    const std::string right =
        HotpCode(secret, static_cast<uint64_t>(step), kTotpDigits);
    if (sodium_memcmp(right.data(), code.data(), right.size()) == 0) {
      found = step;
    }
  }
  return found;
}

std::string NewTotpSecret() {
  std::array<std::byte, kTotpSecretBytes> bytes;
  FillRandom(bytes);
  return std::string(AsText(bytes));
}

std::string ToBase32(std::string_view bytes) {
  static constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
  std::string text;
  uint32_t bits = 0;
  int count = 0;
  for (const char c : bytes) {
    bits = bits << 8 | static_cast<unsigned char>(c);
    count += 8;
    for (; count >= 5; count -= 5) text += kAlphabet[bits >> (count - 5) & 31];
    bits &= (uint32_t{1} << count) - 1;
  }
  if (count > 0) text += kAlphabet[bits << (5 - count) & 31];
  return text;
}

// A user's name has no character that would need an escape but '@', which may
// stand in a label.
std::string OtpauthUri(std::string_view user, std::string_view secret) {
  return "otpauth://totp/Sekisho:" + std::string(user) +
         "?secret=" + ToBase32(secret) + "&issuer=Sekisho";
}

std::string NewRecoveryCode() {
  const std::string secret = NewSecret();
  std::string code;
  for (size_t i = 0; i < kRecoveryLetters; ++i) {
    if (i > 0 && i % kGroup == 0) code += '-';
    code += secret[i];
  }
  return code;
}

std::string PlainRecoveryCode(std::string_view typed) {
  std::string plain;
  for (const char c : typed) {
    if (c == '-' || c == ' ') continue;
    plain += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return plain;
}

}  // namespace sekisho::auth
