// The bpffs directory that keeps the gate alive without the agent.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::enforce {

struct PinDirectory {
  uint64_t inode = 0;
  uint32_t fs_device = 0;  // the kernel's dev_t
};

// Makes sure that `path` is a directory (mode 0700) on a bpffs; mounts one at
// its parent if that is not one yet. Failure: nothing can be pinned, so the
// gate would end with the agent and must not be called opened.
Result<PinDirectory> PreparePinDirectory(const std::string& path);

// Names in the directory, sorted. kNotFound: no directory.
Result<std::vector<std::string>> ListPins(const std::string& path);

// BPF object pinned at `path`. kNotFound: none; kPermissionDenied: a gate that
// enforces does not know this program.
Result<UniqueFd> OpenPin(const std::string& path);

// Pins `fd` at `path` in place of what is there; both are pinned until the new
// one has its name, so nothing is let go in between.
Status ReplacePin(int fd, const std::string& path);

Status RemovePin(const std::string& path);  // not there: success

}  // namespace sekisho::enforce
