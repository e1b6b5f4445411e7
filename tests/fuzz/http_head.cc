// What comes in at the metrics port: it is judged the same whether it comes at
// once or byte by byte, and a path is one.
#include "server/operate/http_head.h"

#include <cstddef>
#include <cstdint>

#include "common/result.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto whole = sekisho::operate::JudgeHead(text);
  CHECK(whole.status != 200 || whole.path.starts_with('/'));
  CHECK(whole.status != 0 || size < sekisho::operate::kMaxHeadBytes);
  for (size_t i = 0; i <= size; ++i) {
    const auto part = sekisho::operate::JudgeHead(text.substr(0, i));
    if (part.status == 0) continue;
    // Once judged, more bytes change nothing.
    CHECK(part.status == whole.status && part.path == whole.path);
    break;
  }
  return 0;
}
