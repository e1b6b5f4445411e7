// Many strings by number, packed: the shared strings of a workbook. Beyond a
// few MiB blocks are deflated, of which some stay open; readers ask for strings
// mostly in the order they were added.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "detect/formats/budget.h"

namespace sekisho::detect {

class StringStore {
 public:
  explicit StringStore(Budget* budget) : budget_(budget) {}
  ~StringStore() { budget_->Release(held_); }
  StringStore(const StringStore&) = delete;
  StringStore& operator=(const StringStore&) = delete;

  // False: no room (limit:dictionary).
  bool Add(std::string_view text);
  size_t size() const { return begins_.size(); }
  // Valid until the next call; empty for a number that was never added.
  std::string_view Get(size_t index);
  // Numbers that nobody asked for, in order.
  bool asked(size_t index) const { return asked_[index]; }

 private:
  struct Block {
    size_t first = 0;  // number of its first string
    uint32_t size = 0;
    bool packed = false;
    std::string bytes;
  };
  // What repeats (names, dates, places) is first seen early, so the first 32
  // MiB stay plain; behind them are mostly values that are asked for once.
  static constexpr size_t kBlockBytes = size_t{16} * 1024;
  static constexpr size_t kOpenBlocks = 256;
  static constexpr size_t kPlainBlocks = 2048;

  bool Pack(Block* block);
  const std::string& Open(size_t block);

  Budget* budget_;
  int64_t held_ = 0;
  std::vector<uint32_t> begins_;  // within the block
  std::vector<bool> asked_;
  std::vector<Block> blocks_;
  struct Opened {
    size_t block = SIZE_MAX;
    std::string bytes;
  };
  std::array<Opened, kOpenBlocks> opened_;
};

}  // namespace sekisho::detect
