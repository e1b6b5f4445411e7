#include "agent/gate/medium.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/text.h"

namespace sekisho::gate {
namespace {

constexpr uint32_t kResolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
                              RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
constexpr size_t kMaxNameBytes = 255;
// FAT counts UTF-16 units; three bytes of UTF-8 are at most one unit.
constexpr size_t kMaxFatNameBytes = size_t{255} * 3;

ErrnoOr<UniqueFd> OpenBeneath(int dir_fd, const std::string& path, int flags,
                              mode_t mode) {
  open_how how{};
  how.flags = static_cast<uint32_t>(flags | O_CLOEXEC);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = kResolve;
  while (true) {
    const long fd =
        ::syscall(SYS_openat2, dir_fd, path.c_str(), &how, sizeof how);
    if (fd >= 0) return UniqueFd(static_cast<int>(fd));
    // EAGAIN: something moved while the kernel was looking.
    if (errno != EAGAIN && errno != EINTR) return Errno();
  }
}

// Length in UTF-16 units of valid UTF-8.
size_t Utf16Units(std::string_view text) {
  size_t units = 0;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) != 0x80U) ++units;
    if (byte >= 0xf0U) ++units;
  }
  return units;
}

}  // namespace

ErrnoOr<std::unique_ptr<Medium>> Medium::Open(UniqueFd root) {
  struct statfs about{};
  if (::fstatfs(root.get(), &about) != 0) return Errno();
  const bool is_fat =
      about.f_type == MSDOS_SUPER_MAGIC || about.f_type == EXFAT_SUPER_MAGIC;
  return std::unique_ptr<Medium>(new Medium(std::move(root), is_fat));
}

ErrnoOr<UniqueFd> Medium::Directory(const std::string& path) const {
  return OpenBeneath(root_.get(), path.empty() ? "." : path,
                     O_PATH | O_DIRECTORY | O_NOFOLLOW, 0);
}

ErrnoOr<UniqueFd> Medium::OpenIn(int dir_fd, const std::string& name, int flags,
                                 mode_t mode) {
  return OpenBeneath(dir_fd, name, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
                     mode);
}

ErrnoOr<struct stat> Medium::StatIn(int dir_fd, const std::string& name) {
  struct stat about{};
  if (::fstatat(dir_fd, name.c_str(), &about, AT_SYMLINK_NOFOLLOW) != 0) {
    return Errno();
  }
  return about;
}

ErrnoStatus Medium::CheckName(std::string_view name) const {
  if (!is_fat_) {
    if (name.size() > kMaxNameBytes) return Errno(ENAMETOOLONG);
    return {};
  }
  if (!IsValidUtf8(name)) return Errno(EINVAL);
  if (name.size() > kMaxFatNameBytes || Utf16Units(name) > 255) {
    return Errno(ENAMETOOLONG);
  }
  for (const char c : name) {
    if (static_cast<unsigned char>(c) < 0x20) return Errno(EINVAL);
    if (std::string_view("\"*/:<>?\\|").find(c) != std::string_view::npos) {
      return Errno(EINVAL);
    }
  }
  return {};
}

ErrnoOr<struct statfs> Medium::Space() const {
  struct statfs about{};
  if (::fstatfs(root_.get(), &about) != 0) return Errno();
  return about;
}

ErrnoStatus Medium::Sync() const {
  // syncfs(2) wants a descriptor that is not O_PATH.
  auto open = OpenIn(root_.get(), ".", O_RDONLY | O_DIRECTORY);
  if (!open) return Errno(open.error());
  if (::syncfs(open->get()) != 0) return Errno();
  return {};
}

}  // namespace sekisho::gate
