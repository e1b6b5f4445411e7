// Any bytes as XML: the scanner says what expat says, whole and in pieces.
#include <cstdint>
#include <cstdlib>

#include "tests/unit/detect_formats/xml_events.h"

namespace {

using namespace sekisho::detect;

// Where it may be more lenient than expat: names, comments, instructions.
bool MayDiffer(std::string_view document) {
  bool high = false;
  for (char c : document) {
    high = high || static_cast<unsigned char>(c) >= 0x80;
  }
  return high || document.find("<!--") != std::string_view::npos ||
         document.find("<?") != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || size > 65536) {
    return 0;
  }
  const size_t piece = 1 + data[0] % 32;
  const std::string_view document(reinterpret_cast<const char*>(data) + 1,
                                  size - 1);
  const auto whole = EventsByScanner(document, document.size());
  if (whole != EventsByScanner(document, piece)) {
    std::abort();
  }
  if (!XmlScanner::CanRead(document, XmlEncoding::kUtf8)) {
    return 0;
  }
  const auto expected = EventsByExpat(document);
  const bool same = expected == whole;
  if (!same && (expected || !MayDiffer(document))) {
    std::abort();
  }
  return 0;
}
