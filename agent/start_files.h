// What decides how the workers are started: unit files, their drop-ins, and
// ld.so's list for every program. The workers load libraries, so the kernel
// gate cannot tell one that was made to load something else; whoever changes
// these files could have every copy judged clean. Shared libraries themselves
// are not looked at.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/jobs.h"
#include "common/event_loop.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::agent {

// An error names the line of a worker's unit file that lets something else than
// `program` run, or lets it run elsewhere.
Status CheckWorkerUnit(std::string_view text, const std::string& program);

class StartFiles {
 public:
  struct Options {
    std::string root;  // in front of every path; tests
    std::string libexec_dir;
    std::string systemctl;
  };
  struct Events {
    std::function<bool()> enforcing;
    // Once for each file that is not the package's.
    std::function<void(const std::string& what)> foreign;
  };

  // Loop thread only.
  StartFiles(EventLoop& loop, Jobs& jobs, Options options, Events events);
  ~StartFiles();
  StartFiles(StartFiles&&) = delete;

  void Start();
  void OnModeChanged();
  // Looks now, if anything changed. While it fails nothing that a worker says
  // may open anything: also after a foreign file is gone, until systemd has
  // read its files again and the workers of before have ended.
  Status Check();
  // The same as known from the last look.
  Status Standing() const;

 private:
  void Watch();
  bool ReadWatch();
  void Look();
  void LookAt(const std::string& folder, bool shipped,
              std::vector<std::string>* found) const;
  void Tell();
  void BeginReload();

  EventLoop& loop_;
  Jobs& jobs_;
  const Options options_;
  const Events events_;
  UniqueFd watch_;
  std::map<int, std::string> folders_;  // watch -> folder
  std::vector<std::string> foreign_;    // as of the last look
  std::vector<std::string> told_;
  std::vector<std::string> passing_;  // came and went between two looks
  bool stained_ = false;              // systemd may have read a foreign file
  bool reloading_ = false;
};

}  // namespace sekisho::agent
