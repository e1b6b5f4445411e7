// Any bytes as envelope and as root file. What parses is spelled in one way
// only, and nothing opens that the one key of the root did not sign.
#include "policy/envelope.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::policy;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (const auto root = ParseRoot(bytes)) {
    const auto again = ParseRoot(PrintRoot(*root));
    CHECK(again);
    CHECK(PrintRoot(*again) == PrintRoot(*root));
  }
  const auto envelope = ParseEnvelope(bytes);
  if (!envelope) return 0;
  // Sealed again without signers, it is the same up to the signature count.
  const std::string resealed = Seal(*envelope, {});
  const size_t signed_bytes = resealed.size() - 2;
  CHECK(bytes.substr(0, signed_bytes) == resealed.substr(0, signed_bytes));

  Root root;
  root.roles[envelope->type].keys = {PublicKey{std::byte{1}}};
  CHECK(!OpenEnvelope(bytes, envelope->type, root, "a-1", 0));
  return 0;
}
