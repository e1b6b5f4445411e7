#include "common/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdio>

namespace sekisho {
namespace {

// The directory part of a path, for the fsync that makes a rename durable.
std::string DirectoryOf(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<UniqueFd> OpenAt(int dir_fd, const std::string& path, int flags,
                        mode_t mode) {
  UniqueFd fd(::openat(dir_fd, path.c_str(), flags | O_CLOEXEC, mode));
  if (!fd) {
    return FailErrno("open " + path);
  }
  return fd;
}

Result<std::string> ReadAll(int fd, size_t cap_bytes) {
  std::string out;
  std::array<char, 16384> buffer;
  while (true) {
    const ssize_t n = ::read(fd, buffer.data(), buffer.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return FailErrno("read");
    }
    if (n == 0) return out;
    if (out.size() + static_cast<size_t>(n) > cap_bytes) {
      return Fail(Code::kResourceExhausted,
                  "longer than " + std::to_string(cap_bytes) + " bytes");
    }
    out.append(buffer.data(), static_cast<size_t>(n));
  }
}

Result<std::string> ReadFileAt(int dir_fd, const std::string& path,
                               size_t cap_bytes) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenAt(dir_fd, path, O_RDONLY));
  auto content = ReadAll(fd.get(), cap_bytes);
  if (!content) {
    return Wrap(path, std::move(content).error());
  }
  return content;
}

Status WriteAll(int fd, ByteSpan bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return FailErrno("write");
    }
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
  return {};
}

Status WriteOnceAt(int dir_fd, const std::string& path, std::string_view text) {
  ASSIGN_OR_RETURN(const UniqueFd fd, OpenAt(dir_fd, path, O_WRONLY));
  const ssize_t n = ::write(fd.get(), text.data(), text.size());
  if (n < 0) {
    return FailErrno("write " + path);
  }
  if (static_cast<size_t>(n) != text.size()) {
    return Fail(Code::kDataLoss, "write " + path + ": only a part was taken");
  }
  return {};
}

Status ReplaceFile(const std::string& path, std::string_view content,
                   mode_t mode) {
  const std::string temporary = path + ".new";
  {
    ASSIGN_OR_RETURN(
        const UniqueFd fd,
        OpenAt(AT_FDCWD, temporary, O_WRONLY | O_CREAT | O_TRUNC, mode));
    // umask and a left-over file may have given other bits.
    if (::fchmod(fd.get(), mode) != 0) {
      return FailErrno("chmod " + temporary);
    }
    if (auto written = WriteAll(fd.get(), AsBytes(content)); !written) {
      return Wrap(temporary, std::move(written).error());
    }
    if (::fsync(fd.get()) != 0) {
      return FailErrno("fsync " + temporary);
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    return FailErrno("rename " + temporary);
  }
  ASSIGN_OR_RETURN(const UniqueFd directory,
                   OpenAt(AT_FDCWD, DirectoryOf(path), O_RDONLY | O_DIRECTORY));
  if (::fsync(directory.get()) != 0) {
    return FailErrno("fsync " + DirectoryOf(path));
  }
  return {};
}

}  // namespace sekisho
