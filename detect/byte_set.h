// Bytes of a set found in text, 32 at a step where the processor has AVX2: all
// text passes here before anything is read of it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sekisho::detect {

// Some of the 128 ASCII characters.
class ByteSet {
 public:
  constexpr explicit ByteSet(std::string_view bytes) {
    for (const char c : bytes) {
      Add(c);
    }
  }
  constexpr void Add(char c) {
    const auto byte = static_cast<unsigned char>(c);
    rows_[byte & 0xF] |= static_cast<uint8_t>(1U << (byte >> 4));
  }

  constexpr bool Has(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x80 && (rows_[byte & 0xF] >> (byte >> 4) & 1) != 0;
  }
  // First byte of the set at or after `at`; text.size() if none.
  size_t Find(std::string_view text, size_t at) const;

 private:
  // By the low four bits: bit k stands for the byte with k in its high four.
  std::array<uint8_t, 16> rows_{};
};

// First of two blanks that follow each other; text.size() if none.
size_t FindTwoBlanks(std::string_view text);

}  // namespace sekisho::detect
