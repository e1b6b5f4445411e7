// What a policy that parses may still get wrong: rules that nothing reaches,
// and enforcement that would take keyboards or hubs away, also at another time
// or without the server. And how many known devices each rule decides about.
#pragma once

#include <vector>

#include "policy/parser.h"

namespace sekisho::policy {

// Warnings by line; column is 1 where the model knows none.
std::vector<Problem> Lint(const Policy& policy, std::string_view file_name);

struct Coverage {
  std::string rule;
  int line = 0;
  int64_t devices = 0;
};
// Each row is asked for as a USB stick (or a disk, without ids) that nobody in
// particular plugs in at its terminal, or at one without a name.
std::vector<Coverage> CountCovered(const Policy& policy,
                                   const std::vector<DeviceEntry>& rows,
                                   WallTime now);

}  // namespace sekisho::policy
