// What sekishod must remember of a mount over its own restart: one small file
// each below /run/sekisho/mounts, gone with the boot.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/result.h"
#include "policy/model.h"

namespace sekisho::agent {

struct MountRecord {
  int64_t mount_id = 0;
  std::string mount_point;
  std::string access;  // contract word
  int64_t owner_uid = 0;
  int64_t owner_gid = 0;
  // Which plug of which device: the same only while nothing was replugged.
  std::string sysfs_path;
  int64_t device_number = 0;  // devnum of USB, diskseq of other disks
  policy::MediumFacts medium;
  // What the kernel had counted when the gate began; -1: not known.
  int64_t written_before = -1;
  std::string mapping;  // of an unlocked volume (crypt_mapping.h)
};

// One "key=value" a line, values in hex. Unknown keys are errors.
std::string Print(const MountRecord& record);
Result<MountRecord> ParseMountRecord(const std::string& text);

Status WriteRecord(const std::string& dir, const MountRecord& record);
void RemoveRecord(const std::string& dir, int64_t mount_id);
// Unreadable ones are left out.
std::vector<MountRecord> ReadRecords(const std::string& dir);

// Last part of a mount point: from the label or serial, letters, digits and
// "-_. " of any script kept, everything else "_"; never empty, never hidden, at
// most 48 bytes. `taken` gives "name-2" and so on.
std::string MountName(const policy::DeviceFacts& facts,
                      const std::vector<std::string>& taken);

}  // namespace sekisho::agent
