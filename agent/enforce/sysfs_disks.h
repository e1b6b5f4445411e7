// Disks as sysfs shows them: which nodes belong to a USB device, a disk's
// partitions, and the disks that carry the running system. Reads a tree below
// `sysfs_root`, so that tests bring their own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/enforce/kernel_gate.h"
#include "common/result.h"

namespace sekisho::enforce {

inline constexpr size_t kMaxSysfsEntries = 4096;  // of one directory
inline constexpr size_t kMaxDisksOfDevice = 64;   // LUNs of one USB device
inline constexpr int kMaxStackDepth = 16;         // dm over md over ...

struct Partition {
  std::string name;  // "sdb1"
  DeviceNumber number;
  uint64_t size_bytes = 0;
  int index = 0;  // 1 for sdb1
};

struct Disk {
  std::string name;        // "sdb"
  std::string sysfs_path;  // real path below sysfs_root
  DeviceNumber number;
  uint64_t size_bytes = 0;
  uint64_t sequence = 0;  // diskseq: unique since boot, 0 when unknown
  bool removable = false;
  bool read_only = false;
  // Reaches the machine through a plug: USB, a removable or external PCI port,
  // SD card slot, FireWire. "removable" alone says nothing about that.
  bool external = false;
  std::vector<Partition> partitions;
  // sg, bsg and NVMe controller nodes that reach the same medium.
  std::vector<DeviceNumber> generic_nodes;

  // The disk, its partitions and generic nodes.
  std::vector<DeviceNumber> AllNodes() const;
};

// Disks below a USB device (or one of its interfaces). Empty while the kernel
// has not found any yet. kNotFound: the device is gone.
Result<std::vector<Disk>> DisksOfUsbDevice(
    const std::string& device_sysfs_path,
    const std::string& sysfs_root = "/sys");

// One disk by its kernel name ("sdb"). kNotFound: none.
Result<Disk> ReadDisk(const std::string& name,
                      const std::string& sysfs_root = "/sys");

// Every disk of the machine except loop, ram, zram, dm, md and nbd.
Result<std::vector<Disk>> AllDisks(const std::string& sysfs_root = "/sys");

// Every node of the disks under /, /usr, /var, /boot, /boot/efi and active
// swap, wherever they are plugged, and of the disks under any other mount that
// are not external; followed through partitions, dm, md and LUKS, whole disks
// with all their partitions. A source that cannot be read is left out, and then
// those nodes stay closed; an unreadable mount list is an error.
Result<std::vector<DeviceNumber>> SystemDisks(
    const std::string& sysfs_root = "/sys",
    const std::string& proc_root = "/proc");

}  // namespace sekisho::enforce
