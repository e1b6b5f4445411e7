#include "server/web/static_files.h"

#include <fcntl.h>

#include <filesystem>

#include "common/file.h"

namespace sekisho::web {
namespace {

constexpr size_t kMaxFileBytes = size_t{16} << 20;

constexpr std::string_view kMissingConsole =
    "<!doctype html><meta charset=utf-8><title>Sekisho</title>"
    "<p>The console's files are not installed. The JSON API works.</p>";

std::string ContentType(const std::string& extension) {
  static const std::map<std::string, std::string, std::less<>> kTypes = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".ico", "image/x-icon"},
      {".woff2", "font/woff2"},
      {".json", "application/json"}};
  const auto found = kTypes.find(extension);
  return found == kTypes.end() ? "application/octet-stream" : found->second;
}

}  // namespace

StaticFiles StaticFiles::Load(const std::string& directory) {
  StaticFiles loaded;
  std::error_code error;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(directory, error)) {
    if (!entry.is_regular_file(error)) continue;
    const std::string path = entry.path().string();
    const std::string url =
        "/" + entry.path().lexically_relative(directory).generic_string();
    auto content = ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
    if (!content) continue;
    loaded.files_[url] = File{ContentType(entry.path().extension().string()),
                              std::move(*content)};
  }
  if (!loaded.files_.contains("/index.html")) {
    loaded.files_["/index.html"] =
        File{ContentType(".html"), std::string(kMissingConsole)};
  }
  return loaded;
}

Response StaticFiles::Get(const std::string& path) const {
  Response response;
  auto found = files_.find(path == "/" ? "/index.html" : path);
  if (found == files_.end() && path.find('.') == std::string::npos) {
    found = files_.find("/index.html");
  }
  if (found == files_.end()) {
    response.status = 404;
    response.content_type = "text/plain; charset=utf-8";
    response.body = "not found\n";
    return response;
  }
  response.content_type = found->second.content_type;
  response.body = found->second.content;
  // Names of built assets carry a hash of their content.
  response.headers.emplace_back("Cache-Control",
                                path.starts_with("/assets/")
                                    ? "public, max-age=31536000, immutable"
                                    : "no-cache");
  return response;
}

}  // namespace sekisho::web
