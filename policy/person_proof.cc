#include "policy/person_proof.h"

#include <sodium.h>

#include <algorithm>
#include <array>
#include <bit>

#include "common/bytes.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kVerifierStart = "$argon2id$v=19$m=65536,t=2,p=1$";
constexpr int64_t kStepSeconds = 30;
constexpr size_t kBlockBytes = 64;
constexpr size_t kSha1Bytes = 20;
using Sha1Hash = std::array<uint8_t, kSha1Bytes>;

// FIPS 180-4. Good for HMAC; for nothing else here.
void Mix(const uint8_t* block, std::array<uint32_t, 5>* state) {
  std::array<uint32_t, 80> w{};
  for (size_t i = 0; i < 16; ++i) {
    for (size_t k = 0; k < 4; ++k) w[i] = w[i] << 8U | block[4 * i + k];
  }
  for (size_t i = 16; i < w.size(); ++i) {
    w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
  }
  auto [a, b, c, d, e] = *state;
  for (size_t i = 0; i < w.size(); ++i) {
    uint32_t f = 0;
    uint32_t k = 0;
    if (i < 20) {
      f = (b & c) | (~b & d);
      k = 0x5a827999U;
    } else if (i < 40) {
      f = b ^ c ^ d;
      k = 0x6ed9eba1U;
    } else if (i < 60) {
      f = (b & c) | (b & d) | (c & d);
      k = 0x8f1bbcdcU;
    } else {
      f = b ^ c ^ d;
      k = 0xca62c1d6U;
    }
    const uint32_t next = std::rotl(a, 5) + f + e + k + w[i];
    e = d;
    d = c;
    c = std::rotl(b, 30);
    b = a;
    a = next;
  }
  const std::array<uint32_t, 5> added{a, b, c, d, e};
  for (size_t i = 0; i < state->size(); ++i) (*state)[i] += added[i];
}

Sha1Hash Sha1(std::string text) {
  const uint64_t bits = uint64_t{text.size()} * 8;
  text += '\x80';
  while (text.size() % kBlockBytes != kBlockBytes - 8) text += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) {
    text += static_cast<char>(bits >> shift & 0xffU);
  }
  std::array<uint32_t, 5> state{0x67452301U, 0xefcdab89U, 0x98badcfeU,
                                0x10325476U, 0xc3d2e1f0U};
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t at = 0; at < text.size(); at += kBlockBytes) {
    Mix(bytes + at, &state);
  }
  Sha1Hash hash{};
  for (size_t i = 0; i < hash.size(); ++i) {
    hash[i] = static_cast<uint8_t>(state[i / 4] >> (24 - 8 * (i % 4)) & 0xffU);
  }
  return hash;
}

// RFC 2104; the secret is shorter than a block.
Sha1Hash HmacSha1(std::string_view secret, std::string_view message) {
  std::string inner(kBlockBytes, '\x36');
  std::string outer(kBlockBytes, '\x5c');
  for (size_t i = 0; i < std::min(secret.size(), kBlockBytes); ++i) {
    inner[i] = static_cast<char>(inner[i] ^ secret[i]);
    outer[i] = static_cast<char>(outer[i] ^ secret[i]);
  }
  const Sha1Hash first = Sha1(inner + std::string(message));
  return Sha1(outer + std::string(first.begin(), first.end()));
}

bool AreDigits(std::string_view text, size_t count) {
  return text.size() == count &&
         std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string NewPin() {
  std::string pin;
  for (size_t i = 0; i < kPinDigits; ++i) {
    pin += static_cast<char>('0' + randombytes_uniform(10));
  }
  return pin;
}

bool IsPin(std::string_view text) { return AreDigits(text, kPinDigits); }

bool IsTotpCode(std::string_view text) {
  return AreDigits(text, kTotpCodeDigits);
}

Result<std::string> PinVerifierOf(const std::string& pin) {
  std::array<char, crypto_pwhash_STRBYTES> verifier{};
  if (crypto_pwhash_str_alg(verifier.data(), pin.data(), pin.size(),
                            crypto_pwhash_OPSLIMIT_INTERACTIVE,
                            crypto_pwhash_MEMLIMIT_INTERACTIVE,
                            crypto_pwhash_ALG_ARGON2ID13) != 0) {
    return Fail(Code::kResourceExhausted, "no memory to hash a PIN");
  }
  return std::string(verifier.data());
}

bool IsPinVerifier(std::string_view text) {
  return text.starts_with(kVerifierStart) &&
         text.size() < crypto_pwhash_STRBYTES &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool IsPinOf(const std::string& verifier, const std::string& pin) {
  return IsPinVerifier(verifier) &&
         crypto_pwhash_str_verify(verifier.c_str(), pin.data(), pin.size()) ==
             0;
}

std::string TotpCodeAt(std::string_view secret, int64_t step) {
  std::string message;
  for (int shift = 56; shift >= 0; shift -= 8) {
    message += static_cast<char>(static_cast<uint64_t>(step) >> shift & 0xffU);
  }
  const Sha1Hash mac = HmacSha1(secret, message);
  // Dynamic truncation, RFC 4226, 5.3.
  const size_t at = mac.back() & 0x0fU;
  uint32_t number = mac[at] & 0x7fU;
  for (size_t i = 1; i < 4; ++i) number = number << 8U | mac[at + i];
  std::string code(kTotpCodeDigits, '0');
  for (auto digit = code.rbegin(); digit != code.rend(); ++digit) {
    *digit = static_cast<char>('0' + number % 10);
    number /= 10;
  }
  return code;
}

std::optional<int64_t> TotpStepOf(std::string_view secret,
                                  std::string_view code, int64_t now_seconds) {
  if (secret.size() != kTotpBytes || !IsTotpCode(code)) return std::nullopt;
  std::optional<int64_t> found;
  const int64_t middle = now_seconds / kStepSeconds;
  for (const int64_t step : {middle - 1, middle, middle + 1}) {
    const std::string right = TotpCodeAt(secret, step);
    if (sodium_memcmp(right.data(), code.data(), right.size()) == 0) {
      found = step;
    }
  }
  return found;
}

}  // namespace sekisho::policy
