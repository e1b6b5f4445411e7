#include "server/auth/secrets.h"

#include <sodium.h>

#include <array>

namespace sekisho::auth {

std::string NewSecret() {
  static constexpr std::string_view kAlphabet =
      "abcdefghijklmnopqrstuvwxyz234567";
  std::array<std::byte, 32> random;
  FillRandom(random);
  std::string secret;
  for (const std::byte byte : random) {
    secret += kAlphabet[std::to_integer<size_t>(byte) & 31];
  }
  return secret;
}

store::SecretHash HashSecret(std::string_view secret) {
  return event::Sha256(AsBytes(secret));
}

Result<std::string> HashPassword(const std::string& password) {
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (crypto_pwhash_str_alg(hash.data(), password.data(), password.size(),
                            crypto_pwhash_OPSLIMIT_INTERACTIVE,
                            crypto_pwhash_MEMLIMIT_INTERACTIVE,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Fail(Code::kResourceExhausted, "no memory to hash a password");
  }
  return std::string(hash.data());
}

bool VerifyPassword(const std::string& hash, const std::string& password) {
  return !hash.empty() &&
         crypto_pwhash_str_verify(hash.c_str(), password.data(),
                                  password.size()) == 0;
}

}  // namespace sekisho::auth
