#include "agent/device/descriptors.h"

#include <fmt/format.h>
#include <sodium.h>

#include <algorithm>
#include <array>

namespace sekisho::device {
namespace {

constexpr uint8_t kDeviceType = 1;
constexpr uint8_t kConfigurationType = 2;
constexpr uint8_t kInterfaceType = 4;
constexpr size_t kDeviceSize = 18;
constexpr size_t kConfigurationSize = 9;
constexpr size_t kInterfaceSize = 9;

uint8_t At(ByteSpan bytes, size_t offset) {
  return std::to_integer<uint8_t>(bytes[offset]);
}

std::unexpected<Error> Malformed(size_t offset, std::string_view what) {
  return Fail(Code::kInvalidArgument,
              fmt::format("descriptors, byte {}: {}", offset, what));
}

std::string Sha256Hex(ByteSpan bytes) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(),
                     reinterpret_cast<const unsigned char*>(bytes.data()),
                     bytes.size());
  return ToHex(std::as_bytes(std::span(hash)));
}

class Walk {
 public:
  explicit Walk(ByteSpan bytes) : bytes_(bytes) {}

  Status Configurations(UsbDescriptors& out) {
    while (at_ < bytes_.size()) {
      const size_t start = at_;
      if (bytes_.size() - start < kConfigurationSize ||
          At(bytes_, start) < kConfigurationSize ||
          At(bytes_, start + 1) != kConfigurationType) {
        return Malformed(start, "expected a configuration");
      }
      const size_t total = GetU16(bytes_.data() + start + 2);
      if (total < At(bytes_, start) || total > bytes_.size() - start) {
        return Malformed(start, "wTotalLength does not fit");
      }
      ++out.configurations;
      at_ = start + At(bytes_, start);
      RETURN_IF_ERROR(Content(start + total, out));
    }
    return {};
  }

 private:
  Status Content(size_t end, UsbDescriptors& out) {
    while (at_ < end) {
      if (end - at_ < 2) return Malformed(at_, "one stray byte");
      const size_t length = At(bytes_, at_);
      const uint8_t type = At(bytes_, at_ + 1);
      if (length < 2 || length > end - at_) {
        return Malformed(at_, "bLength does not fit");
      }
      if (type == kConfigurationType || type == kDeviceType) {
        return Malformed(at_, "nested in a configuration");
      }
      if (type == kInterfaceType) {
        if (length < kInterfaceSize) {
          return Malformed(at_, "interface is too short");
        }
        RETURN_IF_ERROR(AddInterface(out));
      }
      at_ += length;
    }
    return {};
  }

  Status AddInterface(UsbDescriptors& out) {
    const policy::UsbInterface interface{.klass = At(bytes_, at_ + 5),
                                         .subclass = At(bytes_, at_ + 6),
                                         .protocol = At(bytes_, at_ + 7)};
    if (++seen_ > kMaxInterfaceDescriptors) {
      return Fail(Code::kResourceExhausted, "too many interfaces");
    }
    if (std::ranges::find(out.interfaces, interface) != out.interfaces.end()) {
      return {};
    }
    if (out.interfaces.size() == kMaxDistinctInterfaces) {
      return Fail(Code::kResourceExhausted, "too many kinds of interfaces");
    }
    out.interfaces.push_back(interface);
    return {};
  }

  ByteSpan bytes_;
  size_t at_ = kDeviceSize;
  size_t seen_ = 0;
};

}  // namespace

Result<UsbDescriptors> ParseDescriptors(ByteSpan bytes) {
  if (bytes.size() > kMaxDescriptorBytes) {
    return Fail(
        Code::kResourceExhausted,
        fmt::format("descriptors of more than {} bytes", kMaxDescriptorBytes));
  }
  if (bytes.size() < kDeviceSize || At(bytes, 0) != kDeviceSize ||
      At(bytes, 1) != kDeviceType) {
    return Malformed(0, "expected a device descriptor");
  }
  UsbDescriptors out;
  out.device_class = At(bytes, 4);
  out.vendor_id = fmt::format("{:04x}", GetU16(bytes.data() + 8));
  out.product_id = fmt::format("{:04x}", GetU16(bytes.data() + 10));
  RETURN_IF_ERROR(Walk(bytes).Configurations(out));
  if (out.interfaces.empty()) {
    return Fail(Code::kInvalidArgument, "descriptors without an interface");
  }
  out.hash = Sha256Hex(bytes);
  return out;
}

}  // namespace sekisho::device
