#include "agent/enforce/medium_counters.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "common/file.h"
#include "common/text.h"

namespace sekisho::enforce {
namespace {

constexpr size_t kMaxCounterBytes = 512;
constexpr int64_t kSectorBytes = 512;  // of `stat`, whatever the medium has

Result<int64_t> Number(std::string_view text, int base) {
  if (base == 16 && text.starts_with("0x")) text.remove_prefix(2);
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size()) {
    return Fail(Code::kDataLoss, "not a counter");
  }
  return static_cast<int64_t>(value);
}

// Hexadecimal with "0x". kNotFound: not a SCSI disk.
Result<int64_t> ReadCommands(int disk_fd) {
  ASSIGN_OR_RETURN(
      const std::string text,
      ReadFileAt(disk_fd, "device/iorequest_cnt", kMaxCounterBytes));
  return Number(Trim(text), 16);
}

}  // namespace

Status AddDiskStat(std::string_view text, CounterReading* reading) {
  // Reads, merges, sectors, ms; writes, merges, sectors, ms; in flight, ms, ms;
  // discards, merges, sectors, ms; flushes, ms.
  constexpr size_t kReads = 0;
  constexpr size_t kReadSectors = 2;
  constexpr size_t kWrites = 4;
  constexpr size_t kWrittenSectors = 6;
  constexpr size_t kDiscards = 11;
  constexpr size_t kFlushes = 15;
  constexpr size_t kFields = 17;
  std::array<int64_t, kFields> fields{};
  size_t found = 0;
  for (const std::string_view word : Split(Trim(text), ' ')) {
    if (word.empty() || found == kFields) continue;
    ASSIGN_OR_RETURN(fields[found], Number(word, 10));
    ++found;
  }
  if (found < kFields) return Fail(Code::kDataLoss, "stat is too short");
  reading->read_bytes += fields[kReadSectors] * kSectorBytes;
  reading->written_bytes += fields[kWrittenSectors] * kSectorBytes;
  reading->block_requests +=
      fields[kReads] + fields[kWrites] + fields[kDiscards] + fields[kFlushes];
  return {};
}

Result<MediumCounters> MediumCounters::Open(
    const std::vector<Disk>& disks, std::shared_ptr<const UsbDevice> usb) {
  if (disks.empty()) return Fail(Code::kNotFound, "no disk to count");
  MediumCounters counters;
  for (const Disk& disk : disks) {
    ASSIGN_OR_RETURN(UniqueFd fd, OpenAt(AT_FDCWD, disk.sysfs_path,
                                         O_PATH | O_DIRECTORY | O_NOFOLLOW));
    // The name may belong to another disk by now.
    const auto sequence = ReadFileAt(fd.get(), "diskseq", kMaxCounterBytes);
    const auto number =
        sequence ? Number(Trim(*sequence), 10) : Result<int64_t>(0);
    if (!number || static_cast<uint64_t>(*number) != disk.sequence) {
      return Fail(Code::kNotFound, disk.name + " is another disk now");
    }
    const auto sector =
        ReadFileAt(fd.get(), "queue/logical_block_size", kMaxCounterBytes);
    const auto sector_bytes =
        sector ? Number(Trim(*sector), 10) : Result<int64_t>(kSectorBytes);
    if (sector_bytes) {
      counters.sector_bytes_ = std::max(counters.sector_bytes_, *sector_bytes);
    }
    counters.disks_.push_back(std::move(fd));
  }
  counters.usb_ = std::move(usb);
  return counters;
}

Result<CounterReading> MediumCounters::Read() const {
  CounterReading reading;
  for (const UniqueFd& disk : disks_) {
    ASSIGN_OR_RETURN(const std::string stat,
                     ReadFileAt(disk.get(), "stat", kMaxCounterBytes));
    RETURN_IF_ERROR(AddDiskStat(stat, &reading));
    if (const auto commands = ReadCommands(disk.get())) {
      reading.commands = std::max<int64_t>(reading.commands, 0) + *commands;
    }
  }
  if (usb_ != nullptr) {
    ASSIGN_OR_RETURN(const std::string urbs, usb_->ReadAttribute("urbnum"));
    ASSIGN_OR_RETURN(reading.urbs, Number(Trim(urbs), 10));
  }
  return reading;
}

}  // namespace sekisho::enforce
