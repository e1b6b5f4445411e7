// Bytes: views, hex, little-endian numbers, random bytes, UUIDv7.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
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

// Little endian, whatever the machine is; one instruction where it is that too.
template <typename Unsigned>
Unsigned FromLittle(Unsigned v) {
  static_assert(std::endian::native == std::endian::little ||
                std::endian::native == std::endian::big);
  if constexpr (std::endian::native == std::endian::big) {
    auto bytes = std::bit_cast<std::array<std::byte, sizeof v>>(v);
    std::reverse(bytes.begin(), bytes.end());
    v = std::bit_cast<Unsigned>(bytes);
  }
  return v;
}
template <typename Unsigned>
void PutLittle(std::byte* out, Unsigned v) {
  v = FromLittle(v);
  std::memcpy(out, &v, sizeof v);
}
template <typename Unsigned>
Unsigned GetLittle(const std::byte* in) {
  Unsigned v = 0;
  std::memcpy(&v, in, sizeof v);
  return FromLittle(v);
}
inline void PutU16(std::byte* out, uint16_t v) { PutLittle(out, v); }
inline void PutU32(std::byte* out, uint32_t v) { PutLittle(out, v); }
inline void PutU64(std::byte* out, uint64_t v) { PutLittle(out, v); }
inline uint16_t GetU16(const std::byte* in) { return GetLittle<uint16_t>(in); }
inline uint32_t GetU32(const std::byte* in) { return GetLittle<uint32_t>(in); }
inline uint64_t GetU64(const std::byte* in) { return GetLittle<uint64_t>(in); }

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
