// Any bytes as a maintenance unlock: what parses has one spelling and names two
// people.
#include "policy/unlock.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::policy;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto unlock = ParseUnlock(bytes);
  if (!unlock) return 0;
  CHECK(PrintUnlock(*unlock) == bytes);
  CHECK(PersonOf(unlock->requested_by) != PersonOf(unlock->confirmed_by));
  return 0;
}
