// Rename: a verdict point for a content that is not decided yet, and for the
// new name in any case.
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/gate/filesystem.h"
#include "agent/gate/scan_client.h"

namespace sekisho::gate {

void Filesystem::Rename(uint64_t parent_id, const std::string& name,
                        uint64_t new_parent_id, const std::string& new_name,
                        uint32_t flags, const Requester& requester,
                        const Done& done) {
  // Exchanging or whiting out would need two verdicts at once.
  if ((flags & ~uint32_t{RENAME_NOREPLACE}) != 0) return done(EINVAL);
  NodePtr source;
  NodePtr new_parent;
  std::string new_path;
  bool undecided = false;
  bool streamed = false;
  {
    const std::lock_guard lock(mutex_);
    if (auto may = MayChangeLocked(); !may) return done(may.error());
    if (auto fine = parts_.medium->CheckName(new_name); !fine) {
      return done(fine.error());
    }
    const NodePtr parent = NodeLocked(parent_id);
    new_parent = NodeLocked(new_parent_id);
    if (!parent || !new_parent) return done(ESTALE);
    auto found = ChildLocked(parent, name);
    if (!found) return done(found.error());
    source = *found;
    const auto target = ChildLocked(new_parent, new_name);
    const NodePtr busy = source->judging                ? source
                         : target && (*target)->judging ? *target
                                                        : nullptr;
    if (busy) {
      busy->parked.push_back([=, this] {
        Rename(parent_id, name, new_parent_id, new_name, flags, requester,
               done);
      });
      return;
    }
    if (target && (flags & RENAME_NOREPLACE) != 0) return done(EEXIST);
    new_path = tree_.PathOf(*new_parent, new_name);
    undecided = source->dirty && source->staged->size() > 0;
    streamed = source->stream != nullptr;
  }
  const auto who = parts_.core->AskWho(requester);
  if (!who && access_.load() != Access::kAudit) return done(EACCES);
  const auto name_may_pass = [=, this](Deadline deadline) {
    return Answered(parts_.core->Judge(who.value_or(Who{}), new_path, "rename",
                                       parts_.scanner->ScanName(new_name), {},
                                       deadline));
  };
  if (undecided) {
    Ask ask;
    ask.who = who.value_or(Who{});
    ask.operation = "rename";
    ask.path = new_path;
    const auto judged = std::make_shared<JudgedPath>(this, new_path);
    const Done then = [=, this](int error_number) {
      // A stream was begun under its old name.
      if (error_number == 0 && streamed &&
          !name_may_pass(std::chrono::steady_clock::now() + kCoreWait)) {
        error_number = EACCES;
      }
      if (error_number == 0) {
        error_number =
            RenameNow(source, new_parent, new_name, flags, Known::kNewName);
      }
      done(error_number);
    };
    parts_.pool->Post([=, this] { Judge(source, ask, then); });
    return;
  }
  if (!name_may_pass(requester.deadline)) return done(EACCES);
  done(RenameNow(source, new_parent, new_name, flags, Known::kOldName));
}

int Filesystem::RenameNow(const NodePtr& source, const NodePtr& new_parent,
                          const std::string& new_name, uint32_t flags,
                          Known known) {
  const std::lock_guard lock(mutex_);
  if (!source->linked || !new_parent->linked) return ENOENT;
  auto found = ChildLocked(new_parent, new_name);
  const NodePtr target = found ? *found : nullptr;
  if (target == source) {
    // "A" to "a" on FAT is the same file with a new spelling.
    if (source->name == new_name && source->parent == new_parent) return 0;
  } else if (target && (flags & RENAME_NOREPLACE) != 0) {
    return EEXIST;
  }
  auto old_dir = DirLocked(*source->parent);
  auto new_dir = DirLocked(*new_parent);
  if (!old_dir) return old_dir.error();
  if (!new_dir) return new_dir.error();
  const bool replaces = target && target != source;
  if (replaces) {
    for (const auto& [key, child] : target->children) {
      if (!child->on_medium) return ENOTEMPTY;
    }
    // Whoever has it open goes on reading what was there.
    if (target->on_medium && target->open_handles > 0) {
      [[maybe_unused]] auto kept = RealLocked(*target);
    }
  }
  if (source->on_medium) {
    CountEntryLocked(*new_parent);
    if (replaces) CountRemovalLocked((*new_dir)->get(), new_name);
    if (::renameat((*old_dir)->get(), source->name.c_str(), (*new_dir)->get(),
                   new_name.c_str()) != 0) {
      return errno;
    }
    TellRenamedLocked(*source, tree_.PathOf(*new_parent, new_name), known,
                      target == source);
  } else if (replaces) {
    // Nothing of the source exists yet: its commit will replace the target's
    // file, all or nothing.
    if (S_ISDIR(target->mode)) return EISDIR;
    source->on_medium = target->on_medium;
  }
  if (replaces) {
    tree_.Unlink(*target);
    if (target->open_handles == 0 && !target->judging) {
      DropContentLocked(*target);
    }
    tree_.DropIfUnused(target.get());
  }
  tree_.Move(*source, new_parent, new_name);
  return 0;
}

void Filesystem::TellRenamedLocked(const Node& source,
                                   const std::string& new_path, Known known,
                                   bool same_file) {
  if (S_ISDIR(source.mode)) ++folder_moves_;
  ipc::ToldFile told{.path = new_path,
                     .change = ipc::FileChange::kRenamed,
                     .old_path = tree_.PathOf(source)};
  if (known == Known::kNewName) {
    if (same_file) return;
    // The verdict named it as it is called now.
    told = {.path = told.old_path, .change = ipc::FileChange::kRemoved};
  }
  parts_.core->TellFile(std::move(told));
}

}  // namespace sekisho::gate
