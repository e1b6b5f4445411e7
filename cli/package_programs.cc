#include "cli/package_programs.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr size_t kReadBytes = size_t{64} * 1024;
constexpr size_t kMaxControlBytes = size_t{256} * 1024;

struct FreeArchive {
  void operator()(archive* a) const { ::archive_read_free(a); }
};
using Archive = std::unique_ptr<archive, FreeArchive>;

std::unexpected<Error> Broken(archive* from) {
  const char* text = ::archive_error_string(from);
  return Fail(Code::kInvalidArgument,
              text == nullptr ? "not a Debian package" : text);
}

// What an entry holds goes to `use` in pieces; its whole size is returned.
Result<int64_t> ReadEntry(archive* from,
                          const std::function<Status(ByteSpan)>& use) {
  std::vector<std::byte> buffer(kReadBytes);
  int64_t total = 0;
  while (true) {
    const la_ssize_t n =
        ::archive_read_data(from, buffer.data(), buffer.size());
    if (n == ARCHIVE_RETRY) continue;
    if (n < 0) return Broken(from);
    if (n == 0) return total;
    const auto size = static_cast<size_t>(n);
    RETURN_IF_ERROR(use(ByteSpan(buffer.data(), size)));
    total += static_cast<int64_t>(n);
  }
}

// The regular files of a tar that is one entry of `outer`.
using Use = std::function<Status(archive*, const std::string& path)>;
struct Inner {
  archive* outer = nullptr;
  std::vector<std::byte> buffer = std::vector<std::byte>(kReadBytes);
};

la_ssize_t ReadOuter(archive*, void* context, const void** out) {
  auto* inner = static_cast<Inner*>(context);
  *out = inner->buffer.data();
  while (true) {
    const la_ssize_t n = ::archive_read_data(inner->outer, inner->buffer.data(),
                                             inner->buffer.size());
    if (n != ARCHIVE_RETRY) return n;
  }
}

Status ForEachFile(archive* outer, const Use& use) {
  Inner inner{.outer = outer};
  const Archive tar(::archive_read_new());
  ::archive_read_support_filter_all(tar.get());
  ::archive_read_support_format_tar(tar.get());
  if (::archive_read_open(tar.get(), &inner, nullptr, &ReadOuter, nullptr) !=
      ARCHIVE_OK) {
    return Broken(tar.get());
  }
  while (true) {
    archive_entry* entry = nullptr;
    const int got = ::archive_read_next_header(tar.get(), &entry);
    if (got == ARCHIVE_EOF) return {};
    if (got == ARCHIVE_RETRY) continue;
    if (got < ARCHIVE_WARN) return Broken(tar.get());
    const char* name = ::archive_entry_pathname(entry);
    if (name == nullptr || ::archive_entry_filetype(entry) != AE_IFREG ||
        ::archive_entry_hardlink(entry) != nullptr) {
      continue;
    }
    // "./usr/sbin/sekishod", "usr/sbin/sekishod"
    std::string path(name);
    if (path.starts_with("./")) path.erase(0, 1);
    if (!path.starts_with('/')) path.insert(0, 1, '/');
    RETURN_IF_ERROR(use(tar.get(), path));
  }
}

Status ReadControl(archive* outer, policy::PackagePrograms& package) {
  return ForEachFile(outer, [&](archive* tar, const std::string& path) {
    if (path != "/control") return Status();
    std::string text;
    const auto read = ReadEntry(tar, [&text](ByteSpan piece) -> Status {
      if (text.size() + piece.size() > kMaxControlBytes) {
        return Fail(Code::kInvalidArgument, "its control file is too large");
      }
      text += AsText(piece);
      return {};
    });
    if (!read) return Status(std::unexpected(read.error()));
    for (const std::string_view line : Split(text, '\n')) {
      if (line.starts_with("Package:")) package.package = Trim(line.substr(8));
      if (line.starts_with("Version:")) package.version = Trim(line.substr(8));
    }
    return Status();
  });
}

Status ReadPrograms(archive* outer, policy::PackagePrograms& package) {
  return ForEachFile(outer, [&](archive* tar, const std::string& path) {
    if (std::ranges::find(policy::kProtectedPrograms, path) ==
        policy::kProtectedPrograms.end()) {
      return Status();
    }
    policy::ProgramFile file{.digest = {}, .size_bytes = 0, .path = path};
    crypto_hash_sha256_state state{};
    crypto_hash_sha256_init(&state);
    const auto size = ReadEntry(tar, [&state](ByteSpan piece) {
      crypto_hash_sha256_update(
          &state, reinterpret_cast<const unsigned char*>(piece.data()),
          piece.size());
      return Status();
    });
    if (!size) return Status(std::unexpected(size.error()));
    file.size_bytes = *size;
    crypto_hash_sha256_final(
        &state, reinterpret_cast<unsigned char*>(file.digest.data()));
    package.programs.push_back(std::move(file));
    return Status();
  });
}

}  // namespace

Result<policy::PackagePrograms> ReadPackagePrograms(const std::string& path) {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return FailErrno(path);
  const Archive deb(::archive_read_new());
  ::archive_read_support_format_ar(deb.get());
  if (::archive_read_open_filename(deb.get(), path.c_str(), kReadBytes) !=
      ARCHIVE_OK) {
    return Wrap(path, Broken(deb.get()).error());
  }
  policy::PackagePrograms package;
  while (true) {
    archive_entry* entry = nullptr;
    const int got = ::archive_read_next_header(deb.get(), &entry);
    if (got == ARCHIVE_EOF) break;
    if (got == ARCHIVE_RETRY) continue;
    if (got < ARCHIVE_WARN) return Wrap(path, Broken(deb.get()).error());
    const char* name = ::archive_entry_pathname(entry);
    const std::string_view member = name == nullptr ? "" : name;
    Status read;
    if (member.starts_with("control.tar")) {
      read = ReadControl(deb.get(), package);
    } else if (member.starts_with("data.tar")) {
      read = ReadPrograms(deb.get(), package);
    }
    if (!read) return Wrap(path, std::move(read).error());
  }
  if (package.package.empty() || package.version.empty()) {
    return Fail(Code::kInvalidArgument, path + ": not a Debian package");
  }
  return package;
}

}  // namespace sekisho::cli
