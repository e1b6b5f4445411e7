// Pieces of frozen bytes: sizes are u32, little endian.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "common/bytes.h"

namespace sekisho::policy {

inline void AppendU32(std::string& out, size_t value) {
  std::array<std::byte, 4> bytes;
  PutU32(bytes.data(), static_cast<uint32_t>(value));
  out += AsText(bytes);
}

// Takes pieces off the front; what is missing makes every later piece fail.
class Cursor {
 public:
  explicit Cursor(std::string_view rest) : rest_(rest) {}

  std::optional<std::string_view> Take(size_t count) {
    if (count > rest_.size()) return std::nullopt;
    const std::string_view piece = rest_.substr(0, count);
    rest_.remove_prefix(count);
    return piece;
  }
  std::optional<std::string_view> TakeSized(size_t cap_bytes) {
    const auto size = Take(4);
    if (!size) return std::nullopt;
    const size_t count = GetU32(AsBytes(*size).data());
    if (count > cap_bytes) return std::nullopt;
    return Take(count);
  }
  size_t left() const { return rest_.size(); }

 private:
  std::string_view rest_;
};

}  // namespace sekisho::policy
