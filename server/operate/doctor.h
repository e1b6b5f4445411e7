// Looks at an installation, beside a running server or without one, changes
// nothing, and says of each thing how it is and what to do.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "server/core/duties.h"

namespace sekisho::operate {

enum class Verdict { kOk, kWarning, kBad, kSkipped };

struct Finding {
  std::string what;  // "database"
  Verdict verdict = Verdict::kOk;
  std::string found;  // "schema 8, 1200 events"
  std::string to_do;  // empty where all is well
};

struct DoctorOptions {
  std::string state_dir;
  std::string database;  // a connection string; empty = SQLite in state_dir
  std::string server_user, enrol_user;  // empty = whoever owns the folders
  std::string agents_listen, enrol_listen, metrics_listen;
  std::string console_address;
  int console_port = -1;
  // Tries the sinks; empty = there are none. Each line a failed one.
  std::function<Result<std::vector<std::string>>()> check_sinks;
  core::RetentionRules retention;
  // Asks the OpenID provider; empty = there is none. What was found.
  std::function<Result<std::string>()> check_provider;
};

std::vector<Finding> Examine(const DoctorOptions& options, const Clock& clock);

// The parts, for tests and for Examine().
Finding CheckClock(WallTime now, WallTime program_built,
                   std::optional<WallTime> newest_known);
std::vector<Finding> CheckFiles(const DoctorOptions& options);
std::vector<Finding> CheckCertificates(const std::string& state_dir,
                                       WallTime now);
std::vector<Finding> CheckStore(const std::string& state_dir, WallTime now);
// What the next run of retention erases, and what legal holds keep.
Finding CheckRetention(const DoctorOptions& options, WallTime now);
// As whoever runs this: its role and its settings are the server's, if it is.
std::vector<Finding> CheckPostgres(const std::string& database);
Finding CheckDisk(const std::string& state_dir, int64_t free_bytes,
                  int64_t database_bytes);
// `expect_ours`: a server runs on this state, so the port should be taken.
Finding CheckPort(const std::string& name, const std::string& address,
                  bool expect_ours);

// One line each for people; {"ok":...,"checks":[...]} for programs.
std::string PrintFindings(const std::vector<Finding>& findings);
std::string FindingsJson(const std::vector<Finding>& findings);
// 0: all is well or only warned of; 1: something is bad.
int ExitCode(const std::vector<Finding>& findings);

}  // namespace sekisho::operate
