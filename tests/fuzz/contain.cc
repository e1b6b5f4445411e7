// Any bytes as a list of containments: what parses has one spelling, and none
// of it lasts longer than a day.
#include <cstddef>
#include <cstdint>

#include "policy/containment.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::policy;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto all = ParseContainments(bytes);
  if (!all) return 0;
  CHECK(PrintContainments(*all) == bytes);
  for (const Containment& one : *all) {
    CHECK(one.until_seconds - one.from_seconds <= kMaxContainSeconds);
    CHECK(one.until_seconds > one.from_seconds);
  }
  return 0;
}
