#include "agent/gate/filesystem.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>

#include "agent/gate/scan_client.h"

namespace sekisho::gate {
namespace {

constexpr size_t kMaxCachedDirs = 256;
constexpr uint64_t kValidSeconds = 1;
constexpr size_t kMaxXattrBytes = 65536;

}  // namespace

Access AccessFrom(std::string_view word) {
  if (word == "inspect") return Access::kInspect;
  if (word == "audit") return Access::kAudit;
  return Access::kReadOnly;
}

Filesystem::Filesystem(const Settings& settings, const Parts& parts)
    : settings_(settings),
      parts_(parts),
      access_(settings.access),
      tree_(parts.medium->is_fat() ? Case::kFoldAscii : Case::kSensitive) {
  const auto about = parts.medium->Space();
  if (about) counts_.SetCluster(static_cast<int64_t>(about->f_bsize));
}

// A directory grows by whole clusters, which are zeroed: by what its new
// entries take, and by one more when it was just full.
void Filesystem::CountEntryLocked(Node& directory) {
  counts_.Changed();
  counts_.Grew(kLongestEntryBytes);
  if (!std::exchange(directory.entered, true)) {
    counts_.Grew(counts_.cluster_bytes());
  }
}

NodePtr Filesystem::NodeLocked(uint64_t id) {
  return stopped_.load() ? nullptr : tree_.Find(id);
}

HandlePtr Filesystem::HandleOf(uint64_t fh) {
  const std::lock_guard lock(mutex_);
  const auto found = handles_.find(fh);
  return found == handles_.end() ? nullptr : found->second;
}

ErrnoStatus Filesystem::MayChangeLocked() const {
  if (stopped_.load()) return Errno(ENODEV);
  if (access_.load() == Access::kReadOnly) return Errno(EROFS);
  if (erasing_) return Errno(EBUSY);
  return {};
}

ErrnoOr<SharedFd> Filesystem::DirLocked(Node& node) {
  if (node.dir) return node.dir;
  if (!node.linked) return Errno(ENOENT);
  auto opened = parts_.medium->Directory(tree_.PathOf(node));
  if (!opened) return Errno(opened.error());
  auto dir = std::make_shared<UniqueFd>(*std::move(opened));
  node.dir = dir;
  cached_dirs_.push_back(tree_.Find(node.id));
  if (cached_dirs_.size() > kMaxCachedDirs) {
    if (const NodePtr oldest = cached_dirs_.front().lock()) oldest->dir.reset();
    cached_dirs_.pop_front();
  }
  return dir;
}

// The node for `name`, which is on the medium or staged; ENOENT otherwise.
ErrnoOr<NodePtr> Filesystem::ChildLocked(const NodePtr& parent,
                                         const std::string& name) {
  NodePtr known = tree_.Child(*parent, name);
  if (known && !known->on_medium) return known;
  auto dir = DirLocked(*parent);
  if (!dir) return Errno(dir.error());
  auto about = Medium::StatIn((*dir)->get(), name);
  if (!about) {
    if (known && about.error() == ENOENT) tree_.Unlink(*known);
    return Errno(about.error());
  }
  if (known && (known->mode & S_IFMT) == (about->st_mode & S_IFMT)) {
    return known;
  }
  if (known) tree_.Unlink(*known);  // the medium says it is another kind now
  NodePtr node = tree_.Add(parent, name);
  node->mode = about->st_mode;
  return node;
}

fuse_attr Filesystem::AttrFrom(const Node& node,
                               const struct stat& about) const {
  fuse_attr attr{};
  attr.ino = node.id;
  attr.size = static_cast<uint64_t>(about.st_size);
  attr.blocks = static_cast<uint64_t>(about.st_blocks);
  attr.atime = static_cast<uint64_t>(about.st_atim.tv_sec);
  attr.mtime = static_cast<uint64_t>(about.st_mtim.tv_sec);
  attr.ctime = static_cast<uint64_t>(about.st_ctim.tv_sec);
  attr.atimensec = static_cast<uint32_t>(about.st_atim.tv_nsec);
  attr.mtimensec = static_cast<uint32_t>(about.st_mtim.tv_nsec);
  attr.ctimensec = static_cast<uint32_t>(about.st_ctim.tv_nsec);
  attr.mode = about.st_mode;
  attr.nlink = static_cast<uint32_t>(about.st_nlink);
  attr.uid = settings_.owner_uid;
  attr.gid = settings_.owner_gid;
  attr.blksize = static_cast<uint32_t>(about.st_blksize);
  return attr;
}

ErrnoOr<fuse_attr> Filesystem::AttrLocked(Node& node) {
  if (node.staged) {
    struct stat about{};
    about.st_mode = node.mode;
    about.st_nlink = node.linked ? 1 : 0;
    about.st_size = node.staged->size();
    about.st_blocks = (node.staged->size() + 511) / 512;
    about.st_blksize = 4096;
    about.st_atim = node.atime;
    about.st_mtim = node.mtime;
    about.st_ctim = node.mtime;
    return AttrFrom(node, about);
  }
  if (!node.linked || node.real) {
    struct stat about{};
    if (!node.real) {  // refused, or removed: an empty shell for open handles
      about.st_mode = node.mode;
      return AttrFrom(node, about);
    }
    if (::fstat(node.real->get(), &about) != 0) return Errno();
    return AttrFrom(node, about);
  }
  if (!node.parent) {
    struct stat about{};
    if (::fstatat(parts_.medium->root(), "", &about, AT_EMPTY_PATH) != 0) {
      return Errno();
    }
    return AttrFrom(node, about);
  }
  auto dir = DirLocked(*node.parent);
  if (!dir) return Errno(dir.error());
  auto about = Medium::StatIn((*dir)->get(), node.name);
  if (!about) return Errno(about.error());
  return AttrFrom(node, *about);
}

ErrnoOr<fuse_entry_out> Filesystem::EntryLocked(Node& node) {
  auto attr = AttrLocked(node);
  if (!attr) return Errno(attr.error());
  fuse_entry_out entry{};
  entry.nodeid = node.id;
  entry.generation = 1;
  // What is undecided may be gone with the next verdict.
  if (!node.staged) {
    entry.entry_valid = kValidSeconds;
    entry.attr_valid = kValidSeconds;
  }
  entry.attr = *attr;
  ++node.lookups;
  return entry;
}

ErrnoOr<fuse_entry_out> Filesystem::Lookup(uint64_t parent_id,
                                           const std::string& name) {
  const std::lock_guard lock(mutex_);
  const NodePtr parent = NodeLocked(parent_id);
  if (!parent) return Errno(stopped_.load() ? ENODEV : ESTALE);
  auto node = ChildLocked(parent, name);
  if (!node) return Errno(node.error());
  return EntryLocked(**node);
}

void Filesystem::Forget(uint64_t id, uint64_t lookups) {
  const std::lock_guard lock(mutex_);
  tree_.Forget(id, lookups);
}

ErrnoOr<fuse_attr_out> Filesystem::GetAttr(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const NodePtr node = NodeLocked(id);
  if (!node) return Errno(stopped_.load() ? ENODEV : ESTALE);
  auto attr = AttrLocked(*node);
  if (!attr) return Errno(attr.error());
  fuse_attr_out out{};
  if (!node->staged) out.attr_valid = kValidSeconds;
  out.attr = *attr;
  return out;
}

namespace {

timespec TimeFrom(uint32_t valid, uint32_t set, uint32_t set_now,
                  uint64_t seconds, uint32_t nanoseconds) {
  if ((valid & set_now) != 0) return {0, UTIME_NOW};
  if ((valid & set) == 0) return {0, UTIME_OMIT};
  return {static_cast<time_t>(seconds), static_cast<long>(nanoseconds)};
}

void Apply(const timespec& change, timespec& time) {
  if (change.tv_nsec == UTIME_OMIT) return;
  if (change.tv_nsec == UTIME_NOW) {
    ::clock_gettime(CLOCK_REALTIME, &time);
    return;
  }
  time = change;
}

}  // namespace

ErrnoOr<fuse_attr_out> Filesystem::SetAttr(uint64_t id,
                                           const fuse_setattr_in& change) {
  {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERRNO(MayChangeLocked());
    const NodePtr node = NodeLocked(id);
    if (!node) return Errno(ESTALE);
    // Everything belongs to one owner here, and can only be given to him.
    if (((change.valid & FATTR_UID) != 0 &&
         change.uid != settings_.owner_uid) ||
        ((change.valid & FATTR_GID) != 0 &&
         change.gid != settings_.owner_gid)) {
      return Errno(EPERM);
    }
    const std::array<timespec, 2> times{
        TimeFrom(change.valid, FATTR_ATIME, FATTR_ATIME_NOW, change.atime,
                 change.atimensec),
        TimeFrom(change.valid, FATTR_MTIME, FATTR_MTIME_NOW, change.mtime,
                 change.mtimensec)};
    if (!node->staged) counts_.Changed();
    if (node->staged) {
      if ((change.valid & FATTR_MODE) != 0) {
        node->mode = (node->mode & S_IFMT) | (change.mode & 07777);
      }
      Apply(times[0], node->atime);
      Apply(times[1], node->mtime);
    } else if (node->linked) {
      auto dir = node->parent ? DirLocked(*node->parent) : DirLocked(*node);
      if (!dir) return Errno(dir.error());
      const std::string name = node->parent ? node->name : ".";
      if ((change.valid & FATTR_MODE) != 0) {
        // fchmodat(2) follows symlinks; a checked descriptor cannot.
        auto fd = Medium::OpenIn((*dir)->get(), name, O_RDONLY);
        if (!fd) return Errno(fd.error());
        if (::fchmod(fd->get(), change.mode & 07777) != 0) return Errno();
      }
      if ((change.valid & (FATTR_ATIME | FATTR_MTIME)) != 0 &&
          ::utimensat((*dir)->get(), name.c_str(), times.data(),
                      AT_SYMLINK_NOFOLLOW) != 0) {
        return Errno();
      }
    } else if (node->real) {
      if ((change.valid & FATTR_MODE) != 0 &&
          ::fchmod(node->real->get(), change.mode & 07777) != 0) {
        return Errno();
      }
      if ((change.valid & (FATTR_ATIME | FATTR_MTIME)) != 0 &&
          ::futimens(node->real->get(), times.data()) != 0) {
        return Errno();
      }
    }
  }
  return GetAttr(id);
}

ErrnoOr<std::string> Filesystem::ReadLink(uint64_t id) {
  const std::lock_guard lock(mutex_);
  const NodePtr node = NodeLocked(id);
  if (!node || !node->parent) return Errno(ESTALE);
  auto dir = DirLocked(*node->parent);
  if (!dir) return Errno(dir.error());
  std::string target(PATH_MAX, '\0');
  const ssize_t n = ::readlinkat((*dir)->get(), node->name.c_str(),
                                 target.data(), target.size());
  if (n < 0) return Errno();
  target.resize(static_cast<size_t>(n));
  return target;
}

void Filesystem::DropContentLocked(Node& node) {
  TellEndedLocked(node);
  if (node.stream) RemoveSoon(std::move(node.stream), Overwrite::kNo);
  node.stream.reset();
  node.staged.reset();
  node.dirty = false;
  node.frozen = false;
}

void Filesystem::CountRemovalLocked(int dir_fd, const std::string& name) {
  counts_.Changed();
  const auto about = Medium::StatIn(dir_fd, name);
  if (about) counts_.Freed(about->st_size);
}

ErrnoStatus Filesystem::RemoveLocked(uint64_t parent_id,
                                     const std::string& name, int at_flags) {
  RETURN_IF_ERRNO(MayChangeLocked());
  const NodePtr parent = NodeLocked(parent_id);
  if (!parent) return Errno(ESTALE);
  auto found = ChildLocked(parent, name);
  if (!found) return Errno(found.error());
  const NodePtr node = *found;
  if (at_flags == AT_REMOVEDIR) {
    for (const auto& [key, child] : node->children) {
      if (!child->on_medium) return Errno(ENOTEMPTY);
    }
  }
  if (node->on_medium) {
    auto dir = DirLocked(*parent);
    if (!dir) return Errno(dir.error());
    // Whoever has it open goes on reading what was there.
    if (node->open_handles > 0) [[maybe_unused]]
      auto kept = RealLocked(*node);
    CountRemovalLocked((*dir)->get(), name);
    if (::unlinkat((*dir)->get(), name.c_str(), at_flags) != 0) return Errno();
    // Of a folder there is nothing to say: it was empty.
    if (at_flags != AT_REMOVEDIR) {
      parts_.core->TellFile(
          {.path = tree_.PathOf(*node), .change = ipc::FileChange::kRemoved});
    }
  }
  tree_.Unlink(*node);
  if (node->open_handles == 0 && !node->judging) DropContentLocked(*node);
  node->dir.reset();
  tree_.DropIfUnused(node.get());
  return {};
}

ErrnoStatus Filesystem::Unlink(uint64_t parent, const std::string& name) {
  const std::lock_guard lock(mutex_);
  return RemoveLocked(parent, name, 0);
}

ErrnoStatus Filesystem::RemoveDirectory(uint64_t parent,
                                        const std::string& name) {
  const std::lock_guard lock(mutex_);
  return RemoveLocked(parent, name, AT_REMOVEDIR);
}

ErrnoOr<fuse_statfs_out> Filesystem::Space() {
  if (stopped_.load()) return Errno(ENODEV);
  auto about = parts_.medium->Space();
  if (!about) return Errno(about.error());
  fuse_statfs_out out{};
  out.st.blocks = about->f_blocks;
  out.st.bfree = about->f_bfree;
  out.st.bavail = about->f_bavail;
  out.st.files = about->f_files;
  out.st.ffree = about->f_ffree;
  out.st.bsize = static_cast<uint32_t>(about->f_bsize);
  out.st.namelen = static_cast<uint32_t>(about->f_namelen);
  out.st.frsize = static_cast<uint32_t>(about->f_frsize);
  return out;
}

int Filesystem::XattrRefusal(std::string_view name) const {
  if (stopped_.load()) return ENODEV;
  // cp -p sets modes by chmod where it is told that there are no ACLs.
  if (name.starts_with("system.")) return EOPNOTSUPP;
  return parts_.medium->is_fat() ? EOPNOTSUPP : EPERM;
}

ErrnoOr<std::string> Filesystem::GetXattr(uint64_t id,
                                          const std::string& name) {
  // ENOSYS: the kernel need not ask again, and says EOPNOTSUPP by itself.
  if (parts_.medium->is_fat()) return Errno(ENOSYS);
  const std::lock_guard lock(mutex_);
  const NodePtr node = NodeLocked(id);
  if (!node) return Errno(ESTALE);
  if (!node->on_medium) return Errno(ENODATA);
  auto real = RealLocked(*node);
  if (!real) return Errno(ENODATA);
  std::string value(kMaxXattrBytes, '\0');
  const ssize_t n =
      ::fgetxattr((*real)->get(), name.c_str(), value.data(), value.size());
  if (n < 0) return Errno();
  value.resize(static_cast<size_t>(n));
  return value;
}

ErrnoOr<std::string> Filesystem::ListXattr(uint64_t id) {
  if (parts_.medium->is_fat()) return Errno(ENOSYS);
  const std::lock_guard lock(mutex_);
  const NodePtr node = NodeLocked(id);
  if (!node) return Errno(ESTALE);
  if (!node->on_medium) return std::string();
  auto real = RealLocked(*node);
  if (!real) return std::string();
  std::string names(kMaxXattrBytes, '\0');
  const ssize_t n = ::flistxattr((*real)->get(), names.data(), names.size());
  if (n < 0) return Errno();
  names.resize(static_cast<size_t>(n));
  return names;
}

ErrnoOr<fuse_entry_out> Filesystem::MakeDirectory(uint64_t parent_id,
                                                  const std::string& name,
                                                  mode_t mode,
                                                  const Requester& requester) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERRNO(MayChangeLocked());
    RETURN_IF_ERRNO(parts_.medium->CheckName(name));
    const NodePtr parent = NodeLocked(parent_id);
    if (!parent) return Errno(ESTALE);
    if (ChildLocked(parent, name)) return Errno(EEXIST);
    path = tree_.PathOf(*parent, name);
  }
  const auto who = parts_.core->AskWho(requester);
  if (!who && access_.load() != Access::kAudit) return Errno(EACCES);
  if (!Answered(parts_.core->Judge(who.value_or(Who{}), path, "create",
                                   parts_.scanner->ScanName(name), {},
                                   requester.deadline))) {
    return Errno(EACCES);
  }
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERRNO(MayChangeLocked());
  const NodePtr parent = NodeLocked(parent_id);
  if (!parent) return Errno(ESTALE);
  auto dir = DirLocked(*parent);
  if (!dir) return Errno(dir.error());
  if (tree_.Child(*parent, name)) return Errno(EEXIST);
  CountEntryLocked(*parent);
  counts_.Grew(counts_.cluster_bytes());
  if (::mkdirat((*dir)->get(), name.c_str(), mode) != 0) return Errno();
  auto node = ChildLocked(parent, name);
  if (!node) return Errno(node.error());
  return EntryLocked(**node);
}

