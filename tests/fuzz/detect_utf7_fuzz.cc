// Any 7-bit text as UTF-7 is valid UTF-8, and is inspected whole.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "detect/inspector.h"
#include "detect/utf7.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  std::string ascii(reinterpret_cast<const char*>(data), size);
  for (char& c : ascii) {
    c = static_cast<char>(c & 0x7F);
  }
  std::string text;
  detect::DecodeUtf7(ascii, &text);
  if (!detect::IsStrictUtf8(AsBytes(text))) {
    std::abort();
  }
  if (!detect::HasUtf7Runs(ascii) && text.size() > 3 * ascii.size()) {
    std::abort();
  }
  (void)detect::Inspect(AsBytes(ascii), {});
  return 0;
}
