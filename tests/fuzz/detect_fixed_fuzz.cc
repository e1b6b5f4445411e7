// Columns at fixed places: fields lie within their text, in order, and the
// masked samples of what was found in them stay within their bounds.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "common/text.h"
#include "detect/fixed_width.h"
#include "detect/inspector.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const detect::FixedWidths widths = detect::GuessFixedWidths(text);
  if (!widths.empty()) {
    detect::Records records;
    detect::CutFixed(text, widths, detect::Ending::kLast, &records);
    size_t at = 0;
    for (const detect::Field& field : records.fields) {
      if (field.begin < at || size_t{field.begin} + field.size > size) {
        std::abort();
      }
      at = field.begin + field.size;
    }
    if (records.consumed != size) {
      std::abort();
    }
  }
  detect::Options options;
  options.known_text = true;
  options.samples = detect::SampleWish::kMasked;
  const detect::Findings findings = detect::Inspect(AsBytes(text), options);
  const std::string samples = detect::SamplesJson(findings.samples);
  if (samples.size() > detect::kMaxSamplesBytes || !IsValidUtf8(samples) ||
      findings.samples.rows.size() > detect::kMaxSampleRows) {
    std::abort();
  }
  return 0;
}
