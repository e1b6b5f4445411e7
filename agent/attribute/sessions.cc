#include "agent/attribute/sessions.h"

#include <dirent.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>
#include <string_view>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::attribute {
namespace {

constexpr size_t kMaxSessionFileBytes = size_t{64} * 1024;
constexpr size_t kMaxPasswdBytes = size_t{8} << 20;

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

int64_t NumberOr(std::string_view text, int64_t otherwise) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole ? value : otherwise;
}

// Values are plain, or in double quotes with backslashes.
std::string Unquote(std::string_view text) {
  text = Trim(text);
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') {
    return std::string(text);
  }
  std::string out;
  text = text.substr(1, text.size() - 2);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    out.push_back(text[i]);
  }
  return out;
}

std::map<std::string, std::string> KeysOf(const std::string& text) {
  std::map<std::string, std::string> keys;
  for (const std::string_view line : Split(text, '\n')) {
    const size_t equals = line.find('=');
    if (line.starts_with('#') || equals == std::string_view::npos) continue;
    keys.emplace(std::string(line.substr(0, equals)),
                 Unquote(line.substr(equals + 1)));
  }
  return keys;
}

Session SessionOf(std::string id, const std::string& text) {
  auto keys = KeysOf(text);
  Session session;
  session.id = std::move(id);
  session.uid = NumberOr(keys["UID"], -1);
  session.user = keys["USER"];
  session.active = keys["ACTIVE"] == "1";
  session.remote = keys["REMOTE"] == "1";
  session.type = keys["TYPE"];
  session.klass = keys["CLASS"];
  session.seat = keys["SEAT"];
  session.tty = keys["TTY"];
  session.remote_host = keys["REMOTE_HOST"];
  session.service = keys["SERVICE"];
  session.state = keys["STATE"];
  session.audit_session = NumberOr(keys["AUDIT"], -1);
  session.leader = NumberOr(keys["LEADER"], 0);
  session.begin_seconds = NumberOr(keys["REALTIME"], 0) / 1'000'000;
  return session;
}

}  // namespace

std::vector<Session> ReadSessions(const std::string& root) {
  const std::string dir_path = root + "/run/systemd/sessions";
  std::vector<Session> sessions;
  const std::unique_ptr<DIR, DirCloser> dir(::opendir(dir_path.c_str()));
  if (dir == nullptr) return sessions;
  while (const dirent* entry = ::readdir(dir.get())) {
    const std::string id = entry->d_name;
    // ".", temporary files, and the pipes beside the files.
    if (id.starts_with('.') || id.ends_with(".ref")) continue;
    if (sessions.size() == kMaxSessions) break;
    const auto text =
        ReadFileAt(AT_FDCWD, std::string(dir_path).append("/").append(id),
                   kMaxSessionFileBytes);
    if (text) sessions.push_back(SessionOf(id, *text));
  }
  std::ranges::sort(sessions, {}, &Session::id);
  return sessions;
}

bool IsLogin(const Session& session) {
  return session.klass.starts_with("user") && session.state != "closing";
}

std::vector<Account> ReadAccounts(const std::string& root) {
  std::vector<Account> accounts;
  const auto text = ReadFileAt(AT_FDCWD, root + "/etc/passwd", kMaxPasswdBytes);
  if (!text) return accounts;
  for (const std::string_view line : Split(*text, '\n')) {
    const auto fields = Split(line, ':');
    if (fields.size() < 4 || fields[0].empty()) continue;
    const Account account{.name = std::string(fields[0]),
                          .uid = NumberOr(fields[2], -1),
                          .gid = NumberOr(fields[3], -1)};
    if (account.uid >= 0) accounts.push_back(account);
  }
  return accounts;
}

std::optional<Account> AccountOf(const std::string& root, int64_t uid) {
  for (Account& account : ReadAccounts(root)) {
    if (account.uid == uid) return std::move(account);
  }
  return std::nullopt;
}

std::optional<Account> AccountNamed(const std::string& root,
                                    const std::string& name) {
  for (Account& account : ReadAccounts(root)) {
    if (account.name == name) return std::move(account);
  }
  return std::nullopt;
}

}  // namespace sekisho::attribute
