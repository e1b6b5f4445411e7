// The verdict points. One content of a file is judged at a time; whoever comes
// meanwhile is parked. What passes is written to the medium: a new file under
// its name, a change beside the old version and then renamed over it.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "agent/gate/filesystem.h"
#include "agent/gate/scan_client.h"
#include "agent/gate/temporary_name.h"
#include "common/bytes.h"

namespace sekisho::gate {
namespace {

Deadline CoreDeadline() { return std::chrono::steady_clock::now() + kCoreWait; }

}  // namespace

std::string TemporaryName() {
  std::array<std::byte, 8> random{};
  FillRandom(random);
  return ".sekisho-" + ToHex(random) + ".tmp";
}

// In audit nothing is refused for want of an answer; it is an event once
// sekishod is back that it was away.
bool Filesystem::Answered(const Judgement& judgement) const {
  if (judgement.allowed) return true;
  return access_.load() == Access::kAudit && !judgement.answered;
}

void Filesystem::Judge(const NodePtr& node, const Ask& ask, const Done& done) {
  {
    const std::lock_guard lock(mutex_);
    if (node->judging) {
      node->parked.push_back(
          [this, node, ask, done] { Judge(node, ask, done); });
      return;
    }
    node->judging = true;
  }
  const int error_number = JudgeContent(node, ask);
  EndJudging(node);
  done(error_number);
  // Only now: the kernel may need the answer before it can drop anything.
  if (error_number != 0) ForgetInKernel(node);
}

void Filesystem::ForgetInKernel(const NodePtr& node) {
  parts_.channel->ForgetPages(node->id);
  uint64_t parent_id = 0;
  std::string name;
  {
    const std::lock_guard lock(mutex_);
    if (node->linked || !node->parent) return;
    parent_id = node->parent->id;
    name = node->name;
  }
  parts_.channel->ForgetName(parent_id, name);
}

void Filesystem::EndJudging(const NodePtr& node) {
  std::vector<std::function<void()>> parked;
  {
    const std::lock_guard lock(mutex_);
    node->judging = false;
    parked.swap(node->parked);
    if (!node->linked && node->open_handles == 0) DropContentLocked(*node);
    tree_.DropIfUnused(node.get());
  }
  for (auto& job : parked) parts_.pool->Post(std::move(job));
}

int Filesystem::JudgeContent(const NodePtr& node, const Ask& ask) {
  Taken taken;
  {
    const std::lock_guard writing(node->writing);
    const std::lock_guard lock(mutex_);
    const bool empty = node->staged && node->staged->size() == 0;
    // Removed while open: these bytes never go anywhere.
    const bool nothing = !node->staged || !node->dirty || !node->linked;
    if (!nothing && !(empty && !ask.even_empty)) {
      taken.content = node->staged;
      taken.stream = node->stream;
      taken.released = std::exchange(node->released, {});
      taken.released_by = node->released_by;
      node->frozen = true;
      node->dirty = false;
      taken.path = ask.path.empty() ? tree_.PathOf(*node) : ask.path;
      // Of a rename the new name.
      taken.name = taken.path.substr(taken.path.rfind('/') + 1);
      taken.overwrite = node->on_medium;
    }
  }
  if (!taken.content) return ask.sync == Sync::kData ? SyncReal(node) : 0;
  // Whoever is refused from here on has nothing left on the medium.
  const auto refuse = [&](int error_number, bool told) {
    if (!told) {
      const std::lock_guard lock(mutex_);
      node->released = taken.released;
    }
    Refuse(node, error_number);
    if (taken.stream) RemoveSoon(taken.stream, Overwrite::kYes);
    return error_number;
  };
  if (access_.load() == Access::kReadOnly) return refuse(EROFS, false);
  const JudgedPath judged(this, taken.path);
  const ipc::Findings findings = Inspect(taken, ask.who);
  const std::string operation = !ask.operation.empty() ? ask.operation
                                : taken.overwrite      ? "overwrite"
                                                       : "create";
  const Judgement judgement = parts_.core->Judge(
      ask.who, taken.path, operation, findings, taken.released, CoreDeadline());
  if (!Answered(judgement)) return refuse(EACCES, judgement.answered);
  const int failed = Commit(node, taken, ask.sync);
  if (failed != 0 || !IsLinked(node)) TellAsItIs(node);
  if (failed == 0) return 0;
  parts_.core->TellFailed(judgement.question_id, taken.path,
                          std::strerror(failed));
  return refuse(failed, true);
}

bool Filesystem::IsLinked(const NodePtr& node) {
  const std::lock_guard lock(mutex_);
  return node->linked;
}

void Filesystem::TellAsItIs(const NodePtr& node) {
  const std::lock_guard lock(mutex_);
  if (!node->parent) return;
  const std::string path = tree_.PathOf(*node);
  if (const auto dir = DirLocked(*node->parent)) {
    if (const auto about = Medium::StatIn((*dir)->get(), node->name)) {
      return TellPresentLocked(path, *about);
    }
  }
  parts_.core->TellFile({.path = path, .change = ipc::FileChange::kRemoved});
}

ipc::Findings Filesystem::Inspect(const Taken& taken, const Who& who) {
  const int64_t size = taken.content->size();
  auto readable = taken.content->OpenReadOnly();
  if (!readable) return Uninspected(size, "crash");
  if (taken.stream) {
    auto findings = taken.stream->scan->Finish(readable->get(), size);
    if (findings) return *std::move(findings);
    if (taken.content->start() > 0) return Uninspected(size, "crash");
  }
  bool told = false;
  ipc::Checking checking;
  checking.path = taken.path;
  checking.size_bytes = size;
  auto findings = parts_.scanner->Scan(
      readable->get(), size, taken.name, [&](int64_t read_bytes) {
        told = true;
        checking.read_bytes = read_bytes;
        parts_.core->TellChecking(who, checking);
      });
  checking.over = true;
  if (told) parts_.core->TellChecking(who, checking);
  return findings;
}

void Filesystem::Refuse(const NodePtr& node, int error_number) {
  const std::lock_guard writing(node->writing);
  const std::lock_guard lock(mutex_);
  RefuseLocked(*node, error_number);
}

void Filesystem::RefuseLocked(Node& node, int error_number) {
  ++node.refusals;
  node.refused_errno = error_number;
  if (node.stream) RemoveSoon(std::move(node.stream), Overwrite::kYes);
  node.stream.reset();
  DropContentLocked(node);
  if (!node.on_medium) tree_.Unlink(node);
}

int Filesystem::SyncReal(const NodePtr& node) {
  SharedFd real;
  {
    const std::lock_guard lock(mutex_);
    if (!node->on_medium) return 0;
    auto opened = RealLocked(*node);
    if (!opened) return opened.error();
    real = *opened;
  }
  counts_.Changed();
  return ::fsync(real->get()) == 0 ? 0 : errno;
}

int Filesystem::Commit(const NodePtr& node, const Taken& taken, Sync sync) {
  SharedFd committed;
  const int failed = taken.stream && taken.stream->file
                         ? CommitStream(node, taken, sync, &committed)
                     : taken.overwrite
                         ? CommitOver(node, taken, sync, &committed)
                         : CommitNew(node, taken, sync, &committed);
  if (failed != 0) return failed;
  const std::lock_guard lock(mutex_);
  if (node->stream == taken.stream) node->stream.reset();
  if (node->open_handles > 0 && committed) {
    node->real = std::move(committed);
  } else {
    node->real.reset();
  }
  // Written to since: what is staged now is judged at the next point.
  if (node->staged == taken.content) DropContentLocked(*node);
  return 0;
}

int Filesystem::FillFile(const Node& node, const StagedFile& content, int fd,
                         Sync sync) {
  // Holes too: FAT has none, and writes zeros.
  counts_.Wrote(content.size());
  if (auto copied = CopyContent(content.fd(), fd, content.size()); !copied) {
    return copied.error();
  }
  return SealFile(node, fd, sync);
}

int Filesystem::SealFile(const Node& node, int fd, Sync sync) {
  std::array<timespec, 2> times{};
  mode_t mode = 0;
  {
    const std::lock_guard lock(mutex_);
    times = {node.atime, node.mtime};
    mode = node.mode & 07777;
  }
  counts_.Changed();
  // FAT has no such modes and coarser times; neither stops a copy there.
  [[maybe_unused]] const int mode_set = ::fchmod(fd, mode);
  [[maybe_unused]] const int times_set = ::futimens(fd, times.data());
  if (sync == Sync::kData && ::fsync(fd) != 0) return errno;
  return 0;
}

int Filesystem::CommitNew(const NodePtr& node, const Taken& taken, Sync sync,
                          SharedFd* committed) {
  UniqueFd fd;
  {
    const std::lock_guard lock(mutex_);
    if (!node->linked) return 0;
    auto dir = DirLocked(*node->parent);
    if (!dir) return dir.error();
    CountEntryLocked(*node->parent);
    auto made = Medium::OpenIn((*dir)->get(), node->name,
                               O_RDWR | O_CREAT | O_EXCL, 0600);
    if (!made) return made.error();
    fd = *std::move(made);
    node->on_medium = true;
  }
  const int failed = FillFile(*node, *taken.content, fd.get(), sync);
  if (failed == 0) {
    *committed = std::make_shared<UniqueFd>(std::move(fd));
    return 0;
  }
  const std::lock_guard lock(mutex_);
  if (node->linked) {
    auto dir = DirLocked(*node->parent);
    if (dir) {
      CountRemovalLocked((*dir)->get(), node->name);
      ::unlinkat((*dir)->get(), node->name.c_str(), 0);
    }
    node->on_medium = false;
  }
  return failed;
}

int Filesystem::CommitOver(const NodePtr& node, const Taken& taken, Sync sync,
                           SharedFd* committed) {
  const std::string temporary = TemporaryName();
  SharedFd made_in;
  UniqueFd fd;
  {
    const std::lock_guard lock(mutex_);
    if (!node->linked) return 0;
    auto dir = DirLocked(*node->parent);
    if (!dir) return dir.error();
    made_in = *dir;
    CountEntryLocked(*node->parent);
    auto made = Medium::OpenIn(made_in->get(), temporary,
                               O_RDWR | O_CREAT | O_EXCL, 0600);
    if (!made) return made.error();
    fd = *std::move(made);
    temporary_names_.insert(temporary);
  }
  int failed = FillFile(*node, *taken.content, fd.get(), sync);
  const std::lock_guard lock(mutex_);
  temporary_names_.erase(temporary);
  bool renamed = false;
  if (failed == 0 && node->linked) {
    auto dir = DirLocked(*node->parent);
    if (dir) {
      CountEntryLocked(*node->parent);
      CountRemovalLocked((*dir)->get(), node->name);
    }
    if (!dir) {
      failed = dir.error();
    } else if (::renameat(made_in->get(), temporary.c_str(), (*dir)->get(),
                          node->name.c_str()) != 0) {
      failed = errno;
    } else {
      renamed = true;
    }
  }
  if (renamed) {
    *committed = std::make_shared<UniqueFd>(std::move(fd));
  } else {
    CountRemovalLocked(made_in->get(), temporary);
    ::unlinkat(made_in->get(), temporary.c_str(), 0);
  }
  return failed;
}

bool Filesystem::FlushIsIdle(uint64_t fh) {
  const std::lock_guard lock(mutex_);
  const auto found = handles_.find(fh);
  if (found == handles_.end()) return false;
  const Handle& handle = *found->second;
  if (!handle.write) return true;
  const Node& node = *handle.node;
  if (!HandleFitLocked(handle) || node.judging) return false;
  return !node.dirty || (node.staged && node.staged->size() == 0);
}

void Filesystem::Flush(uint64_t fh, const Done& done) {
  const HandlePtr handle = HandleOf(fh);
  if (!handle) return done(EBADF);
  if (!handle->write) return done(0);
  {
    const std::lock_guard lock(mutex_);
    if (auto fit = HandleFitLocked(*handle); !fit) return done(fit.error());
  }
  Ask ask;
  ask.who = handle->who;
  Judge(handle->node, ask, [this, handle, done](int error_number) {
    if (error_number == 0) {
      // Parked behind a verdict that refused: the refusal is this one's too.
      const std::lock_guard lock(mutex_);
      if (auto fit = HandleFitLocked(*handle); !fit) error_number = fit.error();
    }
    done(error_number);
  });
}

void Filesystem::Fsync(uint64_t fh, const Done& done) {
  const HandlePtr handle = HandleOf(fh);
  if (!handle) return done(EBADF);
  {
    const std::lock_guard lock(mutex_);
    if (auto fit = HandleFitLocked(*handle); handle->write && !fit) {
      return done(fit.error());
    }
  }
  Ask ask;
  ask.who = handle->who;
  ask.sync = Sync::kData;
  ask.even_empty = true;
  Judge(handle->node, ask, done);
}

void Filesystem::Truncate(uint64_t id, uint64_t fh, int64_t size,
                          const Requester& requester, const Done& done) {
  NodePtr node;
  bool written_elsewhere = false;
  HandlePtr handle;
  {
    const std::lock_guard lock(mutex_);
    if (auto may = MayChangeLocked(); !may) return done(may.error());
    node = NodeLocked(id);
    if (!node) return done(ESTALE);
    const auto found = handles_.find(fh);
    if (found != handles_.end() && found->second->node == node) {
      handle = found->second;
    }
    if (handle) {
      if (auto fit = HandleFitLocked(*handle); !fit) return done(fit.error());
    }
    written_elsewhere = node->write_handles > 0;
  }
  Ask ask;
  ask.even_empty = true;
  if (!written_elsewhere) {
    const auto who = parts_.core->AskWho(requester);
    if (!who && access_.load() != Access::kAudit) return done(EACCES);
    ask.who = who.value_or(Who{});
  }
  {
    const std::lock_guard writing(node->writing);
    auto staged = Writable(node, size == 0 ? Keep::kNothing : Keep::kContent);
    if (!staged) return done(staged.error());
    if ((*staged)->size() != size) {
      if (auto restaged = Restage(node); !restaged) {
        {
          const std::lock_guard lock(mutex_);
          RefuseLocked(*node, restaged.error());
        }
        return done(restaged.error());
      }
    }
    if (auto cut = (*staged)->Truncate(size); !cut) return done(cut.error());
    const std::lock_guard lock(mutex_);
    node->dirty = true;
    TouchLocked(*node);
  }
  if (written_elsewhere) return done(0);
  Judge(node, ask, done);
}

void Filesystem::Finish(Undecided what) {
  std::vector<NodePtr> undecided;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [fh, handle] : handles_) {
      Node& node = *handle->node;
      if (!node.dirty) continue;
      if (what == Undecided::kJudge) {
        undecided.push_back(handle->node);
      } else if (!node.judging) {
        const auto overwrite =
            node.released.persons > 0 ? Overwrite::kYes : Overwrite::kNo;
        TellEndedLocked(node);
        if (node.stream) RemoveSoon(std::move(node.stream), overwrite);
      }
    }
  }
  for (const NodePtr& node : undecided) {
    Ask ask;
    ask.even_empty = true;
    parts_.pool->Post([this, node, ask] { Judge(node, ask, [](int) {}); });
  }
  parts_.pool->Drain();
  [[maybe_unused]] const ErrnoStatus synced = parts_.medium->Sync();
}

}  // namespace sekisho::gate
