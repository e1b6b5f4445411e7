#include "server/oidc/attempt.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include <array>
#include <charconv>

#include "server/oidc/strict_json.h"

namespace sekisho::oidc {
namespace {

constexpr size_t kSecretBytes = 32;
constexpr size_t kSecretTextBytes = 43;
constexpr size_t kMaxCookieBytes = 64;

}  // namespace

Attempt Attempt::New(WallTime now) {
  std::array<std::byte, kSecretBytes> secret{};
  FillRandom(secret);
  const auto seconds =
      std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return Attempt(std::to_string(seconds.count()) + "." + ToBase64Url(secret),
                 WallTime(seconds));
}

std::optional<Attempt> Attempt::FromCookie(std::string_view cookie) {
  const size_t dot = cookie.find('.');
  if (cookie.size() > kMaxCookieBytes || dot == std::string_view::npos ||
      cookie.size() - dot - 1 != kSecretTextBytes ||
      !FromBase64Url(cookie.substr(dot + 1))) {
    return std::nullopt;
  }
  int64_t seconds = 0;
  const auto [end, error] =
      std::from_chars(cookie.data(), cookie.data() + dot, seconds);
  constexpr int64_t kYear9999 = 253'402'300'799;
  if (error != std::errc() || end != cookie.data() + dot || seconds < 0 ||
      seconds > kYear9999) {
    return std::nullopt;
  }
  return Attempt(std::string(cookie), WallTime(std::chrono::seconds(seconds)));
}

// The time is in the key: another one is another attempt.
std::string Attempt::Derived(std::string_view purpose) const {
  std::array<std::byte, SHA256_DIGEST_LENGTH> mac{};
  unsigned size = mac.size();
  CHECK(HMAC(EVP_sha256(), cookie_.data(), static_cast<int>(cookie_.size()),
             reinterpret_cast<const unsigned char*>(purpose.data()),
             purpose.size(), reinterpret_cast<unsigned char*>(mac.data()),
             &size) != nullptr);
  return ToBase64Url(mac);
}

std::string Attempt::State() const { return Derived("sekisho oidc state"); }
std::string Attempt::Nonce() const { return Derived("sekisho oidc nonce"); }
std::string Attempt::Verifier() const {
  return Derived("sekisho oidc verifier");
}

std::string Attempt::Challenge() const {
  const std::string verifier = Verifier();
  std::array<std::byte, SHA256_DIGEST_LENGTH> hash{};
  SHA256(reinterpret_cast<const unsigned char*>(verifier.data()),
         verifier.size(), reinterpret_cast<unsigned char*>(hash.data()));
  return ToBase64Url(hash);
}

bool Attempt::IsOver(WallTime now) const {
  return now >= began_ + kAttemptLife || now + std::chrono::minutes(1) < began_;
}

}  // namespace sekisho::oidc
