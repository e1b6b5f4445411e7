// What the mount does. Names and metadata pass through to the medium; content
// is staged, judged at flush, fsync, rename and last release, and only then
// written. Of a large new file that is written in order, what was judged for
// good and may pass is released meanwhile. Nothing else of a refused content
// reaches the medium, and what had been released is overwritten.
//
// Thread-safe. Operations that say "may wait" ask sekishod or the scan worker
// and belong on a worker pool; the others touch the medium at most.
//   filesystem.cc  names and attributes      content.cc  open, read, write
//   listing.cc     directories               verdict.cc  judge, commit
//   rename.cc      rename                    stream.cc   release while written
//   contents.cc    what lies on the medium   erase.cc    overwrite all of it
#pragma once

#include <linux/fuse.h>

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "agent/gate/file_news.h"
#include "agent/gate/fuse_device.h"
#include "agent/gate/judge.h"
#include "agent/gate/medium.h"
#include "agent/gate/medium_counts.h"
#include "agent/gate/node.h"
#include "agent/gate/staging.h"
#include "agent/gate/tree.h"
#include "agent/gate/worker_pool.h"

namespace sekisho::gate {

enum class Access { kReadOnly, kInspect, kAudit };
// Anything not known is read-only: no byte leaves by a word we do not know.
Access AccessFrom(std::string_view word);

enum class Undecided { kJudge, kDrop };
enum class Sync { kNone, kData };

// How far the listing of a medium goes. It may be hostile, or just large.
struct ListingBounds {
  size_t files = 10'000;  // told; more are counted
  size_t entries = 200'000;
  size_t depth = 32;
  size_t folders_ahead = 20'000;
  std::chrono::milliseconds time{60'000};
};

struct Erased {
  bool ok = false;
  int64_t bytes = 0;  // overwritten and read back
  std::string error;
};

// 0 or an errno. Called once, from any thread.
using Done = std::function<void(int error_number)>;

class Filesystem {
 public:
  struct Settings {
    Access access = Access::kReadOnly;
    uint32_t owner_uid = 0;  // shown as owner of everything
    uint32_t owner_gid = 0;
  };
  struct Parts {
    Medium* medium = nullptr;  // none owned; all outlive the filesystem
    StagingArea* staging = nullptr;
    Scanner* scanner = nullptr;
    Core* core = nullptr;
    WorkerPool* pool = nullptr;
    FuseChannel* channel = nullptr;
  };

  Filesystem(const Settings& settings, const Parts& parts);

  void SetAccess(Access access) { access_.store(access); }
  // From now on every operation fails with ENODEV.
  void StopServing() { stopped_.store(true); }
  // Waits for all verdicts and syncs the medium. What no verdict point was
  // reached for is judged now, or dropped.
  void Finish(Undecided undecided);

  // ---- names and attributes
  ErrnoOr<fuse_entry_out> Lookup(uint64_t parent, const std::string& name);
  void Forget(uint64_t id, uint64_t lookups);
  ErrnoOr<fuse_attr_out> GetAttr(uint64_t id);
  // Everything but the size.
  ErrnoOr<fuse_attr_out> SetAttr(uint64_t id, const fuse_setattr_in& change);
  ErrnoOr<std::string> ReadLink(uint64_t id);
  ErrnoStatus Unlink(uint64_t parent, const std::string& name);
  ErrnoStatus RemoveDirectory(uint64_t parent, const std::string& name);
  ErrnoOr<fuse_statfs_out> Space();
  ErrnoOr<std::string> GetXattr(uint64_t id, const std::string& name);
  ErrnoOr<std::string> ListXattr(uint64_t id);
  // Setting and removing: there is no verdict for them yet.
  int XattrRefusal(std::string_view name) const;
  // May wait.
  ErrnoOr<fuse_entry_out> MakeDirectory(uint64_t parent,
                                        const std::string& name, mode_t mode,
                                        const Requester& requester);
  ErrnoOr<fuse_entry_out> Symlink(uint64_t parent, const std::string& name,
                                  const std::string& target,
                                  const Requester& requester);

  // ---- directories
  ErrnoOr<uint64_t> OpenDirectory(uint64_t id);
  // At most `size` bytes of fuse_dirent, or fuse_direntplus.
  enum class Entries { kPlain, kPlus };
  ErrnoOr<Bytes> ReadDirectory(uint64_t id, uint64_t fh, uint64_t offset,
                               size_t size, Entries entries);
  ErrnoStatus SyncDirectory(uint64_t id);
  void ReleaseDirectory(uint64_t fh);

