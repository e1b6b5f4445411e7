// Signed notes and keys as a server, an export or an auditor's file has them:
// whatever they are, they parse or they do not; a key that parses prints as it
// was.
#include <cstddef>
#include <cstdint>

#include "merkle/checkpoint.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const size_t line = text.find('\n');
  const auto verifier = sekisho::merkle::ParseVerifier(text.substr(0, line));
  if (verifier) {
    CHECK(sekisho::merkle::PrintVerifier(*verifier) == text.substr(0, line));
    if (line != std::string_view::npos) {
      std::ignore =
          sekisho::merkle::OpenCheckpoint(text.substr(line + 1), *verifier);
    }
  }
  std::ignore = sekisho::merkle::ParseSigner(text);
  return 0;
}
