// The rows of all device lists, packed: one array sorted by the hash of
// (list, vendor, product, serial) and one string that holds their texts.
// 100,000 rows take about 10 MB; a look-up costs three binary searches.
// Thrown away: std::unordered_map of DeviceEntry, 45 MB for the same rows.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/model.h"

namespace sekisho::policy {

class DeviceIndex {
 public:
  explicit DeviceIndex(const std::vector<DeviceEntry>& entries);

  // The access of the row that covers `device` on `terminal` at `now`. A row
  // that names the serial goes before one for all serials, that before one for
  // all products. Among these a row that blocks wins; else a row for this
  // terminal goes before one for every terminal, and among equals the most
  // closed access wins.
  std::optional<Access> Find(std::string_view list, const DeviceFacts& device,
                             std::string_view terminal, WallTime now) const;

  // The first end of a row after `now`.
  std::optional<WallTime> NextExpiry(WallTime now) const;

 private:
  struct Row {
    uint64_t hash = 0;
    WallTime expires;  // WallTime::max() = never
    size_t text_at = 0;
    uint32_t key_bytes = 0;
    uint32_t terminal_bytes = 0;
    uint32_t descriptor_bytes = 0;
    Access access = Access::kBlock;
  };

  std::optional<Access> FindKey(std::string_view key,
                                std::string_view descriptor_hash,
                                std::string_view terminal, WallTime now) const;

  std::string texts_;
  std::vector<Row> rows_;
  std::vector<WallTime> ends_;  // sorted, each once
};

}  // namespace sekisho::policy
