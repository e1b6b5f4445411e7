#include "agent/attribute/attribution.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace sekisho::attribute {
namespace {

constexpr int kMaxAncestors = 64;

std::string NameOf(const std::string& root, int64_t uid) {
  const auto account = AccountOf(root, uid);
  return account ? account->name : fmt::format("uid {}", uid);
}

std::string OriginOf(const Session& session) {
  if (session.klass == "background" || session.service == "cron" ||
      session.service == "atd") {
    return "service";
  }
  if (session.service == "sshd") return "ssh";
  if (session.remote) return "network";
  if (!session.seat.empty() || session.tty.starts_with("tty") ||
      session.tty.starts_with("hvc")) {
    return "console";
  }
  return kUnknown;
}

void TakeSession(const Session& session, Who& who) {
  who.session = session.id;
  who.login_over = session.state == "closing";
  who.seat = session.seat;
  if (who.tty.empty()) who.tty = session.tty;
  who.origin = OriginOf(session);
  who.login_seconds = session.begin_seconds;
  if (who.origin == "ssh") who.ssh_source = session.remote_host;
}

// Sessions of systemd's own user managers are not logins.
std::vector<const Session*> LoginsOf(const std::vector<Session>& sessions,
                                     int64_t uid) {
  std::vector<const Session*> found;
  for (const Session& session : sessions) {
    if (session.uid == uid && IsLogin(session)) found.push_back(&session);
  }
  return found;
}

// ".../session-3.scope/..." gives "3".
std::string ScopeSession(std::string_view cgroup) {
  constexpr std::string_view kStart = "/session-";
  constexpr std::string_view kEnd = ".scope";
  const size_t start = cgroup.find(kStart);
  if (start == std::string_view::npos) return {};
  const std::string_view rest = cgroup.substr(start + kStart.size());
  const size_t end = rest.find(kEnd);
  return end == std::string_view::npos ? "" : std::string(rest.substr(0, end));
}

constexpr std::string_view kSlice = ".slice";
constexpr std::string_view kService = ".service";

bool UnderUserManager(std::string_view cgroup) {
  return cgroup.find("/user@") != std::string_view::npos;
}

bool DescendsFromSshd(const std::string& root, const Process& process) {
  int64_t parent = process.parent;
  for (int i = 0; i < kMaxAncestors && parent > 1; ++i) {
    const auto read = ReadProcess(root, static_cast<pid_t>(parent));
    if (!read) return false;
    if (read->program.ends_with("/sshd") ||
        read->program.ends_with("/sshd-session")) {
      return true;
    }
    parent = read->parent;
  }
  return false;
}

const Session* SessionOf(const std::vector<Session>& sessions,
                         const Process& process) {
  if (process.audit_session >= 0) {
    for (const Session& session : sessions) {
      if (session.audit_session == process.audit_session) return &session;
    }
  }
  const std::string id = ScopeSession(process.cgroup);
  for (const Session& session : sessions) {
    if (!id.empty() && session.id == id) return &session;
  }
  return nullptr;
}

void JudgeUserManager(const std::string& root,
                      const std::vector<Session>& sessions, Who& who) {
  const int64_t uid = who.login_uid >= 0 ? who.login_uid : who.uid;
  const auto logins = LoginsOf(sessions, uid);
  if (logins.empty()) {
    who.origin = "service";  // lingering: nobody of that name is here
    return;
  }
  who.person = NameOf(root, uid);
  if (logins.size() == 1) TakeSession(*logins.front(), who);
}

void ListOthers(const std::vector<Session>& sessions, Who& who) {
  for (const Session& session : sessions) {
    if (!IsLogin(session) || session.id == who.session) continue;
    std::string text = session.user;
    if (!session.remote_host.empty()) {
      text += " from " + session.remote_host;
    } else if (!session.tty.empty()) {
      text += " on " + session.tty;
    }
    if (std::ranges::find(who.others, text) == who.others.end()) {
      who.others.push_back(std::move(text));
    }
  }
}

}  // namespace

std::string ServiceOf(std::string_view cgroup) {
  while (cgroup.starts_with('/')) {
    cgroup.remove_prefix(1);
    const std::string_view part = cgroup.substr(0, cgroup.find('/'));
    if (part == "user.slice") return "";
    if (!part.ends_with(kSlice)) {
      return part.ends_with(kService) ? std::string(part) : "";
    }
    cgroup.remove_prefix(part.size());
  }
  return "";
}

Who OfProcess(const std::string& root, pid_t pid) {
  Who who;
  who.pid = pid;
  const auto process = ReadProcess(root, pid);
  const std::vector<Session> sessions = ReadSessions(root);
  if (!process) {
    ListOthers(sessions, who);
    return who;
  }
  who.uid = process->uid;
  who.login_uid = process->login_uid;
  who.audit_session = process->audit_session;
  who.tty = process->tty;
  who.program = process->program;
  who.command = process->command;
  who.unit = ServiceOf(process->cgroup);
  const Session* session = SessionOf(sessions, *process);
  if (session != nullptr) {
    const bool agrees = who.login_uid < 0 || who.login_uid == session->uid;
    TakeSession(*session, who);
    if (agrees) who.person = NameOf(root, session->uid);
  } else if (UnderUserManager(process->cgroup)) {
    JudgeUserManager(root, sessions, who);
  } else if (who.login_uid >= 0) {
    // Logged out since, or a login that logind does not know.
    who.person = NameOf(root, who.login_uid);
    if (DescendsFromSshd(root, *process)) who.origin = "ssh";
  } else if (!who.unit.empty() ||
             process->cgroup.starts_with("/system.slice/")) {
    who.origin = "service";
  }
  ListOthers(sessions, who);
  return who;
}

Who OfPlug(const std::string& root) {
  Who who;
  const std::vector<Session> sessions = ReadSessions(root);
  std::vector<const Session*> seated;
  std::vector<const Session*> logins;
  for (const Session& session : sessions) {
    if (!IsLogin(session)) continue;
    logins.push_back(&session);
    if (!session.seat.empty() && session.active) seated.push_back(&session);
  }
  const Session* one = nullptr;
  if (seated.size() == 1) {
    one = seated.front();
  } else if (seated.empty() && logins.size() == 1) {
    one = logins.front();
  }
  if (one != nullptr) {
    who.person = NameOf(root, one->uid);
    who.uid = one->uid;
    who.login_uid = one->uid;
    who.audit_session = one->audit_session;
    TakeSession(*one, who);
  }
  ListOthers(sessions, who);
  return who;
}

}  // namespace sekisho::attribute