  // ---- content
  // May wait when `flags` ask for writing.
  ErrnoOr<uint64_t> Open(uint64_t id, int flags, const Requester& requester);
  struct Created {
    fuse_entry_out entry;
    uint64_t fh;
  };
  ErrnoOr<Created> Create(uint64_t parent, const std::string& name, int flags,
                          mode_t mode, const Requester& requester);
  ErrnoOr<size_t> Read(uint64_t fh, int64_t offset, std::span<std::byte> out);
  ErrnoOr<size_t> Write(uint64_t fh, int64_t offset, ByteSpan bytes);
  // The next write first fetches what is there, or waits for what is judged
  // while it is written: not on a reading thread.
  bool WriteMayWait(uint64_t fh);
  void Release(uint64_t fh);

  // ---- verdict points; all may wait, and run on the pool
  void Flush(uint64_t fh, const Done& done);
  // Nothing to decide: Flush() would answer at once with 0.
  bool FlushIsIdle(uint64_t fh);
  void Fsync(uint64_t fh, const Done& done);
  // `fh` 0: by path. Without an open writer this is a verdict point.
  void Truncate(uint64_t id, uint64_t fh, int64_t size,
                const Requester& requester, const Done& done);
  void Rename(uint64_t parent, const std::string& name, uint64_t new_parent,
              const std::string& new_name, uint32_t flags,
              const Requester& requester, const Done& done);

  // ---- what lies on the medium
  // Tells the core each file. Takes its time, and stops when `may_go_on` says
  // no. Complete: nothing was left out, and no folder was moved meanwhile.
  ListingEnd ListContents(const ListingBounds& bounds,
                          const std::function<bool()>& may_go_on);
  // How many there were.
  uint64_t FolderMoves();

  // Removes everything, overwrites all that is free, reads it back; minutes to
  // hours. Meanwhile nothing else can be changed (EBUSY). Refused where nothing
  // may be changed and while somebody writes. `most_bytes`: tests do not fill
  // their disk.
  Erased Erase(const std::function<bool()>& may_go_on,
               int64_t most_bytes = INT64_MAX);

  // What was done to the medium so far.
  ipc::GateCounts Counts() const { return counts_.Now(); }
  // For tests: nodes still remembered.
  size_t NodeCount();

 private:
  friend class ContentsWalk;
  struct Ask {
    Who who;
    std::string operation;  // empty: "create" or "overwrite", as it is
    std::string path;       // empty: where the file is
    Sync sync = Sync::kNone;
    // A file that is empty so far may be a shell's redirection that another
    // descriptor fills later: only fsync and the last close decide it.
    bool even_empty = false;
  };
  struct Taken {  // what JudgeContent works on
    std::shared_ptr<StagedFile> content;
    StreamPtr stream;
    Released released;
    Who released_by;
    std::string path;
    std::string name;
    bool overwrite = false;
  };

  // Names with mutex_ held end in Locked.
  NodePtr NodeLocked(uint64_t id);
  HandlePtr HandleOf(uint64_t fh);
  ErrnoOr<SharedFd> DirLocked(Node& node);
  ErrnoOr<NodePtr> ChildLocked(const NodePtr& parent, const std::string& name);
  ErrnoOr<fuse_attr> AttrLocked(Node& node);
  ErrnoOr<fuse_entry_out> EntryLocked(Node& node);
  fuse_attr AttrFrom(const Node& node, const struct stat& about) const;
  ErrnoOr<SharedFd> RealLocked(Node& node);
  uint64_t AddHandleLocked(HandlePtr handle);
  ErrnoStatus MayChangeLocked() const;
  ErrnoStatus RemoveLocked(uint64_t parent, const std::string& name,
                           int at_flags);
  void DropContentLocked(Node& node);
  // An entry is about to be made in `directory`.
  void CountEntryLocked(Node& directory);
  // `name` is about to be removed or replaced.
  void CountRemovalLocked(int dir_fd, const std::string& name);
  static void TouchLocked(Node& node);
  // What stands in the way of `handle`, or nothing.
  ErrnoStatus HandleFitLocked(const Handle& handle) const;

  // With node.writing held: a content that may be written to.
  enum class Keep { kContent, kNothing };
  ErrnoOr<std::shared_ptr<StagedFile>> Writable(const NodePtr& node, Keep keep);
  ErrnoStatus Fetch(int from, StagedFile& to);
  void LimitHit(const NodePtr& node, const HandlePtr& handle, int64_t size,
                int error_number);

