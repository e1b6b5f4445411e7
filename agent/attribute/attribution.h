// Who is behind a process or a plug: right, or "unknown", never a guess.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/attribute/process.h"
#include "agent/attribute/sessions.h"

namespace sekisho::attribute {

inline constexpr char kUnknown[] = "unknown";

struct Who {
  std::string person = kUnknown;  // login name
  int64_t uid = -1;
  int64_t login_uid = -1;
  int64_t audit_session = -1;
  std::string session;  // logind's id; empty when it belongs to none
  std::string seat;
  std::string tty;
  // "console", "ssh", "network", "service", "unknown"
  std::string origin = kUnknown;
  std::string ssh_source;
  int64_t login_seconds = 0;  // when the login began, since 1970; 0: not known
  int64_t pid = 0;
  std::string program;
  std::string command;              // arguments not shown
  std::vector<std::string> others;  // who else is logged in
  // The system service in whose control group it is: "a.service"; or empty.
  std::string unit{};
  bool login_over = false;  // what he left behind still runs
  // At an account that several people use: who he proved to be, and how. Not
  // filled here.
  std::string stated_person{};
  std::string proven_by{};
};

// The service that a control group of the unified hierarchy belongs to; empty:
// none of the system's. What users start has none. Pure.
std::string ServiceOf(std::string_view cgroup);

// The process that asks, by login uid and audit session, which survive su and
// sudo. Below user@.service it belongs to a login only if that user has exactly
// one. Where the login uid and the session disagree the person is unknown. A
// process that is gone is an unknown person with its pid.
Who OfProcess(const std::string& root, pid_t pid);

// Who plugged a device in: the session that is active on the one seat in use;
// without a seat the only login there is; else unknown. The others are listed.
Who OfPlug(const std::string& root);

}  // namespace sekisho::attribute
