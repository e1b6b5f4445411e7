#include "policy/upgrade_manifest.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

#include "common/text.h"

namespace sekisho::policy {
namespace {

constexpr std::string_view kMagic = "sekisho-upgrade-1";
constexpr std::string_view kPackageWord = "package";
constexpr size_t kMaxNameBytes = 128;

bool IsAlnum(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9');
}

// What Debian takes as a package's name or version.
bool IsName(std::string_view word) {
  return !word.empty() && word.size() <= kMaxNameBytes &&
         std::ranges::all_of(word, [](char c) {
           return IsAlnum(c) || std::string_view("+-.:~").contains(c);
         });
}

bool IsPath(std::string_view path) {
  if (!path.starts_with('/') || path.size() > kMaxProgramPathBytes) {
    return false;
  }
  for (const std::string_view part : Split(path.substr(1), '/')) {
    const bool plain = std::ranges::all_of(part, [](char c) {
      return IsAlnum(c) || std::string_view("+-._").contains(c);
    });
    if (part.empty() || part == "." || part == ".." || !plain) return false;
  }
  return true;
}

std::optional<int64_t> SizeOf(std::string_view word) {
  int64_t value = 0;
  const char* const end = word.data() + word.size();
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): `end` bounds it
  const auto [at, error] = std::from_chars(word.data(), end, value);
  const bool one_spelling = word == "0" || !word.starts_with('0');
  if (error != std::errc() || at != end || !one_spelling || value < 0 ||
      value > kMaxProgramBytes) {
    return std::nullopt;
  }
  return value;
}

std::optional<ProgramDigest> DigestOf(std::string_view word) {
  ProgramDigest digest;
  if (word.size() != 2 * digest.size()) return std::nullopt;
  const auto bytes = FromHex(word);
  if (!bytes || ToHex(*bytes) != word) return std::nullopt;
  std::memcpy(digest.data(), bytes->data(), digest.size());
  return digest;
}

std::unexpected<Error> Expected(size_t line, std::string_view what) {
  return Fail(Code::kInvalidArgument,
              fmt::format("upgrade manifest:{}: expected {}", line, what));
}

Result<PackagePrograms> ParsePackage(
    const std::vector<std::string_view>& words) {
  if (!IsName(words[1]) || !IsName(words[2])) {
    return Fail(Code::kInvalidArgument, "name and version of a package");
  }
  return PackagePrograms{.package = std::string(words[1]),
                         .version = std::string(words[2]),
                         .programs = {}};
}

Result<ProgramFile> ParseProgram(const std::vector<std::string_view>& words) {
  const auto digest = DigestOf(words[0]);
  if (!digest) {
    return Fail(Code::kInvalidArgument, "64 lower-case hex digits");
  }
  const auto size = SizeOf(words[1]);
  if (!size) {
    return Fail(Code::kInvalidArgument,
                fmt::format("a size from 0 to {}", kMaxProgramBytes));
  }
  if (!IsPath(words[2])) return Fail(Code::kInvalidArgument, "a plain path");
  return ProgramFile{
      .digest = *digest, .size_bytes = *size, .path = std::string(words[2])};
}

}  // namespace

bool UpgradeManifest::Names(const ProgramFile& file) const {
  return std::ranges::any_of(packages, [&file](const PackagePrograms& package) {
    return std::ranges::find(package.programs, file) != package.programs.end();
  });
}

Result<UpgradeManifest> ParseUpgradeManifest(std::string_view text) {
  if (text.size() > kMaxManifestBytes) {
    return Fail(Code::kInvalidArgument,
                fmt::format("upgrade manifest: larger than {} bytes",
                            kMaxManifestBytes));
  }
  auto lines = Split(text, '\n');
  if (!lines.back().empty()) {
    return Expected(lines.size(), "a newline at the end");
  }
  lines.pop_back();
  if (lines.empty() || lines[0] != kMagic) {
    return Expected(1, fmt::format("'{}'", kMagic));
  }
  UpgradeManifest manifest;
  for (size_t i = 1; i < lines.size(); ++i) {
    const auto words = Split(lines[i], ' ');
    if (words.size() != 3) return Expected(i + 1, "three words");
    if (words[0] == kPackageWord) {
      if (manifest.packages.size() == kMaxManifestPackages) {
        return Expected(
            i + 1, fmt::format("at most {} packages", kMaxManifestPackages));
      }
      if (!manifest.packages.empty() &&
          manifest.packages.back().programs.empty()) {
        return Expected(i + 1, "a program of the package before");
      }
      auto package = ParsePackage(words);
      if (!package) return Expected(i + 1, package.error().message);
      manifest.packages.push_back(std::move(*package));
      continue;
    }
    if (manifest.packages.empty()) return Expected(i + 1, "a package line");
    auto& programs = manifest.packages.back().programs;
    if (programs.size() == kMaxPackagePrograms) {
      return Expected(i + 1, fmt::format("at most {} programs in a package",
                                         kMaxPackagePrograms));
    }
    auto program = ParseProgram(words);
    if (!program) return Expected(i + 1, program.error().message);
    if (std::ranges::find(programs, program->path, &ProgramFile::path) !=
        programs.end()) {
      return Expected(i + 1, "each path once in a package");
    }
    programs.push_back(std::move(*program));
  }
  if (manifest.packages.empty() || manifest.packages.back().programs.empty()) {
    return Expected(lines.size() + 1, "a package with a program");
  }
  return manifest;
}

std::string PrintUpgradeManifest(const UpgradeManifest& manifest) {
  std::string out = fmt::format("{}\n", kMagic);
  for (const PackagePrograms& package : manifest.packages) {
    out += fmt::format("{} {} {}\n", kPackageWord, package.package,
                       package.version);
    for (const ProgramFile& program : package.programs) {
      out += fmt::format("{} {} {}\n", ToHex(program.digest),
                         program.size_bytes, program.path);
    }
  }
  return out;
}

}  // namespace sekisho::policy
