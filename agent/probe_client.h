// Asks sekisho-probe what is on a disk: the whole disk first, then, if it is
// partitioned, its partitions in order up to the first with a file system.
#pragma once

#include <string>
#include <vector>

#include "agent/enforce/sysfs_disks.h"
#include "agent/ipc/messages.h"
#include "common/result.h"
#include "policy/model.h"

namespace sekisho::agent {

inline constexpr size_t kMaxProbedPartitions = 16;

struct Probed {
  policy::MediumFacts medium;
  std::string node_path;  // of the volume that was found
  enforce::DeviceNumber number;
};

struct ProbeOptions {
  std::string socket_path;
  std::string dev_dir = "/dev";
  std::string sysfs_root = "/sys";
  int timeout_seconds = 25;
};

// Blocks: for Jobs. A node whose number is not the disk's any more is kAborted.
// An answer without a file system is no error: it is what was found.
Result<Probed> LookAt(const enforce::Disk& disk, const ProbeOptions& options);

}  // namespace sekisho::agent
