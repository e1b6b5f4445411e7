// Which files are the agent's own programs. The kernel gate knows them by
// inode; here a new file in a program's place gets that standing only when its
// bytes ran here before or a signed upgrade manifest names them. While nothing
// is enforced every file is taken. Deciding what an unknown file means for
// devices and transfers is left to the agent.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/enforce/kernel_gate.h"
#include "agent/jobs.h"
#include "common/event_loop.h"
#include "common/unique_fd.h"
#include "policy/upgrade_manifest.h"

namespace sekisho::agent {

// True if `pid` runs the file at `program`. Its inode is compared, not its
// name; a pid that is gone is false.
bool RunsProgram(pid_t pid, const std::string& program);

class OwnPrograms {
 public:
  struct Program {
    std::string path;
    // As manifests name it; tests keep their programs elsewhere.
    std::string manifest_path;
    enforce::ProgramRole role = enforce::ProgramRole::kOther;
  };
  struct Events {
    std::function<bool()> enforcing;
    // Once for each file that stands in a program's place and is not ours.
    std::function<void(const std::string& what)> refused;
  };

  // Loop thread only. `gate` may be null: then only what is read here protects.
  OwnPrograms(EventLoop& loop, Jobs& jobs, enforce::KernelGate* gate,
              std::vector<Program> programs, Events events);
  ~OwnPrograms();
  OwnPrograms(OwnPrograms&&) = delete;

  // Begins with what the gate knows, or what is installed if there is no gate,
  // and watches from there on. What cannot be watched is looked at when it
  // counts.
  void Start();
  void SetManifest(std::optional<policy::UpgradeManifest> manifest);
  void OnModeChanged();

  // Looks now. An error names a file in a program's place that is not ours, or
  // not yet; while it stands nothing that programs say may open anything.
  Status Check();
  // The same as known from the last look.
  Status Standing() const;
  // `pid` runs a file that was taken for the program installed at `path`, also
  // one that an upgrade has replaced since.
  bool Owns(pid_t pid, const std::string& path) const;

  // Runs when every file has been judged; maybe at once.
  void WhenSettled(std::function<void()> callback);
  // Whether these files would be taken; an error names the first that would
  // not, for the package's scripts. Only after WhenSettled().
  Status WouldTake(const policy::UpgradeManifest& list) const;

 private:
  // Changes with every replacement, not with every read.
  struct Seen {
    bool there = false;
    uint64_t device = 0;
    uint64_t inode = 0;
    int64_t size_bytes = 0;
    int64_t born_ns = 0;
    int64_t written_ns = 0;
    bool operator==(const Seen&) const = default;
  };
  struct Taken {
    enforce::AgentProgram program;
    std::string path;     // empty: known from the gate, not yet found
    uint64_t device = 0;  // as stat(2) tells it
  };
  struct Slot {
    Program program;
    Seen seen;
    enum class State {
      kUnseen,
      kJudging,
      kOwn,
      kForeign
    } state = State::kUnseen;
    uint64_t ticket = 0;  // of the job whose answer counts
    std::optional<enforce::ProgramIdentity> identity;
    std::optional<policy::ProgramFile> file;
    std::string why;  // kForeign
    bool told = false;
    bool again = false;  // judged a second time, since its bytes became known
  };
  struct Hashed {
    policy::ProgramFile file;
    Status status;
  };

  static Seen See(const std::string& path);
  static Hashed HashFile(int fd, std::string manifest_path);
  void Watch();
  void Look();
  void Judge(size_t index);
  void JudgeForeign();
  void OnHashed(size_t index, uint64_t ticket, bool vouched,
                const Hashed& hashed);
  void Refuse(Slot& slot, const std::string& why);
  void Settle();
  Status Take(const Slot& slot);
  Status WriteGate(const std::vector<enforce::AgentProgram>& more);
  void DropEnded();
  bool Vouched(const Slot& slot) const;
  bool Known(const policy::ProgramFile& file) const;

  EventLoop& loop_;
  Jobs& jobs_;
  enforce::KernelGate* const gate_;
  const Events events_;
  std::vector<Slot> slots_;
  std::vector<Taken> taken_;
  std::vector<enforce::AgentProgram> shielded_;  // being judged
  std::vector<policy::ProgramFile> known_;
  std::optional<policy::UpgradeManifest> manifest_;
  UniqueFd watch_;
  bool started_ = false;  // the first look is over
  uint64_t last_ticket_ = 0;
  int judging_ = 0;
  std::vector<std::function<void()>> settled_;
};

}  // namespace sekisho::agent
