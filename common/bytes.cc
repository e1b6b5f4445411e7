#include "common/bytes.h"

#include <sys/random.h>

#include <cerrno>

namespace sekisho {
namespace {

constexpr std::array<uint32_t, 256> MakeCrcTable() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 1U) != 0 ? crc >> 1 ^ 0x82f63b78U : crc >> 1;
    }
    table[i] = crc;
  }
  return table;
}
constexpr std::array<uint32_t, 256> kCrcTable = MakeCrcTable();

int HexValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::string ToHex(ByteSpan bytes) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  out.reserve(bytes.size() * 2);
  for (const std::byte b : bytes) {
    const auto value = std::to_integer<unsigned>(b);
    out.push_back(kDigits[value >> 4]);
    out.push_back(kDigits[value & 15U]);
  }
  return out;
}

Result<Bytes> FromHex(std::string_view hex) {
  if (hex.size() % 2 != 0) {
    return Fail(Code::kInvalidArgument, "hex text has an odd length");
  }
  Bytes out;
  out.reserve(hex.size() / 2);
  for (size_t i = 0; i < hex.size(); i += 2) {
    const int high = HexValue(hex[i]);
    const int low = HexValue(hex[i + 1]);
    if (high < 0 || low < 0) {
      return Fail(Code::kInvalidArgument,
                  "hex text has a character that is not a hex digit");
    }
    out.push_back(static_cast<std::byte>(high * 16 + low));
  }
  return out;
}

uint32_t Crc32c(ByteSpan bytes, uint32_t seed) {
  uint32_t crc = ~seed;
  for (const std::byte b : bytes) {
    crc = kCrcTable[(crc ^ std::to_integer<uint32_t>(b)) & 0xffU] ^ crc >> 8;
  }
  return ~crc;
}

void FillRandom(std::span<std::byte> out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t n = ::getrandom(out.data() + done, out.size() - done, 0);
    CHECK(n > 0 || errno == EINTR);
    if (n > 0) {
      done += static_cast<size_t>(n);
    }
  }
}

std::array<std::byte, 16> NewUuid7(WallTime now) {
  std::array<std::byte, 16> id{};
  FillRandom(id);
  const auto millis =
      static_cast<uint64_t>(now.time_since_epoch().count() / 1000);
  for (size_t i = 0; i < 6; ++i) {
    id[i] = static_cast<std::byte>(millis >> (8 * (5 - i)));
  }
  id[6] = (id[6] & std::byte{0x0f}) | std::byte{0x70};
  id[8] = (id[8] & std::byte{0x3f}) | std::byte{0x80};
  return id;
}

std::string FormatUuid(ByteSpan uuid) {
  std::string hex = ToHex(uuid);
  if (uuid.size() != 16) {
    return hex;
  }
  return hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) +
         "-" + hex.substr(16, 4) + "-" + hex.substr(20);
}

}  // namespace sekisho
