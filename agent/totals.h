// What was let through to media on this terminal, summed up for policy's
// totals: persons, bytes and files by person, by device and in all, over up to
// 400 days. Counted in whole hours. On disk in one file that is appended to, so
// that sums outlive restarts and reboots.
//
// People are joined by the keyed hashes of their rows, of which a scan gives at
// most 512 a file; people above that count anew with each file, so that a sum
// is too high rather than too low. Thrown away: a sketch for each hour and
// person (16 KiB each, and an error of its own).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "agent/ipc/messages.h"
#include "common/clock.h"
#include "common/result.h"
#include "common/unique_fd.h"
#include "policy/model.h"

namespace sekisho::agent {

inline constexpr size_t kMaxTotalEntries = 50'000;
inline constexpr size_t kMaxTotalHashes = 500'000;  // 4 MB
inline constexpr size_t kMaxTotalsFileBytes = size_t{32} << 20;

class Totals {
 public:
  struct Transfer {
    std::string person;
    std::string device;  // "0951:1666:SERIAL"
    int64_t files = 1;   // 0: a part of one that is counted when it is whole
    int64_t bytes = 0;
    int64_t persons = 0;
    std::vector<uint64_t> people;  // hashes of at most `persons` of them
  };
  enum class Durability { kMemory, kDisk };

  // A file that is damaged counts up to the damage; `problem` says so.
  static Result<std::unique_ptr<Totals>> Open(const std::string& path,
                                              WallTime now,
                                              std::string* problem);

  // With `transfer` added, as it would be now.
  int64_t Sum(const policy::TotalKey& key, const Transfer& transfer,
              WallTime now) const;
  // kDisk: when it returns, the disk has it. On failure it counts in memory.
  Status Add(const Transfer& transfer, WallTime now, Durability durability);

 private:
  struct Entry {
    int64_t hour = 0;  // since 1970
    std::string person;
    std::string device;
    int64_t files = 0;
    int64_t bytes = 0;
    int64_t uncounted = 0;  // people without a hash
    std::vector<uint64_t> people;
  };

  explicit Totals(std::string path) : path_(std::move(path)) {}
  static std::string Encode(const Entry& entry);
  static bool Decode(std::string_view* rest, Entry* out);
  void Take(Entry entry);
  void Forget(int64_t oldest_hour);
  Status Rewrite();

  const std::string path_;
  UniqueFd file_;
  size_t file_bytes_ = 0;
  std::deque<Entry> entries_;  // by hour
  size_t hashes_ = 0;
};

// The numbers in `keyed_hashes`, sorted, each once.
std::vector<uint64_t> HashesIn(std::string_view keyed_hashes);

// As policy asks for them. `findings` as the scan gave them.
Totals::Transfer TransferOf(const std::string& person,
                            const policy::DeviceFacts& device,
                            const ipc::Findings& findings);

}  // namespace sekisho::agent
