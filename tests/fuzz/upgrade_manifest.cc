// Any bytes as an upgrade manifest: what parses has one spelling, and names
// what it lists.
#include "policy/upgrade_manifest.h"

#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::policy;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto manifest = ParseUpgradeManifest(bytes);
  if (!manifest) return 0;
  CHECK(PrintUpgradeManifest(*manifest) == bytes);
  for (const PackagePrograms& package : manifest->packages) {
    for (const ProgramFile& program : package.programs) {
      CHECK(manifest->Names(program));
    }
  }
  return 0;
}
