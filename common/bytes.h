// Bytes: views, hex, little-endian numbers, random bytes, UUIDv7.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"

namespace sekisho {

using ByteSpan = std::span<const std::byte>;
using Bytes = std::vector<std::byte>;

inline ByteSpan AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::string_view AsText(ByteSpan bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string ToHex(ByteSpan bytes);
Result<Bytes> FromHex(std::string_view hex);  // either case, even length

inline void PutU16(std::byte* out, uint16_t v) {
  for (int i = 0; i < 2; ++i) out[i] = static_cast<std::byte>(v >> (8 * i));
}
inline void PutU32(std::byte* out, uint32_t v) {
  for (int i = 0; i < 4; ++i) out[i] = static_cast<std::byte>(v >> (8 * i));
}
inline void PutU64(std::byte* out, uint64_t v) {
  for (int i = 0; i < 8; ++i) out[i] = static_cast<std::byte>(v >> (8 * i));
}
inline uint16_t GetU16(const std::byte* in) {
  return static_cast<uint16_t>(std::to_integer<unsigned>(in[0]) |
                               std::to_integer<unsigned>(in[1]) << 8);
}
inline uint32_t GetU32(const std::byte* in) {
  uint32_t v = 0;
  for (int i = 3; i >= 0; --i) v = v << 8 | std::to_integer<uint32_t>(in[i]);
  return v;
}
inline uint64_t GetU64(const std::byte* in) {
  uint64_t v = 0;
  for (int i = 7; i >= 0; --i) v = v << 8 | std::to_integer<uint64_t>(in[i]);
  return v;
}

// CRC-32C (Castagnoli), as in RFC 3720; `seed` is the crc of what came before.
uint32_t Crc32c(ByteSpan bytes, uint32_t seed = 0);

// From getrandom(2). Aborts if the kernel has none to give: no caller can go on
// safely without.
void FillRandom(std::span<std::byte> out);

// RFC 9562 UUID version 7: 48 bits of milliseconds, then random.
std::array<std::byte, 16> NewUuid7(WallTime now);
// "0192f0c1-...": 36 characters from 16 bytes; any other size gives hex.
std::string FormatUuid(ByteSpan uuid);

}  // namespace sekisho
