#include "detect/formats/string_store.h"

#include <zlib.h>

#include <algorithm>

#include "common/result.h"

namespace sekisho::detect {
namespace {

// What a string costs beside its bytes.
constexpr int64_t kIndexBytes = 5;
// Room for the string that fills a block.
constexpr size_t kSlackBytes = 256;

}  // namespace

bool StringStore::Add(std::string_view text) {
  if (blocks_.empty() || blocks_.back().size >= kBlockBytes) {
    if (blocks_.size() >= kPlainBlocks && !Pack(&blocks_.back())) {
      return false;
    }
    Block block;
    block.first = begins_.size();
    // Grown by doubling it would end at twice its bytes.
    block.bytes.reserve(kBlockBytes + kSlackBytes);
    blocks_.push_back(std::move(block));
  }
  Block& block = blocks_.back();
  const int64_t cost = static_cast<int64_t>(text.size()) + kIndexBytes;
  if (text.size() > UINT32_MAX / 2 || !budget_->Hold(cost)) {
    return false;
  }
  held_ += cost;
  begins_.push_back(block.size);
  asked_.push_back(false);
  block.bytes += text;
  block.size = static_cast<uint32_t>(block.bytes.size());
  return true;
}

bool StringStore::Pack(Block* block) {
  uLongf size = ::compressBound(block->size);
  std::string packed(size, '\0');
  if (::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                  reinterpret_cast<const Bytef*>(block->bytes.data()),
                  block->size, 1) != Z_OK) {
    return false;
  }
  const int64_t saved =
      static_cast<int64_t>(block->size) - static_cast<int64_t>(size);
  block->bytes.assign(packed.data(), size);
  block->bytes.shrink_to_fit();
  block->packed = true;
  budget_->Release(saved);
  held_ -= saved;
  return true;
}

const std::string& StringStore::Open(size_t index) {
  const Block& block = blocks_[index];
  if (!block.packed) {
    return block.bytes;
  }
  Opened& slot = opened_[index % kOpenBlocks];
  if (slot.block != index) {
    slot.bytes.resize(block.size);
    uLongf size = block.size;
    CHECK(::uncompress(reinterpret_cast<Bytef*>(slot.bytes.data()), &size,
                       reinterpret_cast<const Bytef*>(block.bytes.data()),
                       block.bytes.size()) == Z_OK);
    slot.block = index;
  }
  return slot.bytes;
}

std::string_view StringStore::Get(size_t index) {
  if (index >= begins_.size()) {
    return {};
  }
  asked_[index] = true;
  const auto next = std::upper_bound(
      blocks_.begin(), blocks_.end(), index,
      [](size_t i, const Block& block) { return i < block.first; });
  const auto number = static_cast<size_t>(next - blocks_.begin()) - 1;
  const Block& block = blocks_[number];
  const size_t last = next == blocks_.end() ? begins_.size() : next->first;
  const uint32_t end = index + 1 < last ? begins_[index + 1] : block.size;
  const std::string& bytes = Open(number);
  return std::string_view(bytes).substr(begins_[index], end - begins_[index]);
}

}  // namespace sekisho::detect
