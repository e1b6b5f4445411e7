// The key that an SSH login showed, as sshd said it to the journal. logind does
// not keep it. Learned when the session begins: afterwards the journal may be
// gone.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "agent/attribute/sessions.h"
#include "agent/jobs.h"
#include "common/event_loop.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::agent {

inline constexpr size_t kMaxSshKeyBytes = 512;

// "ED25519 SHA256:..." out of lines of sshd, the last that accepted a key for
// `user`: what stands behind "ssh2: ", with a certificate's name and authority.
// Empty: the login showed none. Pure.
std::string AcceptedKey(std::string_view lines, std::string_view user);

class SshKeys {
 public:
  // `root` is put in front of /run. Everything must outlive it.
  static Result<std::unique_ptr<SshKeys>> Watch(EventLoop& loop, Jobs& jobs,
                                                std::string root,
                                                std::string journalctl);
  ~SshKeys();

  // Empty: no SSH login, no key, or not known yet.
  std::string KeyOf(int64_t audit_session) const;

 private:
  struct Asked {
    attribute::Session session;
    int tries = 0;
  };

  SshKeys(EventLoop& loop, Jobs& jobs, std::string root,
          std::string journalctl);
  void Look();
  void AskNext();
  void OnAnswer(Asked asked, const Result<std::string>& lines);

  EventLoop& loop_;
  Jobs& jobs_;
  const std::string root_;
  const std::string journalctl_;
  UniqueFd inotify_;
  std::set<int64_t> seen_;  // audit sessions that are or were asked of
  std::map<int64_t, std::string> keys_;
  std::deque<Asked> waiting_;
  bool asking_ = false;
  EventLoop::TimerId retry_ = 0;
  // Answers of jobs that outlive it go nowhere.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sekisho::agent
