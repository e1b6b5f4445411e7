// Any bytes as device list: refused, or printed and read back the same.
#include <cstddef>
#include <cstdint>

#include "policy/device_index.h"
#include "policy/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::policy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto entries = ParseDeviceList(text, "fuzz.csv");
  if (!entries) {
    CHECK(!entries.error().message.empty());
    return 0;
  }
  const auto again = ParseDeviceList(PrintDeviceList(*entries), "printed.csv");
  CHECK(again);
  CHECK(*again == *entries);

  const DeviceIndex index(*entries);
  for (const DeviceEntry& row : *entries) {
    DeviceFacts device;
    device.vendor_id = row.vendor_id;
    device.product_id = row.product_id;
    device.serial = row.serial;
    device.descriptor_hash = row.descriptor_hash;
    if (row.expires) continue;
    CHECK(index.Find(row.list, device, row.terminal, {}));
  }
  return 0;
}
