// Which program files a package brings, by digest: the body of an envelope of
// type "upgrade", and the list that the agent's package carries. Pure.
// Text, one spelling only (docs/upgrade_manifest.md):
//   sekisho-upgrade-1
//   package <name> <version>
//   <SHA-256, 64 lower-case hex digits> <size in bytes> <absolute path>
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::policy {

inline constexpr size_t kMaxManifestBytes = size_t{64} * 1024;
inline constexpr size_t kMaxManifestPackages = 16;
inline constexpr size_t kMaxPackagePrograms = 32;
inline constexpr size_t kMaxProgramPathBytes = 255;
inline constexpr int64_t kMaxProgramBytes = int64_t{1} << 30;

// What the kernel gate protects: a package that brings others of these needs a
// signature while a policy enforces.
inline constexpr std::array<std::string_view, 7> kProtectedPrograms = {
    "/usr/sbin/sekishod",
    "/usr/libexec/sekisho/sekisho-devices",
    "/usr/libexec/sekisho/sekisho-gate",
    "/usr/libexec/sekisho/sekisho-probe",
    "/usr/libexec/sekisho/sekisho-scan",
    "/usr/libexec/sekisho/sekisho-unlock",
    "/usr/libexec/sekisho/sekisho-uplink",
};

using ProgramDigest = std::array<std::byte, 32>;  // SHA-256

struct ProgramFile {
  ProgramDigest digest{};
  int64_t size_bytes = 0;
  std::string path;
  bool operator==(const ProgramFile&) const = default;
};

struct PackagePrograms {
  std::string package;
  std::string version;
  std::vector<ProgramFile> programs;  // at least one, each path once
};

struct UpgradeManifest {
  std::vector<PackagePrograms> packages;  // at least one

  // Whether some package brings exactly this file.
  bool Names(const ProgramFile& file) const;
};

// kInvalidArgument with the line and what was expected.
Result<UpgradeManifest> ParseUpgradeManifest(std::string_view text);
// The caller filled it by the rules of the format; a manifest that breaks them
// does not parse again.
std::string PrintUpgradeManifest(const UpgradeManifest& manifest);

}  // namespace sekisho::policy
