// The hashes of people.h. Ours, because they are called ten times a record and
// must be inlined, or computed several at once.
#include <sodium.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "detect/people.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sekisho::detect {
namespace {

using Subkey = std::array<uint64_t, 2>;

constexpr uint64_t kSip0 = 0x736f6d6570736575;
constexpr uint64_t kSip1 = 0x646f72616e646f6d;
constexpr uint64_t kSip2 = 0x6c7967656e657261;
constexpr uint64_t kSip3 = 0x7465646279746573;
constexpr uint64_t kLength = uint64_t{16} << 56;  // of the message
// Two rounds for each of three words, four at the end.
constexpr int kRounds = 10;
constexpr size_t kNhBytes = 112;  // 14 keys

// SipHash-2-4 (Aumasson and Bernstein, 2012) of the 16 bytes a, b.
uint64_t SipHash(const Subkey& key, uint64_t a, uint64_t b) {
  uint64_t v0 = key[0] ^ kSip0;
  uint64_t v1 = key[1] ^ kSip1;
  uint64_t v2 = key[0] ^ kSip2;
  uint64_t v3 = key[1] ^ kSip3;
  const std::array<uint64_t, 3> words = {a, b, kLength};
  for (size_t round = 0; round < kRounds; ++round) {
    if (round < 6 && round % 2 == 0) {
      v3 ^= words[round / 2];
    } else if (round == 6) {
      v2 ^= 0xff;
    }
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
    if (round < 6 && round % 2 == 1) {
      v0 ^= words[round / 2];
    }
  }
  return v0 ^ v1 ^ v2 ^ v3;
}

#if defined(__x86_64__)
// As many at once as a `Word` has lanes; a, b and out hold a multiple of them.
// Inlined into functions that say what the processor has.
template <typename Word>
[[gnu::always_inline]] inline void SipHashLanes(const Subkey& key,
                                                std::span<const uint64_t> a,
                                                std::span<const uint64_t> b,
                                                std::span<uint64_t> out) {
  constexpr size_t kLanes = sizeof(Word) / sizeof(uint64_t);
  for (size_t i = 0; i + kLanes <= out.size(); i += kLanes) {
    Word words[3];
    std::memcpy(&words[0], &a[i], sizeof words[0]);
    std::memcpy(&words[1], &b[i], sizeof words[1]);
    words[2] = Word{} + kLength;
    Word v0 = Word{} + (key[0] ^ kSip0);
    Word v1 = Word{} + (key[1] ^ kSip1);
    Word v2 = Word{} + (key[0] ^ kSip2);
    Word v3 = Word{} + (key[1] ^ kSip3);
#if !defined(__clang__)
#pragma GCC unroll 10
#endif
    for (size_t round = 0; round < kRounds; ++round) {
      if (round < 6 && round % 2 == 0) {
        v3 ^= words[round / 2];
      } else if (round == 6) {
        v2 ^= 0xff;
      }
      v0 += v1;
      v1 = ((v1 << 13) | (v1 >> 51)) ^ v0;
      v0 = (v0 << 32) | (v0 >> 32);
      v2 += v3;
      v3 = ((v3 << 16) | (v3 >> 48)) ^ v2;
      v0 += v3;
      v3 = ((v3 << 21) | (v3 >> 43)) ^ v0;
      v2 += v1;
      v1 = ((v1 << 17) | (v1 >> 47)) ^ v2;
      v2 = (v2 << 32) | (v2 >> 32);
      if (round < 6 && round % 2 == 1) {
        v0 ^= words[round / 2];
      }
    }
    const Word all = v0 ^ v1 ^ v2 ^ v3;
    std::memcpy(&out[i], &all, sizeof all);
  }
}

using Four = uint64_t __attribute__((vector_size(32)));
using Eight = uint64_t __attribute__((vector_size(64)));

__attribute__((target("avx2"))) void SipHashesAvx2(const Subkey& key,
                                                   std::span<const uint64_t> a,
                                                   std::span<const uint64_t> b,
                                                   std::span<uint64_t> out) {
  SipHashLanes<Four>(key, a, b, out);
}

// Has rotations of its own.
__attribute__((target("avx512f"))) void SipHashesAvx512(
    const Subkey& key, std::span<const uint64_t> a, std::span<const uint64_t> b,
    std::span<uint64_t> out) {
  SipHashLanes<Eight>(key, a, b, out);
}

// How many of the first it hashed.
size_t SipHashes(const Subkey& key, std::span<const uint64_t> a,
                 std::span<const uint64_t> b, std::span<uint64_t> out) {
  size_t done = 0;
  if (__builtin_cpu_supports("avx512f")) {
    done = out.size() / 8 * 8;
    SipHashesAvx512(key, a.first(done), b.first(done), out.first(done));
  } else if (__builtin_cpu_supports("avx2")) {
    done = out.size() / 4 * 4;
    SipHashesAvx2(key, a.first(done), b.first(done), out.first(done));
  }
  return done;
}
#endif

uint64_t Load(const char* p) {
  uint64_t word;
  std::memcpy(&word, p, sizeof word);
  return word;
}

__extension__ typedef unsigned __int128 Wide;  // no ISO type

// NH of UMAC (Black, Halevi, Krawczyk, Krovetz, Rogaway, 1999), whose 128 bits
// are folded: two different values meet with a chance of about 2^-64 for
// whoever does not know the keys. The last words of a value overlap where its
// size is no multiple of 16; its size is part of the sum. `value` has at most
// kNhBytes.
uint64_t Nh(const std::array<uint64_t, 16>& k, std::string_view value) {
  const char* p = value.data();
  const size_t size = value.size();
  const uint64_t length = size * k[15];
  Wide sum = length;
  if (size >= 16) {
    for (size_t at = 0, i = 0; at + 16 < size; at += 16, i += 2) {
      sum += static_cast<Wide>(Load(p + at) + k[i]) *
             (Load(p + at + 8) + k[i + 1]);
    }
    sum += static_cast<Wide>(Load(p + size - 16) + k[12] + length) *
           (Load(p + size - 8) + k[13]);
  } else {
    uint64_t first = 0;
    uint64_t last = 0;
    if (size >= 8) {
      first = Load(p);
      last = Load(p + size - 8);
    } else if (size >= 4) {
      uint32_t low;
      uint32_t high;
      std::memcpy(&low, p, 4);
      std::memcpy(&high, p + size - 4, 4);
      first = low;
      last = high;
    } else if (size > 0) {
      const auto byte = [&](size_t i) {
        return uint64_t{static_cast<unsigned char>(p[i])};
      };
      first = byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16;
    }
    sum += static_cast<Wide>(first + k[0] + length) * (last + k[1]);
  }
  return static_cast<uint64_t>(sum) ^
         std::rotl(static_cast<uint64_t>(sum >> 64), 32);
}

}  // namespace

