// The doctor's round.
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "server/operate/doctor.h"
#include "server/operate/socket_address.h"
#include "server/operate/state_lock.h"
#include "server/store/sqlite_backup.h"

namespace sekisho::operate {
namespace {

// When this file was compiled, to the day.
WallTime Built() {
  constexpr std::string_view kMonths = "JanFebMarAprMayJunJulAugSepOctNovDec";
  const std::string_view date = __DATE__;  // "Nov 27 2026"
  const auto month =
      static_cast<unsigned>(kMonths.find(date.substr(0, 3)) / 3 + 1);
  const auto number = [&](size_t at, size_t size) {
    int value = 0;
    for (const char c : date.substr(at, size)) {
      if (c != ' ') value = value * 10 + (c - '0');
    }
    return value;
  };
  return std::chrono::sys_days(
      std::chrono::year(number(7, 4)) / std::chrono::month(month) /
      std::chrono::day(static_cast<unsigned>(number(4, 2))));
}

Finding Disk(const std::string& state_dir) {
  struct statvfs disk{};
  struct stat database{};
  if (::statvfs(state_dir.c_str(), &disk) != 0) {
    return {"disk", Verdict::kBad, state_dir + ": " + std::strerror(errno),
            "sekisho-server init makes it"};
  }
  if (::stat((state_dir + "/server/sekisho.db").c_str(), &database) != 0) {
    database.st_size = 0;
  }
  return CheckDisk(state_dir,
                   static_cast<int64_t>(disk.f_bavail * disk.f_frsize),
                   database.st_size);
}

Finding Sinks(const DoctorOptions& options) {
  if (!options.check_sinks)
    return {"sinks", Verdict::kOk, "there are none", ""};
  constexpr const char* kHow = "sekisho-server check-sinks says more";
  const auto failed = options.check_sinks();
  if (!failed) {
    return {"sinks", Verdict::kBad, failed.error().message, kHow};
  }
  if (failed->empty()) return {"sinks", Verdict::kOk, "all took a test", ""};
  std::string all;
  for (const std::string& one : *failed) all += (all.empty() ? "" : "; ") + one;
  return {"sinks", Verdict::kBad, all, kHow};
}

Finding SignIn(const DoctorOptions& options) {
  const char* const what = "openid provider";
  const auto found =
      options.check_provider ? options.check_provider() : std::string();
  if (!found) {
    return {what, Verdict::kBad, found.error().message,
            "nobody signs in through it meanwhile; passwords work as the "
            "settings say (oidc, docs/operations.md)"};
  }
  return {what, Verdict::kOk, found->empty() ? "there is none" : *found, ""};
}

void AddPorts(const DoctorOptions& options, std::vector<Finding>& findings) {
  const bool runs = IsLocked(options.state_dir);
  findings.push_back({"server", Verdict::kOk,
                      runs ? "runs on this state" : "does not run", ""});
  findings.push_back(CheckPort("agents", options.agents_listen, runs));
  if (options.console_port >= 0) {
    const std::string host =
        options.console_address.find(':') == std::string::npos
            ? options.console_address
            : "[" + options.console_address + "]";
    findings.push_back(CheckPort(
        "console", host + ":" + std::to_string(options.console_port), runs));
  }
  if (runs) {
    // Another process; it is looked for only where it is missed.
    findings.push_back(CheckPort("enrolment", options.enrol_listen, true));
  }
  if (options.metrics_listen != "off") {
    findings.push_back(CheckPort("metrics", options.metrics_listen, runs));
    const auto address = ParseAddress(options.metrics_listen);
    if (address && !address->IsLoopback()) {
      findings.push_back(
          {"metrics", Verdict::kWarning,
           options.metrics_listen + " is open to other machines, without TLS",
           "listen on 127.0.0.1 and let a local agent of the "
           "monitoring fetch it"});
    }
  }
}

}  // namespace

std::vector<Finding> Examine(const DoctorOptions& options, const Clock& clock) {
  const WallTime now = clock.Now();
  std::vector<Finding> findings;
  const auto add = [&](std::vector<Finding> more) {
    for (Finding& one : more) findings.push_back(std::move(one));
  };
  const bool has_file = options.database.empty();
  std::optional<WallTime> newest_known;
  if (has_file) {
    const auto state =
        store::LookAt(options.state_dir + "/server/sekisho.db", now);
    if (state) newest_known = state->newest_audit_time;
  }
  findings.push_back(CheckClock(now, Built(), newest_known));
  add(CheckFiles(options));
  add(CheckCertificates(options.state_dir, now));
  findings.push_back(Disk(options.state_dir));
  add(has_file ? CheckStore(options.state_dir, now)
               : CheckPostgres(options.database));
  findings.push_back(CheckRetention(options, now));
  AddPorts(options, findings);
  findings.push_back(Sinks(options));
  findings.push_back(SignIn(options));
  return findings;
}

}  // namespace sekisho::operate
