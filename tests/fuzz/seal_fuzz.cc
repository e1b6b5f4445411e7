// Bytes that a server says were sealed to the analysts' key: never taken for
// what was, unless somebody sealed them.
#include <cstdint>
#include <cstdlib>

#include "seal/seal.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho;
  static const seal::PrivateKey key = *seal::PrivateKey::Generate();
  const ByteSpan bytes = std::as_bytes(std::span(data, size));
  (void)seal::SealedFor(bytes);
  // As if it were for this key.
  Bytes changed(bytes.begin(), bytes.end());
  const seal::KeyId id = seal::IdOf(key.public_key());
  if (changed.size() > id.size()) {
    std::copy(id.begin(), id.end(), changed.begin() + 1);
  }
  if (key.Open(bytes) || key.Open(changed)) {
    std::abort();
  }
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (text.find("pbkdf2") == std::string_view::npos &&
      seal::PrivateKey::FromText(text, "p")) {
    std::abort();
  }
  return 0;
}