IdentityHasher::IdentityHasher(const SketchKey& key) {
  // One subkey per use: equal values of two kinds share no bits.
  const auto derive = [&](size_t use) {
    const std::string_view label = "sekisho people v2";
    std::array<unsigned char, 32> input{};
    std::copy(label.begin(), label.end(), input.begin());
    input[31] = static_cast<unsigned char>(use);
    std::array<unsigned char, 16> derived{};
    crypto_generichash(
        derived.data(), derived.size(), input.data(), input.size(),
        reinterpret_cast<const unsigned char*>(key.data()), key.size());
    const auto bytes = std::as_bytes(std::span(derived));
    return Subkey{GetU64(&bytes[0]), GetU64(&bytes[8])};
  };
  for (size_t i = 0; i < subkeys_.size(); ++i) {
    subkeys_[i] = derive(i);
  }
  for (size_t i = 0; i < value_keys_.size(); i += 2) {
    const Subkey pair = derive(128 + i);
    value_keys_[i] = pair[0] | 1;
    value_keys_[i + 1] = pair[1] | 1;
  }
}

// What is longer than the keys is chained by SipHash.
uint64_t IdentityHasher::Value(std::string_view value) const {
  if (value.size() <= kNhBytes) {
    return std::max<uint64_t>(Nh(value_keys_, value), 1);
  }
  const Subkey chain = {value_keys_[14], value_keys_[15]};
  uint64_t state = value.size();
  for (; !value.empty();
       value.remove_prefix(std::min(kNhBytes, value.size()))) {
    state = SipHash(chain, state, Nh(value_keys_, value.substr(0, kNhBytes)));
  }
  return std::max<uint64_t>(state, 1);
}

uint64_t IdentityHasher::Identity(IdentityKind kind, uint64_t a,
                                  uint64_t b) const {
  return std::max<uint64_t>(SipHash(subkeys_[static_cast<size_t>(kind)], a, b),
                            1);
}

void IdentityHasher::Identities(IdentityKind kind, std::span<const uint64_t> a,
                                std::span<const uint64_t> b,
                                std::span<uint64_t> out) const {
  const Subkey& key = subkeys_[static_cast<size_t>(kind)];
  size_t done = 0;
#if defined(__x86_64__)
  done = SipHashes(key, a, b, out);
#endif
  for (; done < out.size(); ++done) {
    out[done] = SipHash(key, a[done], b[done]);
  }
  for (uint64_t& hash : out) {
    hash = std::max<uint64_t>(hash, 1);
  }
}

}  // namespace sekisho::detect
