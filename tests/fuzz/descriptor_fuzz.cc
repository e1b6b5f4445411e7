// Any bytes as a USB device's descriptors: an answer or an error.
#include <cstddef>
#include <cstdint>

#include "agent/device/descriptors.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  const auto parsed =
      device::ParseDescriptors(std::as_bytes(std::span(data, size)));
  if (parsed) {
    CHECK(!parsed->interfaces.empty());
    CHECK(parsed->interfaces.size() <= device::kMaxDistinctInterfaces);
    CHECK(parsed->hash.size() == 64);
  }
  return 0;
}
