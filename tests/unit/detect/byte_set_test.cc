#include "detect/byte_set.h"

#include <gtest/gtest.h>

#include <string>

namespace sekisho::detect {
namespace {

TEST(ByteSet, FindsItsBytesAndNoOthersAtEveryPlace) {
  constexpr std::string_view kBytes = "\x01\n\",:^|\x7f";
  constexpr ByteSet kSet(kBytes);
  for (int value = 0; value < 256; ++value) {
    const char c = static_cast<char>(value);
    const bool is_in = kBytes.find(c) != std::string_view::npos;
    EXPECT_EQ(kSet.Has(c), is_in) << value;
    for (size_t at = 0; at < 70; ++at) {
      std::string text(70, 'x');
      text[at] = c;
      EXPECT_EQ(kSet.Find(text, 0), is_in ? at : text.size()) << value;
      EXPECT_EQ(kSet.Find(text, at + 1), text.size()) << value;
    }
  }
  EXPECT_EQ(kSet.Find("", 0), 0U);
}

TEST(FindTwoBlanks, AtEveryPlace) {
  for (size_t size = 0; size < 80; ++size) {
    std::string one;
    while (one.size() < size) {
      one += one.size() % 2 == 0 ? 'x' : ' ';
    }
    EXPECT_EQ(FindTwoBlanks(one), size);
    for (size_t at = 0; at + 1 < size; ++at) {
      std::string text = one;
      text[at] = text[at + 1] = ' ';
      const size_t first = at > 0 && text[at - 1] == ' ' ? at - 1 : at;
      EXPECT_EQ(FindTwoBlanks(text), first) << size;
    }
  }
}

}  // namespace
}  // namespace sekisho::detect
