// Any bytes as policy: refused with at least one problem that has a place, or
// accepted, printed, and read back the same.
#include <cstddef>
#include <cstdint>

#include "policy/evaluator.h"
#include "policy/lint.h"
#include "policy/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::policy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto policy = ParsePolicyDetailed(text, "fuzz.yaml");
  if (!policy) {
    CHECK(!policy.error().empty());
    for (const Problem& problem : policy.error()) {
      CHECK(problem.line >= 1 && problem.column >= 1);
      CHECK(!Format(problem).empty());
    }
    return 0;
  }
  const std::string printed = PrintPolicy(*policy);
  const auto again = ParsePolicy(printed, "printed.yaml");
  CHECK(again);
  CHECK(PrintPolicy(*again) == printed);
  Lint(*policy, "fuzz.yaml");

  DeviceFacts device;
  device.vendor_id = "0951";
  device.product_id = "1666";
  device.serial = text.substr(0, 64);
  device.interfaces = {{0x08, 0x06, 0x50}};
  const auto snapshot = Snapshot::Make(*policy, {}, 1);
  CHECK(!snapshot->DecideDevice(device, {}, {}, {}).rule.empty());
  CHECK(!snapshot->DecideContent({}).rule.empty());
  return 0;
}