// A target is 4 KiB of anything: it is inspected like a file's content.
ErrnoOr<fuse_entry_out> Filesystem::Symlink(uint64_t parent_id,
                                            const std::string& name,
                                            const std::string& target,
                                            const Requester& requester) {
  std::string path;
  {
    const std::lock_guard lock(mutex_);
    RETURN_IF_ERRNO(MayChangeLocked());
    if (parts_.medium->is_fat()) return Errno(EPERM);  // as vfat says
    RETURN_IF_ERRNO(parts_.medium->CheckName(name));
    const NodePtr parent = NodeLocked(parent_id);
    if (!parent) return Errno(ESTALE);
    if (ChildLocked(parent, name)) return Errno(EEXIST);
    path = tree_.PathOf(*parent, name);
  }
  const auto who = parts_.core->AskWho(requester);
  if (!who && access_.load() != Access::kAudit) return Errno(EACCES);
  auto staged = parts_.staging->NewFile();
  if (!staged) return Errno(staged.error());
  RETURN_IF_ERRNO((*staged)->Write(AsBytes(target), 0));
  auto content = (*staged)->OpenReadOnly();
  if (!content) return Errno(content.error());
  const ipc::Findings findings = parts_.scanner->Scan(
      content->get(), static_cast<int64_t>(target.size()), name, nullptr);
  if (!Answered(
          parts_.core->Judge(who.value_or(Who{}), path, "create", findings, {},
                             std::chrono::steady_clock::now() + kCoreWait))) {
    return Errno(EACCES);
  }
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERRNO(MayChangeLocked());
  const NodePtr parent = NodeLocked(parent_id);
  if (!parent) return Errno(ESTALE);
  auto dir = DirLocked(*parent);
  if (!dir) return Errno(dir.error());
  if (tree_.Child(*parent, name)) return Errno(EEXIST);
  CountEntryLocked(*parent);
  counts_.Wrote(static_cast<int64_t>(target.size()));
  if (::symlinkat(target.c_str(), (*dir)->get(), name.c_str()) != 0) {
    return Errno();
  }
  auto node = ChildLocked(parent, name);
  if (!node) return Errno(node.error());
  return EntryLocked(**node);
}

size_t Filesystem::NodeCount() {
  const std::lock_guard lock(mutex_);
  return tree_.size();
}

}  // namespace sekisho::gate
