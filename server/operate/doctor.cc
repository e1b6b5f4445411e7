#include "server/operate/doctor.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/text.h"
#include "common/unique_fd.h"
#include "server/auth/own_certificate.h"
#include "server/core/retention.h"
#include "server/operate/backup.h"
#include "server/operate/socket_address.h"
#include "server/store/retention_look.h"
#include "server/store/sqlite_backup.h"

namespace sekisho::operate {
namespace {

using std::chrono::days;

constexpr auto kServerCertificateNear = days(30);
constexpr auto kCaNear = days(365);
constexpr auto kBackupOld = days(7);
constexpr int64_t kDiskBad = int64_t{1} << 30;
constexpr int64_t kDiskLow = int64_t{5} << 30;

std::string UserName(uid_t uid) {
  std::array<char, 4096> buffer{};
  passwd entry{};
  passwd* found = nullptr;
  if (getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) == 0 &&
      found != nullptr) {
    return found->pw_name;
  }
  return "uid " + std::to_string(uid);
}

std::string Mib(int64_t bytes) { return fmt::format("{} MiB", bytes >> 20); }

std::string Days(WallTime end, WallTime now) {
  return fmt::format("{} days",
                     std::chrono::duration_cast<days>(end - now).count());
}

// A folder or file that only its owner may enter or read, and who that is.
Finding Private(const std::string& what, const std::string& path,
                const std::string& user) {
  struct stat entry{};
  if (::lstat(path.c_str(), &entry) != 0) {
    const bool hidden = errno == EACCES;
    return {what, hidden ? Verdict::kSkipped : Verdict::kBad,
            path + ": " + std::strerror(errno),
            hidden ? "run as root to look at it"
                   : "sekisho-server init, or put it back from a backup"};
  }
  const std::string owner = UserName(entry.st_uid);
  if ((entry.st_mode & 0077) != 0) {
    return {what, Verdict::kBad,
            fmt::format("{} is open to others (mode {:o})", path,
                        entry.st_mode & 07777),
            "chmod go= " + path};
  }
  if (!user.empty() && owner != user) {
    return {what, Verdict::kBad,
            fmt::format("{} belongs to {}, not to {}", path, owner, user),
            "chown " + user + " " + path};
  }
  return {what, Verdict::kOk, path + ", only for " + owner, ""};
}

Finding OfCertificate(const std::string& what, const Result<WallTime>& end,
                      std::chrono::seconds near, WallTime now,
                      const std::string& to_do) {
  if (!end) {
    return {what,
            end.error().code == Code::kPermissionDenied ? Verdict::kSkipped
                                                        : Verdict::kBad,
            end.error().message, "run as root, or: sekisho-server init"};
  }
  const std::string until = "ends " + FormatUtc(*end);
  if (*end <= now) return {what, Verdict::kBad, until + ": it is over", to_do};
  if (*end - now < near) {
    return {what, Verdict::kWarning, until + ", in " + Days(*end, now), to_do};
  }
  return {what, Verdict::kOk, until, ""};
}

Finding OfBackup(const store::DatabaseState& state, WallTime now) {
  constexpr const char* kHow =
      "sekisho-server backup DIR --with-keys (docs/operations.md)";
  if (!state.backup_time) {
    return {"backup", Verdict::kWarning, "none was ever made", kHow};
  }
  const std::string when = "the last is of " + FormatUtc(*state.backup_time);
  if (now - *state.backup_time > kBackupOld) {
    return {"backup", Verdict::kWarning, when, kHow};
  }
  return {"backup", Verdict::kOk, when, ""};
}

Finding OfAudit(const store::DatabaseState& state) {
  if (state.audit_missing != 0) {
    return {"audit log", Verdict::kBad,
            fmt::format("{} entries, and {} are missing between them",
                        state.audit_entries, state.audit_missing),
            "somebody deleted entries past the program: keep the database "
            "and the last backups as evidence"};
  }
  if (!state.audit_is_guarded) {
    return {"audit log", Verdict::kBad,
            "what keeps its entries from being changed was taken away",
            "somebody changed the schema: compare with the last backup"};
  }
  return {"audit log", Verdict::kOk,
          fmt::format("{} entries, none missing", state.audit_entries), ""};
}

bool TakesConnections(const SocketAddress& address) {
  const SocketAddress reached = address.AsReached();
  const UniqueFd fd(::socket(reached.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  return fd && ::connect(fd.get(), reached.get(), reached.size) == 0;
}

// 0, or why not.
int TryBind(const SocketAddress& address) {
  const UniqueFd fd(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno;
  const int one = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  return ::bind(fd.get(), address.get(), address.size) == 0 ? 0 : errno;
}

const char* NameOf(Verdict verdict) {
  switch (verdict) {
    case Verdict::kOk:
      return "ok";
    case Verdict::kWarning:
      return "warning";
    case Verdict::kBad:
      return "bad";
    case Verdict::kSkipped:
      return "skipped";
  }
  return "bad";
}

}  // namespace

Finding CheckClock(WallTime now, WallTime program_built,
                   std::optional<WallTime> newest_known) {
  constexpr const char* kHow =
      "set the clock; run chrony or systemd-timesyncd: certificates, "
      "approvals and events go by it";
  if (now < program_built - days(1)) {
    return {"clock", Verdict::kBad,
            FormatUtc(now) + " is before this program was built", kHow};
  }
  if (newest_known && now < *newest_known - std::chrono::minutes(5)) {
    return {"clock", Verdict::kBad,
            FormatUtc(now) + " is before the newest entry of the audit log, " +
                FormatUtc(*newest_known),
            kHow};
  }
  return {"clock", Verdict::kOk, FormatUtc(now), ""};
}

std::vector<Finding> CheckFiles(const DoctorOptions& options) {
  const std::string& state = options.state_dir;
  std::vector<Finding> findings;
  findings.push_back(Private("state", state + "/server", options.server_user));
  findings.push_back(Private("ca folder", state + "/ca", options.enrol_user));
  std::error_code error;
  for (const auto& [folder, user] : {std::pair("/server", options.server_user),
                                     std::pair("/ca", options.enrol_user)}) {
    for (const auto& entry :
         std::filesystem::directory_iterator(state + folder, error)) {
      const std::string name = entry.path().filename();
      if (name.ends_with(".key") || name == "sekisho.db") {
        findings.push_back(
            Private(name == "sekisho.db" ? "database file" : "key",
                    entry.path(), user));
      }
    }
  }
  // A folder that cannot be read says so above; one that can must have all.
  for (const std::string& key : MissingKeys(state)) {
    struct stat entry{};
    if (::lstat((state + "/" + key).c_str(), &entry) != 0 && errno == ENOENT) {
      findings.push_back({"key", Verdict::kBad,
                          state + "/" + key + " is missing",
                          "put it back from a backup with keys; a new one "
                          "means that terminals are enrolled anew"});
    }
  }
  return findings;
}

std::vector<Finding> CheckCertificates(const std::string& state_dir,
                                       WallTime now) {
  const auth::OwnCertificate server(state_dir + "/server");
  const auth::OwnCertificate enrol(state_dir + "/ca");
  return {OfCertificate("server certificate", server.NotAfter(),
                        kServerCertificateNear, now,
                        "sekisho-enrol renews it: journalctl -u sekisho-enrol"),
          OfCertificate("enrolment certificate", enrol.NotAfter(),
                        kServerCertificateNear, now,
                        "sekisho-enrol renews it: journalctl -u sekisho-enrol"),
          OfCertificate("ca certificate", server.CaNotAfter(), kCaNear, now,
                        "plan for a new CA: every terminal enrols anew")};
}

std::vector<Finding> CheckStore(const std::string& state_dir, WallTime now) {
  const std::string path = state_dir + "/server/sekisho.db";
  const auto state = store::LookAt(path, now);
  if (!state) {
    const bool hidden = state.error().code == Code::kPermissionDenied;
    return {{"database", hidden ? Verdict::kSkipped : Verdict::kBad,
             state.error().message,
             hidden ? "run as root to look at it"
                    : "start sekisho-server once, or restore a backup"}};
  }
  if (state->schema > store::NewestSchema()) {
    return {{"schema", Verdict::kBad,
             fmt::format("{}; this program knows {}", state->schema,
                         store::NewestSchema()),
             "install the newer program again"}};
  }
  std::vector<Finding> findings;
  findings.push_back(
      {"schema", Verdict::kOk,
       fmt::format("{} of {}", state->schema, store::NewestSchema()),
       state->schema < store::NewestSchema()
           ? "the server brings it up to date when it starts"
           : ""});
  const Status checked = store::CheckDatabase(path, store::Check::kQuick);
  findings.push_back({"database", checked ? Verdict::kOk : Verdict::kBad,
                      checked ? fmt::format("{} events", state->log.size)
                              : checked.error().message,
                      checked ? ""
                              : "stop the server, keep the file, restore the "
                                "last backup (docs/operations.md)"});
  findings.push_back(OfAudit(*state));
  findings.push_back(OfBackup(*state, now));
  if (state->expiring_agents > 0) {
    findings.push_back(
        {"agent certificates", Verdict::kWarning,
         fmt::format("{} terminals have less than a sixth of theirs left",
                     state->expiring_agents),
         "are they off, or can they not reach the enrolment port? sekisho "
         "agent list"});
  } else {
    findings.push_back(
        {"agent certificates", Verdict::kOk, "none ends soon", ""});
  }
  return findings;
}

Finding CheckRetention(const DoctorOptions& options, WallTime now) {
  const auto classes = core::CutsOf(options.retention, now);
  std::vector<store::RetentionCut> cuts;
  for (const core::ClassCut& one : classes) cuts.push_back(one.cut);
  const auto steps = store::LookErasable(
      options.state_dir + "/server/sekisho.db", options.database, cuts);
  if (!steps) {
    return {"retention", Verdict::kSkipped, steps.error().message, ""};
  }
  std::string found;
  for (size_t i = 0; i < classes.size(); ++i) {
    found += fmt::format("{}{}", found.empty() ? "" : "; ",
                         core::Name(classes[i].data));
    if (cuts[i].kinds.empty()) {
      found += " kept for ever";
      continue;
    }
    const store::RetentionStep& step = (*steps)[i];
    found += fmt::format(" before {}: {} to erase, {} under legal hold",
                         FormatUtc(cuts[i].before).substr(0, 10), step.erased,
                         step.held);
  }
  return {"retention", Verdict::kOk, found, ""};
}

Finding CheckDisk(const std::string& state_dir, int64_t free_bytes,
                  int64_t database_bytes) {
  // On another machine it is not this disk's.
  std::string found = fmt::format("{} free at {}", Mib(free_bytes), state_dir);
  if (database_bytes > 0) {
    found += fmt::format(", the database has {}", Mib(database_bytes));
  }
  constexpr const char* kHow = "make room, or give it a larger disk";
  if (free_bytes < kDiskBad) return {"disk", Verdict::kBad, found, kHow};
  if (free_bytes < std::max(kDiskLow, database_bytes / 10)) {
    return {"disk", Verdict::kWarning, found, kHow};
  }
  return {"disk", Verdict::kOk, found, ""};
}

Finding CheckPort(const std::string& name, const std::string& address,
                  bool expect_ours) {
  const std::string what = "port of " + name;
  const auto parsed = ParseAddress(address);
  if (!parsed) {
    return {what, Verdict::kWarning, parsed.error().message,
            "name the address in numbers, to have it looked at"};
  }
  if (parsed->port() == 0) return {what, Verdict::kOk, "any", ""};
  if (expect_ours) {
    if (TakesConnections(*parsed)) {
      return {what, Verdict::kOk, address + " takes connections", ""};
    }
    return {what, Verdict::kBad,
            address + " takes none, although the server runs",
            "restart it: systemctl restart sekisho-server sekisho-enrol"};
  }
  const int error = TryBind(*parsed);
  if (error == 0) return {what, Verdict::kOk, address + " is free", ""};
  if (error == EACCES) {
    return {what, Verdict::kSkipped, address + ": " + std::strerror(error),
            "run as root to look at it"};
  }
  return {what, Verdict::kBad,
          address + ": " + std::strerror(error) +
              ", and no server runs on this state",
          "ss -ltnp shows who has it"};
}

std::string PrintFindings(const std::vector<Finding>& findings) {
  std::string text;
  for (const Finding& one : findings) {
    text += fmt::format("{:<8} {}: {}\n", NameOf(one.verdict), one.what,
                        EscapeUntrusted(one.found));
    if (!one.to_do.empty()) {
      text += fmt::format("         -> {}\n", EscapeUntrusted(one.to_do));
    }
  }
  return text;
}

std::string FindingsJson(const std::vector<Finding>& findings) {
  std::string json =
      fmt::format("{{\"ok\":{},\"checks\":[", ExitCode(findings) == 0);
  for (const Finding& one : findings) {
    json += fmt::format(
        R"({}{{"what":{},"verdict":"{}","found":{},"to_do":{}}})",
        &one == findings.data() ? "" : ",", JsonQuote(one.what),
        NameOf(one.verdict), JsonQuote(one.found), JsonQuote(one.to_do));
  }
  return json + "]}\n";
}

int ExitCode(const std::vector<Finding>& findings) {
  return std::ranges::any_of(
             findings,
             [](const Finding& one) { return one.verdict == Verdict::kBad; })
             ? 1
             : 0;
}

}  // namespace sekisho::operate
