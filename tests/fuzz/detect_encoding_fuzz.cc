// One decoder (SEKISHO_FUZZ_ENCODING): any bytes give valid UTF-8, folded or
// not, and text that is inspected whole, unless it escapes to Japanese
// (ISO-2022-JP within text) that is none.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "detect/encoding.h"
#include "detect/fold.h"
#include "detect/inspector.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  using detect::Encoding;
  const ByteSpan bytes = std::as_bytes(std::span(data, size));
  size_t bom = 0;
  (void)detect::SniffUtf16(bytes, &bom);
  if (bom > size || detect::PossibleEncodings(bytes).empty()) {
    std::abort();
  }
  std::string text;
  (void)detect::Decode(Encoding::SEKISHO_FUZZ_ENCODING, bytes, &text);
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
  detect::Options options;
  options.known_text = true;
  const detect::Findings whole = detect::Inspect(AsBytes(text), options);
  const bool may_fail = detect::HasJisEscapes(AsBytes(text));
  if ((whole.inspection != detect::Inspection::kFull && !may_fail) ||
      whole.persons < 0) {
    std::abort();
  }
  return 0;
}