  // ---- release while written; with node.writing held
  // A write of up to `end` comes. true: from now on the content is streamed.
  bool BeginStream(const NodePtr& node, StagedFile& staged, const Who& who,
                   int64_t end);
  // Hands on what was written and releases what may pass. An error is the
  // medium's.
  ErrnoStatus Advance(const NodePtr& node, StagedFile& staged);
  bool MayRelease(Node& node, Stream& stream,
                  const ipc::ScanProgress& progress);
  void WriteBackSoon(const StreamPtr& stream);
  ErrnoStatus ReleaseTo(Node& node, Stream& stream, StagedFile& staged,
                        int64_t end);
  ErrnoStatus OpenReleased(Node& node, Stream& stream);
  // The content is written to in another way than in order: all of it goes
  // back to staging.
  ErrnoStatus Restage(const NodePtr& node);
  // What was released is no file any more. kYes: nor are its bytes there.
  enum class Overwrite { kYes, kNo };
  void RemoveSoon(StreamPtr stream, Overwrite overwrite);
  void Remove(Stream& stream, Overwrite overwrite);
  // No verdict will name what was released of `node`.
  void TellEndedLocked(Node& node);
  ErrnoOr<size_t> ReadUndecided(const StagedFile& staged,
                                const StreamPtr& stream, SharedFd released,
                                int64_t offset, std::span<std::byte> out);
  ipc::Findings Inspect(const Taken& taken, const Who& who);
  int CommitStream(const NodePtr& node, const Taken& taken, Sync sync,
                   SharedFd* committed);
  // Mode, times, sync.
  int SealFile(const Node& node, int fd, Sync sync);

  // Judges and commits what is staged for `node`; runs `done` exactly once.
  void Judge(const NodePtr& node, const Ask& ask, const Done& done);
  int JudgeContent(const NodePtr& node, const Ask& ask);
  int Commit(const NodePtr& node, const Taken& taken, Sync sync);
  int CommitNew(const NodePtr& node, const Taken& taken, Sync sync,
                SharedFd* committed);
  int CommitOver(const NodePtr& node, const Taken& taken, Sync sync,
                 SharedFd* committed);
  int FillFile(const Node& node, const StagedFile& content, int fd, Sync sync);
  // Back to the last committed version; open handles are dead from now on.
  void Refuse(const NodePtr& node, int error_number);
  void RefuseLocked(Node& node, int error_number);  // node.writing held too
  void ForgetInKernel(const NodePtr& node);
  void EndJudging(const NodePtr& node);
  int SyncReal(const NodePtr& node);
  // Of what was asked about last: under which name is it known?
  enum class Known { kOldName, kNewName };
  int RenameNow(const NodePtr& source, const NodePtr& new_parent,
                const std::string& new_name, uint32_t flags, Known known);
  void TellRenamedLocked(const Node& source, const std::string& new_path,
                         Known known, bool same_file);
  bool IsLinked(const NodePtr& node);
  // It was said to be on the medium, and may not be.
  void TellAsItIs(const NodePtr& node);
  // For ContentsWalk.
  ErrnoOr<UniqueFd> OpenToList(const std::string& path);
  enum class Seen { kThere, kNot, kBusy };
  Seen TellPresent(int dir_fd, const std::string& name, const std::string& path,
                   bool tell);
  void TellPresentLocked(const std::string& path, const struct stat& about);
  // While it lives, what is at `path` is about to be another content.
  class JudgedPath {
   public:
    JudgedPath(Filesystem* filesystem, const std::string& path)
        : filesystem_(*filesystem), path_(path) {
      const std::lock_guard lock(filesystem_.mutex_);
      filesystem_.judged_paths_.insert(path_);
    }
    JudgedPath(const JudgedPath&) = delete;
    JudgedPath& operator=(const JudgedPath&) = delete;
    ~JudgedPath() {
      const std::lock_guard lock(filesystem_.mutex_);
      filesystem_.judged_paths_.erase(filesystem_.judged_paths_.find(path_));
    }

   private:
    Filesystem& filesystem_;
    const std::string path_;
  };
  bool Answered(const Judgement& judgement) const;

  const Settings settings_;
  const Parts parts_;
  std::atomic<Access> access_;
  std::atomic<bool> stopped_{false};
  MediumCounts counts_;

  std::mutex mutex_;  // guards what follows; never held while data is copied
  Tree tree_;
  uint64_t next_fh_ = 0;
  uint64_t next_stream_ = 0;
  std::unordered_map<uint64_t, HandlePtr> handles_;
  std::unordered_set<std::string> temporary_names_;
  std::unordered_multiset<std::string> judged_paths_;
  uint64_t folder_moves_ = 0;
  bool erasing_ = false;
  std::deque<std::weak_ptr<Node>> cached_dirs_;  // nodes with `dir` set
  WorkerPool write_back_{1};
};

}  // namespace sekisho::gate
