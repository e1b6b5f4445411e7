// What the kernel counted of a medium: sectors and requests of its disks, SCSI
// commands, URBs of its USB device. Read through directory descriptors that are
// opened once, so that another device in the same place never answers. What the
// figures mean is left to others.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/enforce/sysfs_disks.h"
#include "agent/enforce/usb_authorizer.h"
#include "common/result.h"
#include "common/unique_fd.h"

namespace sekisho::enforce {

// Since the disk came; of several disks of one device the sum.
struct CounterReading {
  int64_t read_bytes = 0;
  int64_t written_bytes = 0;  // by the block layer: files, mmap, raw writes
  // Requests of the block layer: reads, writes, discards, flushes.
  int64_t block_requests = 0;
  // SCSI commands, those of SG_IO too. -1: no SCSI disk.
  int64_t commands = -1;
  // USB transfers, those of usbfs too. -1: no USB device.
  int64_t urbs = -1;
};

class MediumCounters {
 public:
  // `usb` may be null. kNotFound: a disk is gone, or there is none.
  static Result<MediumCounters> Open(const std::vector<Disk>& disks,
                                     std::shared_ptr<const UsbDevice> usb);

  // kNotFound once any of it is gone. Does not block.
  Result<CounterReading> Read() const;
  // The largest of its disks.
  int64_t sector_bytes() const { return sector_bytes_; }

 private:
  MediumCounters() = default;

  std::vector<UniqueFd> disks_;  // sysfs directories
  std::shared_ptr<const UsbDevice> usb_;
  int64_t sector_bytes_ = 512;
};

// The text of a disk's `stat`, added to `reading`. kDataLoss: it is no such
// text (Documentation/block/stat.rst).
Status AddDiskStat(std::string_view text, CounterReading* reading);

}  // namespace sekisho::enforce
