#include "policy/samples_key.h"

#include <sodium.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "common/bytes.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kPrefix = "sekisho-p256:";
constexpr size_t kCheckBytes = 4;
constexpr std::byte kUncompressed{4};

using WithCheck = std::array<std::byte, SamplesPoint{}.size() + kCheckBytes>;

unsigned char* Raw(std::span<std::byte> bytes) {
  return reinterpret_cast<unsigned char*>(bytes.data());
}

WithCheck AddCheck(SamplesPoint point) {
  std::array<std::byte, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(Raw(hash), Raw(point), point.size());
  WithCheck all{};
  std::ranges::copy(point, all.begin());
  std::ranges::copy_n(hash.begin(), kCheckBytes,
                      all.begin() + static_cast<std::ptrdiff_t>(point.size()));
  return all;
}

}  // namespace

std::string PrintSamplesKey(const SamplesPoint& point) {
  WithCheck all = AddCheck(point);
  std::string text(
      sodium_base64_encoded_len(all.size(), sodium_base64_VARIANT_ORIGINAL),
      '\0');
  sodium_bin2base64(text.data(), text.size(), Raw(all), all.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // the NUL
  return std::string(kPrefix) + text;
}

std::optional<SamplesPoint> ParseSamplesKey(std::string_view text) {
  if (!text.starts_with(kPrefix)) return std::nullopt;
  text.remove_prefix(kPrefix.size());
  WithCheck all{};
  size_t size = 0;
  if (sodium_base642bin(Raw(all), all.size(), text.data(), text.size(), nullptr,
                        &size, nullptr, sodium_base64_VARIANT_ORIGINAL) != 0 ||
      size != all.size() || all[0] != kUncompressed) {
    return std::nullopt;
  }
  SamplesPoint point{};
  std::copy_n(all.begin(), point.size(), point.begin());
  return AddCheck(point) == all ? std::optional(point) : std::nullopt;
}

}  // namespace sekisho::policy
