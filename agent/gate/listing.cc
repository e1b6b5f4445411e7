// Directories as the kernel reads them: a listing is taken when reading starts
// at the top and kept by the handle, so that offsets stay valid while files
// come and go.
#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "agent/gate/filesystem.h"

namespace sekisho::gate {
namespace {

// Names of one directory held at once; exFAT's own bound is far above.
constexpr size_t kMaxListingBytes = size_t{32} << 20;

struct KernelDirent {
  uint64_t ino;
  int64_t off;
  uint16_t length;
  uint8_t type;
  char name[1];
};

void Append(Handle& handle, uint8_t type, std::string_view name) {
  handle.starts.push_back(static_cast<uint32_t>(handle.listing.size()));
  handle.listing += static_cast<char>(type);
  handle.listing += name;
  handle.listing += '\0';
}

ErrnoStatus ListReal(int fd, Handle& handle,
                     const std::unordered_set<std::string>& hidden) {
  alignas(KernelDirent) std::array<char, 32768> buffer;
  while (true) {
    const long n = ::syscall(SYS_getdents64, fd, buffer.data(), buffer.size());
    if (n < 0) return Errno();
    if (n == 0) return {};
    for (long at = 0; at < n;) {
      const char* record = buffer.data() + at;
      uint16_t length = 0;
      std::memcpy(&length, record + offsetof(KernelDirent, length),
                  sizeof length);
      const auto type =
          static_cast<uint8_t>(record[offsetof(KernelDirent, type)]);
      const std::string name(record + offsetof(KernelDirent, name));
      if (!hidden.contains(name)) Append(handle, type, name);
      at += length;
    }
    if (handle.listing.size() > kMaxListingBytes) return Errno(EOVERFLOW);
  }
}

size_t Padded(size_t size) { return (size + 7) & ~size_t{7}; }

}  // namespace

ErrnoOr<uint64_t> Filesystem::OpenDirectory(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const NodePtr node = NodeLocked(id);
  if (!node) return Errno(stopped_.load() ? ENODEV : ESTALE);
  auto handle = std::make_shared<Handle>();
  handle->node = node;
  return AddHandleLocked(std::move(handle));
}

void Filesystem::ReleaseDirectory(uint64_t fh) { Release(fh); }

ErrnoOr<Bytes> Filesystem::ReadDirectory(uint64_t id, uint64_t fh,
                                         uint64_t offset, size_t size,
                                         Entries entries) {
  const std::lock_guard lock(mutex_);
  const NodePtr node = NodeLocked(id);
  const auto found = handles_.find(fh);
  if (!node || found == handles_.end()) {
    return Errno(stopped_.load() ? ENODEV : ESTALE);
  }
  Handle& handle = *found->second;
  if (offset == 0) {
    handle.listing.clear();
    handle.starts.clear();
    if (!node->linked) return Bytes{};
    auto dir = DirLocked(*node);
    if (!dir) return Errno(dir.error());
    counts_.Changed();  // its access time
    auto fd = Medium::OpenIn((*dir)->get(), ".", O_RDONLY | O_DIRECTORY);
    if (!fd) return Errno(fd.error());
    RETURN_IF_ERRNO(ListReal(fd->get(), handle, temporary_names_));
    for (const auto& [key, child] : node->children) {
      if (!child->on_medium) Append(handle, DT_REG, child->name);
    }
  }
  Bytes out;
  out.reserve(size);
  const bool plus = entries == Entries::kPlus;
  for (uint64_t i = offset; i < handle.starts.size(); ++i) {
    const char* record = handle.listing.data() + handle.starts[i];
    const std::string name(record + 1);
    const size_t head = plus ? FUSE_NAME_OFFSET_DIRENTPLUS : FUSE_NAME_OFFSET;
    const size_t length = Padded(head + name.size());
    if (out.size() + length > size) break;
    fuse_direntplus entry{};
    entry.dirent.ino = FUSE_ROOT_ID;
    entry.dirent.off = i + 1;
    entry.dirent.namelen = static_cast<uint32_t>(name.size());
    entry.dirent.type = static_cast<unsigned char>(record[0]);
    const bool dots = name == "." || name == "..";
    if (dots) {
      entry.dirent.ino = node->id;
    } else if (plus) {
      auto child = ChildLocked(node, name);
      if (!child) continue;  // gone since it was listed
      auto looked_up = EntryLocked(**child);
      if (!looked_up) continue;
      entry.entry_out = *looked_up;
      entry.dirent.ino = looked_up->nodeid;
    } else if (const NodePtr known = tree_.Child(*node, name)) {
      entry.dirent.ino = known->id;
    }
    const size_t start = out.size();
    out.resize(start + length);
    if (plus) {
      std::memcpy(out.data() + start, &entry, head);
    } else {
      std::memcpy(out.data() + start, &entry.dirent, head);
    }
    std::memcpy(out.data() + start + head, name.data(), name.size());
  }
  return out;
}

ErrnoStatus Filesystem::SyncDirectory(uint64_t id) {
  UniqueFd fd;
  {
    const std::lock_guard lock(mutex_);
    const NodePtr node = NodeLocked(id);
    if (!node) return Errno(ESTALE);
    auto dir = DirLocked(*node);
    if (!dir) return Errno(dir.error());
    auto opened = Medium::OpenIn((*dir)->get(), ".", O_RDONLY | O_DIRECTORY);
    if (!opened) return Errno(opened.error());
    fd = *std::move(opened);
  }
  if (::fsync(fd.get()) != 0) return Errno();
  return {};
}

}  // namespace sekisho::gate
