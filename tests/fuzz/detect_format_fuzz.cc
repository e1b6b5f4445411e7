// Any bytes as one format: its reader is asked to open them whatever they begin
// with, then they are inspected as a file. SEKISHO_FUZZ_FORMATS names the
// formats.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "detect/formats/inspect.h"
#include "detect/formats/open.h"

namespace {

using namespace sekisho;
using namespace sekisho::detect;

Limits SmallLimits() {
  Limits limits;
  limits.output_bytes = int64_t{8} << 20;
  limits.ratio_free_bytes = int64_t{1} << 20;
  limits.entries = 2000;
  limits.dictionary_bytes = int64_t{16} << 20;
  limits.text_bytes = int64_t{4} << 20;
  return limits;
}

void Drain(std::string_view format, const Source& source) {
  Budget budget(SmallLimits());
  budget.set_input_bytes(source.size());
  const Opened opened = OpenFormat(format, &source, &budget);
  if (!opened.reader) {
    return;
  }
  Part part;
  std::byte buffer[3000];
  int64_t total = 0;
  for (int parts = 0; parts < 5000 && opened.reader->Next(&part); ++parts) {
    for (size_t n = opened.reader->Read(buffer);
         n > 0 && total < (int64_t{64} << 20);
         n = opened.reader->Read(buffer)) {
      if (n > sizeof buffer) {
        std::abort();
      }
      total += static_cast<int64_t>(n);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const MemorySource source(std::as_bytes(std::span(data, size)));
  for (std::string_view formats = SEKISHO_FUZZ_FORMATS; !formats.empty();) {
    const size_t end = std::min(formats.find(' '), formats.size());
    Drain(formats.substr(0, end), source);
    formats.remove_prefix(std::min(end + 1, formats.size()));
  }
  Budget budget(SmallLimits());
  const Findings findings = InspectSource(source, {}, &budget);
  const bool full = findings.inspection == Inspection::kFull;
  if (findings.persons < 0 || full != findings.reason.empty() ||
      (full && !budget.ok())) {
    std::abort();
  }
  (void)JsonMembers(findings);
  (void)Explain(findings);
  return 0;
}
