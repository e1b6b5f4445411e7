// Which devices a terminal needs to go on working, and whom a medium belongs
// to while it is mounted.
#pragma once

#include <string>
#include <vector>

#include "agent/decide/goal.h"
#include "policy/model.h"

namespace sekisho::agent {

// Of the USB device at `sysfs_path`. Root hubs and what carries the system are
// kSystem; input, audio, card readers, hubs and the adapter of the default
// route kEssential.
decide::Standing StandingOf(const std::string& sysfs_path,
                            const policy::DeviceFacts& facts,
                            const std::string& sysfs_root,
                            const std::string& proc_root = "/proc");

// Whether an IPv4 default route leads through the device at `sysfs_path`.
bool CarriesRoute(const std::string& sysfs_path, const std::string& sysfs_root,
                  const std::string& proc_root = "/proc");

struct Owner {
  int64_t uid = 0;
  int64_t gid = 0;
};
// The active seat's person; else the only ordinary account that is logged in;
// else root. `root` as in attribution.
Owner OwnerOfMedium(const std::string& root);

}  // namespace sekisho::agent
