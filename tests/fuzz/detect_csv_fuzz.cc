// Any bytes as a file: whole and in pieces must give the same people, and the
// count on the way must never be above what a crash would hide.
#include <cstdint>
#include <cstdlib>

#include "detect/inspector.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  const ByteSpan bytes = std::as_bytes(std::span(data, size));
  const detect::Findings whole = detect::Inspect(bytes, {});
  detect::Inspector pieces({});
  for (size_t at = 0; at < size; at += 37) {
    pieces.Feed(bytes.subspan(at, std::min<size_t>(37, size - at)));
  }
  const int64_t so_far = pieces.PersonsSoFar();
  const detect::Findings cut = pieces.Finish();
  if (whole.persons != cut.persons || so_far != cut.persons ||
      whole.data != cut.data || whole.reason != cut.reason) {
    std::abort();
  }
  (void)detect::JsonMembers(whole);
  (void)detect::Explain(whole);
  return 0;
}
