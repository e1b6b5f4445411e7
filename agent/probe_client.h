// Asks sekisho-probe what is on a disk: the whole disk first, then, if it is
// partitioned, its partitions in order up to the first with a file system. One
// process answers all of that, and answers nothing else.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "agent/enforce/sysfs_disks.h"
#include "agent/ipc/messages.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "common/unix_socket.h"
#include "policy/model.h"

namespace sekisho::agent {

inline constexpr size_t kMaxProbedPartitions = ipc::kMaxProbedNodes - 1;

struct Probed {
  policy::MediumFacts medium;
  std::string node_path;  // of the volume that was found
  enforce::DeviceNumber number;
};

struct ProbeOptions {
  std::string socket_path;
  Listener listener = Listener::kInit;
  std::string dev_dir = "/dev";
  std::string sysfs_root = "/sys";
  // For the whole answer, on the monotonic clock. The probe's own alarm is
  // earlier; the rest is for a process that is slow to start.
  std::chrono::milliseconds patience{25'000};
};

struct ProbeNode {
  std::string path;
  enforce::DeviceNumber number;
  int64_t size_bytes = 0;
  UniqueFd fd;
};

// For reading. kAborted: the path stands for another device by now.
Result<UniqueFd> OpenNode(const std::string& path,
                          const enforce::DeviceNumber& expected);

// LookAt() without the opening of nodes: what the probe says of these.
Result<ipc::ProbeAnswer> AskProbe(const std::vector<ProbeNode>& nodes,
                                  UniqueFd waiting,
                                  const ProbeOptions& options);

// Blocks: for Jobs. `waiting` is a connection to a probe that was started ahead
// (invalid: none); one that is of no use any more costs a new start, no error.
// A node whose number is not the disk's any more is kAborted; no answer in time
// is kDeadlineExceeded, a probe that ended without one kUnavailable. An answer
// without a file system is no error: it is what was found.
Result<Probed> LookAt(const enforce::Disk& disk, UniqueFd waiting,
                      const ProbeOptions& options);

// True while the probe behind the connection waits for its question.
bool StillWaits(const UniqueFd& probe);

}  // namespace sekisho::agent
