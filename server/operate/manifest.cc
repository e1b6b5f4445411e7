#include <nlohmann/json.hpp>

#include "common/bytes.h"
#include "server/operate/backup.h"

namespace sekisho::operate {
namespace {

using nlohmann::json;

constexpr int kFormat = 1;
constexpr size_t kMaxFiles = 1000;
constexpr size_t kHashHex = 64;

// Below the folder, and nowhere else.
bool IsPlainPath(const std::string& path) {
  if (path.empty() || path.front() == '/' || path.size() > 256) return false;
  size_t from = 0;
  while (from <= path.size()) {
    const size_t end = std::min(path.find('/', from), path.size());
    const std::string part = path.substr(from, end - from);
    if (part.empty() || part == "." || part == "..") return false;
    from = end + 1;
  }
  return path.find('\0') == std::string::npos;
}

Result<Manifest> Read(const json& root) {
  Manifest manifest;
  if (root.value("format", 0) != kFormat) {
    return Fail(Code::kInvalidArgument,
                "format " + std::to_string(root.value("format", 0)) +
                    " is not known here");
  }
  const auto time = ParseUtc(root.value("time", ""));
  if (!time) return Fail(Code::kInvalidArgument, "no time");
  manifest.time = *time;
  manifest.program = root.value("program", "");
  manifest.schema = root.value("schema", 0);
  manifest.keys = root.value("keys", false) ? Keys::kIncluded : Keys::kLeftOut;
  const json log = root.value("log", json::object());
  manifest.log.size = log.value("size", int64_t{-1});
  ASSIGN_OR_RETURN(const Bytes hash, FromHex(log.value("root", "")));
  if (hash.size() != manifest.log.root.size() || manifest.log.size < 0) {
    return Fail(Code::kInvalidArgument, "no size and root of the log");
  }
  std::ranges::copy(hash, manifest.log.root.begin());
  const json files = root.value("files", json::array());
  if (!files.is_array() || files.size() > kMaxFiles) {
    return Fail(Code::kInvalidArgument, "no list of files");
  }
  for (const json& file : files) {
    BackupFile& one = manifest.files.emplace_back();
    one.path = file.value("path", "");
    one.bytes = file.value("bytes", int64_t{-1});
    one.sha256 = file.value("sha256", "");
    if (!IsPlainPath(one.path) || one.bytes < 0 ||
        one.sha256.size() != kHashHex) {
      return Fail(Code::kInvalidArgument, "a file of no name, size or hash");
    }
  }
  return manifest;
}

}  // namespace

std::string PrintManifest(const Manifest& manifest) {
  json files = json::array();
  for (const BackupFile& file : manifest.files) {
    files.push_back(
        {{"path", file.path}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  }
  const json root = {
      {"format", kFormat},
      {"program", manifest.program},
      {"time", FormatUtc(manifest.time)},
      {"schema", manifest.schema},
      {"log",
       {{"size", manifest.log.size}, {"root", ToHex(manifest.log.root)}}},
      {"keys", manifest.keys == Keys::kIncluded},
      {"files", files}};
  return root.dump(2) + "\n";
}

Result<Manifest> ParseManifest(const std::string& text) {
  // The library throws where a member is of another type than asked for.
  try {
    const json root = json::parse(text);
    if (!root.is_object()) {
      return Fail(Code::kInvalidArgument, "manifest: not an object");
    }
    auto manifest = Read(root);
    if (!manifest) return Wrap("manifest", std::move(manifest).error());
    return manifest;
  } catch (const json::exception& error) {
    return Fail(Code::kInvalidArgument,
                std::string("manifest: ") + error.what());
  }
}

}  // namespace sekisho::operate
