// A decrypted view of a volume as a device-mapper device of our own, that
// nobody but sekishod may open: its number is closed in the kernel gate before
// there is anything to read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "agent/enforce/kernel_gate.h"
#include "common/result.h"

namespace sekisho::enforce {

// Of every mapping of ours; what follows is chosen by the caller.
inline constexpr char kMappingPrefix[] = "sekisho-";

// In sectors of 512 bytes. device_sector -1: reads as zeros.
struct CryptSegment {
  int64_t start_sector = 0;
  int64_t length_sectors = 0;
  int64_t device_sector = 0;
  int64_t iv_sector = 0;
};

struct CryptVolume {
  DeviceNumber device;   // where the encrypted bytes are
  std::string cipher;    // as dm-crypt names it: "aes-xts-plain64"
  std::string_view key;  // raw
  int64_t sector_bytes = 512;
  bool large_iv = false;  // sectors are counted in sector_bytes for the cipher
  std::vector<CryptSegment> segments;  // in order, without gaps
};

struct Mapping {
  std::string name;       // "sekisho-..."
  std::string node_path;  // "/dev/dm-3"
  DeviceNumber number;
  int64_t size_bytes = 0;
};

// kInvalidArgument, before anything is made: a table that does not fit in
// `device_sectors` or has gaps; a cipher with other letters than names of
// ciphers have. The rest may be anything, it comes from a foreign header.
Status CheckVolume(const CryptVolume& volume, int64_t device_sectors);

// The table's lines as the kernel reads them, the key by its name in the
// keyring. Pure.
struct TableLine {
  int64_t start_sector = 0;
  int64_t length_sectors = 0;
  std::string target;  // "crypt", "zero"
  std::string parameters;
};
std::vector<TableLine> TableOf(const CryptVolume& volume,
                               const std::string& key_name);

// An empty device: there is nothing to read of it until LoadMapping. Whoever
// calls closes its number in the kernel gate in between.
Result<Mapping> CreateMapping(const std::string& name);
// Blocks. The key goes through this thread's keyring and cannot be read back by
// anybody. Sets the size. Failure: remove it.
Status LoadMapping(Mapping& mapping, const CryptVolume& volume);

// Blocks. At once if nothing uses it, else when its last user goes. Not there:
// success.
Status RemoveMapping(const std::string& name);

// Names of mappings of ours that exist.
std::vector<std::string> OurMappings(const std::string& sysfs_root = "/sys");

}  // namespace sekisho::enforce
