// Decoders: any bytes give valid UTF-8.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "detect/encoding.h"
#include "detect/fold.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  using detect::Encoding;
  const ByteSpan bytes = std::as_bytes(std::span(data, size));
  size_t bom = 0;
  (void)detect::SniffUtf16(bytes, &bom);
  if (detect::PossibleEncodings(bytes).empty()) {
    std::abort();
  }
  for (Encoding encoding :
       {Encoding::kUtf8, Encoding::kUtf16Le, Encoding::kUtf16Be,
        Encoding::kCp932, Encoding::kEucJp, Encoding::kUnknown8Bit,
        Encoding::kIso2022Jp, Encoding::kMixed}) {
    std::string text;
    (void)detect::Decode(encoding, bytes, &text);
    if (!detect::IsStrictUtf8(AsBytes(text))) {
      std::abort();
    }
    std::string folded;
    std::string again;
    const std::string once(detect::Fold(text, &folded));
    if (!detect::IsStrictUtf8(AsBytes(once))) {
      std::abort();
    }
    (void)detect::Fold(once, &again);
  }
  return 0;
}
