// What sysfs says about a device, as facts for policy. Everything is read
// through a directory descriptor, so that all facts are of one device also
// when another takes its place in between (the reads then fail).
#pragma once

#include <string>

#include "common/result.h"
#include "policy/model.h"

namespace sekisho::device {

inline constexpr size_t kMaxStringBytes = 256;  // of a text the device chose

// Facts of the USB device whose sysfs directory `dir_fd` is; `name` is the
// last part of its path ("1-1.2"). kNotFound: it is gone. Any other error:
// what it says about itself cannot be trusted; leave it blocked and report it
// with IdentityOnly().
Result<policy::DeviceFacts> UsbFacts(int dir_fd, const std::string& name);

// Vendor, product and texts as far as they can be read, no interfaces: for the
// event about a device whose descriptors are malformed. Never fails.
policy::DeviceFacts IdentityOnly(int dir_fd, const std::string& name);

// Facts of a disk that is not behind USB: `dir_fd` is the directory of the
// block device (".../block/mmcblk0"), `sysfs_path` its real path. kNotFound:
// it is gone.
Result<policy::DeviceFacts> DiskFacts(int dir_fd,
                                      const std::string& sysfs_path);

// Serial of the medium itself: SCSI VPD page 0x80, NVMe serial or the CID of a
// card. Raw bytes, at most kMaxStringBytes; empty when there is none.
std::string MediumSerial(int disk_dir_fd);

// Kinds that the state machine treats differently.
bool HoldsMedium(const policy::DeviceFacts& facts);  // mass storage or a disk
bool IsHub(const policy::DeviceFacts& facts);
bool IsKeyboard(const policy::DeviceFacts& facts);  // boot protocol keyboard

}  // namespace sekisho::device
