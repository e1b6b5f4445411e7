#include "server/core/device_id.h"

#include <algorithm>
#include <array>

#include "common/text.h"

namespace sekisho::core {
namespace {

bool IsHex4(std::string_view text) {
  return text.size() == 4 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

std::string DeviceIdOf(const event::v1::Device& device) {
  if (device.vendor_id().empty() && device.product_id().empty() &&
      device.serial().empty()) {
    return {};
  }
  return EscapeUntrusted(device.vendor_id(), 16) + ":" +
         EscapeUntrusted(device.product_id(), 16) + ":" +
         EscapeUntrusted(device.serial(), 1024);
}

Result<event::v1::Device> DeviceFromId(const std::string& device_id) {
  const size_t first = device_id.find(':');
  const size_t second =
      first == std::string::npos ? first : device_id.find(':', first + 1);
  if (second == std::string::npos || device_id.size() > kMaxDeviceIdBytes) {
    return Fail(Code::kInvalidArgument,
                "a device is named vid:pid:serial, as `device list` shows it");
  }
  event::v1::Device device;
  device.set_vendor_id(device_id.substr(0, first));
  device.set_product_id(device_id.substr(first + 1, second - first - 1));
  device.set_serial(device_id.substr(second + 1));
  const bool serial_only =
      device.vendor_id().empty() && device.product_id().empty();
  if (!serial_only &&
      (!IsHex4(device.vendor_id()) || !IsHex4(device.product_id()))) {
    return Fail(Code::kInvalidArgument,
                "vid and pid are four lower-case hex digits each");
  }
  if (device.serial().find('\\') != std::string::npos) {
    return Fail(Code::kInvalidArgument,
                "a serial with escapes can be approved only after the device "
                "was seen");
  }
  return device;
}

bool IsWeakSerial(std::string_view serial) {
  static constexpr std::array<std::string_view, 6> kDefaults = {
      "0123456789ABCDEF", "0123456789abcdef", "123456789ABCDEF",
      "1234567890",       "0123456789",       "123456789"};
  return serial.empty() ||
         std::ranges::all_of(serial,
                             [&](char c) { return c == serial.front(); }) ||
         std::ranges::find(kDefaults, serial) != kDefaults.end();
}

}  // namespace sekisho::core
