// Any bytes as rules or devices of another product: refused with a message, or
// a policy of ours that prints and reads back the same.
#include <cstddef>
#include <cstdint>

#include "policy/evaluator.h"
#include "policy/import.h"

namespace sekisho::policy {
namespace {

void CheckPolicy(const Result<Imported>& imported) {
  if (!imported) {
    CHECK(!imported.error().message.empty());
    return;
  }
  const std::string printed = PrintPolicy(imported->policy);
  if (printed.size() > kMaxPolicyBytes) return;
  const auto again = ParsePolicy(printed, "printed.yaml");
  CHECK(again);
  CHECK(PrintPolicy(*again) == printed);
  DeviceFacts device;
  device.interfaces = {{0x08, 0x06, 0x50}};
  const auto snapshot = Snapshot::Make(*again, {}, 1);
  CHECK(!snapshot->DecideDevice(device, {}, {}, {}).rule.empty());
  CHECK(ImportUsbguard(ExportUsbguard(*again, {}, "p").text, "e", {}));
}

}  // namespace
}  // namespace sekisho::policy

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::policy;
  const std::string text(reinterpret_cast<const char*>(data), size);
  UsbguardOptions options;
  options.zone = "Asia/Tokyo";
  options.without_hashes = size % 2 == 0;
  CheckPolicy(ImportUsbguard(text, "rules.conf", options));
  CheckPolicy(ImportDefender({{"dc.xml", text}}, Access::kInspect));
  const auto list =
      ImportDeviceCsv(text, "list.csv", "approvals", Access::kInspect);
  if (list) CHECK(ParseDeviceList(PrintDeviceList(list->rows), "printed.csv"));
  return 0;
}
