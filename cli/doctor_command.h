// `sekisho doctor [--json]`: says before installation whether this terminal can
// be protected in full, and what will never be taken away from it.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/doctor_facts.h"

namespace sekisho::cli {

enum class Finding {
  kGood,
  kNote,         // worth knowing, takes nothing away
  kDegraded,     // one layer of protection is missing
  kUnsupported,  // the agent does not work here
};

struct Check {
  std::string name;
  Finding finding = Finding::kGood;
  std::string text;  // what was found, and what to do
};

// Pure. In the order in which they are shown.
std::vector<Check> Judge(const DoctorFacts& facts);
// "full", "degraded" or "unsupported": the worst of them.
std::string_view Verdict(const std::vector<Check>& checks);

// `args` begins after "doctor". Returns the exit code: 0 full, 1 degraded or
// unsupported, 2 wrong use.
int RunDoctor(std::span<const std::string_view> args);

}  // namespace sekisho::cli
