// Login sessions as systemd-logind keeps them below /run/systemd, and account
// names from /etc/passwd (the static program has no NSS: accounts that only a
// directory service knows have no name here, and are shown by number).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace sekisho::attribute {

inline constexpr size_t kMaxSessions = 1024;

struct Session {
  std::string id;
  int64_t uid = -1;
  std::string user;
  bool active = false;
  bool remote = false;
  std::string type;         // "tty", "x11", "wayland", "unspecified"
  std::string klass;        // "user", "greeter", "background"...
  std::string seat;         // "seat0" or empty
  std::string tty;          // "tty2", "pts/0" or empty
  std::string remote_host;  // address or name the login came from
  std::string service;      // "sshd", "login", "gdm-password"...
  std::string state;        // "active", "online", "closing"
  int64_t audit_session = -1;
  int64_t leader = 0;
  int64_t begin_seconds = 0;  // since 1970; 0: not known
};

// Unreadable files are left out: who is behind them is then "unknown".
std::vector<Session> ReadSessions(const std::string& root);

// A person logged in and not on the way out.
bool IsLogin(const Session& session);

struct Account {
  std::string name;
  int64_t uid = -1;
  int64_t gid = -1;
};
std::vector<Account> ReadAccounts(const std::string& root);
std::optional<Account> AccountOf(const std::string& root, int64_t uid);
std::optional<Account> AccountNamed(const std::string& root,
                                    const std::string& name);

}  // namespace sekisho::attribute
