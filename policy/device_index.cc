#include "policy/device_index.h"

#include <algorithm>
#include <functional>

namespace sekisho::policy {
namespace {

// Only the serial comes from a device; it stands last, so that no byte in it
// can make the key of another row.
std::string Key(std::string_view list, std::string_view vendor,
                std::string_view product, std::string_view serial) {
  std::string key;
  key.reserve(list.size() + vendor.size() + product.size() + serial.size() + 3);
  key.append(list).append(1, '\0');
  key.append(vendor).append(1, '\0');
  key.append(product).append(1, '\0');
  key.append(serial);
  return key;
}

uint64_t Hash(std::string_view key) {
  return std::hash<std::string_view>()(key);
}

}  // namespace

DeviceIndex::DeviceIndex(const std::vector<DeviceEntry>& entries) {
  rows_.reserve(entries.size());
  for (const DeviceEntry& entry : entries) {
    const std::string key =
        Key(entry.list, entry.vendor_id, entry.product_id, entry.serial);
    Row row;
    row.hash = Hash(key);
    row.expires = entry.expires.value_or(WallTime::max());
    row.text_at = texts_.size();
    row.key_bytes = static_cast<uint32_t>(key.size());
    row.terminal_bytes = static_cast<uint32_t>(entry.terminal.size());
    row.descriptor_bytes = static_cast<uint32_t>(entry.descriptor_hash.size());
    row.access = entry.access;
    texts_ += key;
    texts_ += entry.terminal;
    texts_ += entry.descriptor_hash;
    rows_.push_back(row);
    if (entry.expires) ends_.push_back(*entry.expires);
  }
  texts_.shrink_to_fit();
  std::ranges::sort(rows_, {}, &Row::hash);
  std::ranges::sort(ends_);
  const auto repeated = std::ranges::unique(ends_);
  ends_.erase(repeated.begin(), repeated.end());
}

std::optional<Access> DeviceIndex::Find(std::string_view list,
                                        const DeviceFacts& device,
                                        std::string_view terminal,
                                        WallTime now) const {
  if (rows_.empty()) return std::nullopt;
  const std::string& vendor = device.vendor_id;
  const std::string& product = device.product_id;
  for (const std::string& key :
       {Key(list, vendor, product, device.serial),
        Key(list, vendor, product, "*"), Key(list, vendor, "*", "*")}) {
    const auto access = FindKey(key, device.descriptor_hash, terminal, now);
    if (access) return access;
  }
  return std::nullopt;
}

std::optional<Access> DeviceIndex::FindKey(std::string_view key,
                                           std::string_view descriptor_hash,
                                           std::string_view terminal,
                                           WallTime now) const {
  std::optional<Access> best;
  bool best_is_local = false;
  const std::string_view texts = texts_;
  for (const Row& row :
       std::ranges::equal_range(rows_, Hash(key), {}, &Row::hash)) {
    const auto row_terminal =
        texts.substr(row.text_at + row.key_bytes, row.terminal_bytes);
    const auto row_descriptor = texts.substr(
        row.text_at + row.key_bytes + row.terminal_bytes, row.descriptor_bytes);
    if (texts.substr(row.text_at, row.key_bytes) != key || row.expires <= now ||
        (!row_terminal.empty() && row_terminal != terminal) ||
        (!row_descriptor.empty() && row_descriptor != descriptor_hash)) {
      continue;
    }
    if (row.access == Access::kBlock) return Access::kBlock;
    const bool is_local = !row_terminal.empty();
    const bool better = !best || (is_local && !best_is_local) ||
                        (is_local == best_is_local && row.access < *best);
    if (better) {
      best = row.access;
      best_is_local = is_local;
    }
  }
  return best;
}

std::optional<WallTime> DeviceIndex::NextExpiry(WallTime now) const {
  const auto next = std::ranges::upper_bound(ends_, now);
  if (next == ends_.end()) return std::nullopt;
  return *next;
}

}  // namespace sekisho::policy
