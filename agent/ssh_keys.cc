#include "agent/ssh_keys.h"

#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <utility>
#include <vector>

#include "agent/programs.h"
#include "common/log.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxLinesBytes = size_t{64} << 10;
// sshd accepts the key, then opens the session.
constexpr int64_t kSecondsBefore = 120;
constexpr int64_t kSecondsAfter = 10;
// journald may be behind the login by a moment.
constexpr int kMaxTries = 3;
constexpr std::chrono::milliseconds kRetry{1'000};

std::vector<std::string> Words(const std::string& journalctl,
                               const attribute::Session& session) {
  // These fields are journald's own, nobody else can set them.
  return {journalctl,
          "--quiet",
          "--no-pager",
          "--boot",
          "--output=cat",
          "--lines=50",
          fmt::format("--since=@{}", session.begin_seconds - kSecondsBefore),
          fmt::format("--until=@{}", session.begin_seconds + kSecondsAfter),
          fmt::format("_PID={}", session.leader),
          "_UID=0",
          "_COMM=sshd"};
}

}  // namespace

std::string AcceptedKey(std::string_view lines, std::string_view user) {
  constexpr std::string_view kAccepted = "Accepted publickey for ";
  constexpr std::string_view kProtocol = " ssh2: ";
  std::string key;
  for (std::string_view line : Split(lines, '\n')) {
    if (!line.starts_with(kAccepted)) continue;
    line.remove_prefix(kAccepted.size());
    if (!line.starts_with(user)) continue;
    line.remove_prefix(user.size());
    if (!line.starts_with(" from ")) continue;
    // From behind: an address holds none of it, a certificate's name may.
    const size_t at = line.find(kProtocol);
    if (at == std::string_view::npos) continue;
    line.remove_prefix(at + kProtocol.size());
    key = EscapeUntrusted(Trim(line), kMaxSshKeyBytes);
  }
  return key;
}

Result<std::unique_ptr<SshKeys>> SshKeys::Watch(EventLoop& loop, Jobs& jobs,
                                                std::string root,
                                                std::string journalctl) {
  std::unique_ptr<SshKeys> keys(
      new SshKeys(loop, jobs, std::move(root), std::move(journalctl)));
  keys->inotify_.Reset(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!keys->inotify_) return FailErrno("inotify");
  const std::string dir = keys->root_ + "/run/systemd/sessions";
  if (::inotify_add_watch(keys->inotify_.get(), dir.c_str(), IN_MOVED_TO) < 0) {
    return FailErrno("watch " + dir);
  }
  SshKeys* raw = keys.get();
  RETURN_IF_ERROR(loop.Add(keys->inotify_.get(), EPOLLIN, [raw](uint32_t) {
    std::array<char, 4096> events{};
    while (::read(raw->inotify_.get(), events.data(), events.size()) > 0) {
    }
    raw->Look();
  }));
  keys->Look();
  return keys;
}

SshKeys::SshKeys(EventLoop& loop, Jobs& jobs, std::string root,
                 std::string journalctl)
    : loop_(loop),
      jobs_(jobs),
      root_(std::move(root)),
      journalctl_(std::move(journalctl)) {}

SshKeys::~SshKeys() {
  *alive_ = false;
  if (retry_ != 0) loop_.Cancel(retry_);
  if (inotify_) loop_.Remove(inotify_.get());
}

std::string SshKeys::KeyOf(int64_t audit_session) const {
  const auto found = keys_.find(audit_session);
  return found == keys_.end() ? "" : found->second;
}

void SshKeys::Look() {
  std::set<int64_t> present;
  for (attribute::Session& session : attribute::ReadSessions(root_)) {
    if (session.service != "sshd" || session.audit_session < 0 ||
        session.leader <= 0) {
      continue;
    }
    present.insert(session.audit_session);
    if (!seen_.insert(session.audit_session).second) continue;
    waiting_.push_back({.session = std::move(session)});
  }
  const auto gone = [&](int64_t id) { return !present.contains(id); };
  std::erase_if(seen_, gone);
  std::erase_if(keys_, [&](const auto& key) { return gone(key.first); });
  AskNext();
}

void SshKeys::AskNext() {
  if (asking_ || retry_ != 0 || waiting_.empty()) return;
  asking_ = true;
  Asked asked = std::move(waiting_.front());
  waiting_.pop_front();
  jobs_.Run(
      [words = Words(journalctl_, asked.session)] {
        return OutputOf(words, kMaxLinesBytes);
      },
      [this, alive = alive_, asked](const Result<std::string>& lines) {
        if (*alive) OnAnswer(asked, lines);
      });
}

void SshKeys::OnAnswer(Asked asked, const Result<std::string>& lines) {
  asking_ = false;
  if (!lines) {
    Log(LogLevel::kWarning, "key of an SSH login: " + lines.error().message);
  } else if (lines->find("Accepted ") == std::string::npos &&
             ++asked.tries < kMaxTries) {
    waiting_.push_back(std::move(asked));
    retry_ = loop_.After(kRetry, [this] {
      retry_ = 0;
      AskNext();
    });
    return;
  } else if (const std::string key = AcceptedKey(*lines, asked.session.user);
             !key.empty()) {
    keys_[asked.session.audit_session] = key;
  }
  AskNext();
}

}  // namespace sekisho::agent
