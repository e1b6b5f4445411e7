// "vid:pid:serial", the name people use for a device. The serial comes from the
// device and is escaped; the raw one stays in the device's facts.
#pragma once

#include <string>

#include "common/result.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::core {

inline constexpr size_t kMaxDeviceIdBytes = 1100;

// Empty if nothing identifies it.
std::string DeviceIdOf(const event::v1::Device& device);
// For a device that was never seen. kInvalidArgument for a serial with escapes:
// such a device must be seen first.
Result<event::v1::Device> DeviceFromId(const std::string& device_id);
// A serial that names no single device: empty, all one character, or one of the
// defaults makers leave in.
bool IsWeakSerial(std::string_view serial);

}  // namespace sekisho::core
