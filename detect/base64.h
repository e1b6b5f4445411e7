// Bytes that are written as text: base64 and hex digits.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace sekisho::detect {

// The value of a letter of RFC 4648, of either alphabet; -1 for any other.
inline constexpr auto kBase64Values = [] {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kLetters.size(); ++i) {
    table[static_cast<unsigned char>(kLetters[i])] = static_cast<int8_t>(i);
  }
  table['-'] = 62;
  table['_'] = 63;
  return table;
}();
inline int Base64Value(char c) {
  return kBase64Values[static_cast<unsigned char>(c)];
}

inline int HexDigit(int c) {
  return c >= '0' && c <= '9'                     ? c - '0'
         : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 87
                                                  : -1;
}

// RFC 4648 with either alphabet; other characters are skipped. Fed in pieces.
class Base64Decoder {
 public:
  void Feed(std::string_view text, std::string* out) {
    for (const char c : text) {
      if (c == '=') {
        bits_ = 0;
        count_ = 0;
        continue;
      }
      const int value = Base64Value(c);
      if (value < 0) {
        continue;
      }
      bits_ = bits_ << 6 | static_cast<uint32_t>(value);
      count_ += 6;
      if (count_ >= 8) {
        count_ -= 8;
        out->push_back(static_cast<char>(bits_ >> count_ & 0xFF));
      }
    }
  }

 private:
  uint32_t bits_ = 0;
  int count_ = 0;
};

}  // namespace sekisho::detect
