// Any bytes as the list of people: what is taken prints as it stood.
#include "policy/people_list.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::policy;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto people = ParsePeople(text);
  if (people) CHECK(PrintPeople(*people) == text);
  return 0;
}
