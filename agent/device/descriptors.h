// Reads the binary `descriptors` of a USB device as the kernel keeps them: one
// device descriptor, then each configuration with all that belongs to it. The
// bytes were chosen by the device: a length that lies is an error, and the
// caller leaves such a device blocked and reports it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"
#include "policy/model.h"

namespace sekisho::device {

inline constexpr size_t kMaxDescriptorBytes = size_t{64} * 1024;
// Interface descriptors, alternate settings counted; USB allows more only to
// devices that want to exhaust a parser.
inline constexpr size_t kMaxInterfaceDescriptors = 512;
// Different (class, subclass, protocol) triples; an event carries that many.
inline constexpr size_t kMaxDistinctInterfaces = 64;

struct UsbDescriptors {
  std::string vendor_id;   // 4 lower-case hex digits
  std::string product_id;  // 4 lower-case hex digits
  uint8_t device_class = 0;
  int configurations = 0;
  // Each triple once, in order of appearance, over all configurations and
  // alternate settings: whatever the device could turn into counts.
  std::vector<policy::UsbInterface> interfaces;
  std::string hash;  // hex SHA-256 of the bytes
};

// kInvalidArgument: malformed, no interface at all; kResourceExhausted: over
// one of the caps. The message says at which byte.
Result<UsbDescriptors> ParseDescriptors(ByteSpan bytes);

}  // namespace sekisho::device
