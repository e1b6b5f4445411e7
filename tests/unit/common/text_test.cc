#include "common/text.h"

#include <gtest/gtest.h>

namespace sekisho {
namespace {

TEST(Text, EscapesWhatCouldFoolAReader) {
  EXPECT_EQ(EscapeUntrusted("plain 漢字"), "plain 漢字");
  EXPECT_EQ(EscapeUntrusted("a\nb\\c"), "a\\nb\\\\c");
  EXPECT_EQ(EscapeUntrusted("\x1b[31m"), "\\u{1b}[31m");
  EXPECT_EQ(EscapeUntrusted("x\xe2\x80\xae"
                            "fdp.exe"),
            "x\\u{202e}fdp.exe");
  EXPECT_EQ(EscapeUntrusted("\xff\xfe"), "\\xff\\xfe");
  EXPECT_EQ(EscapeUntrusted("\xc0\xaf"), "\\xc0\\xaf");           // overlong
  EXPECT_EQ(EscapeUntrusted("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // surrogate
}

TEST(Text, EscapingHonoursTheCap) {
  EXPECT_EQ(EscapeUntrusted("abcdef", 3), "abc...");
  EXPECT_EQ(EscapeUntrusted("abc", 3), "abc");
  EXPECT_EQ(EscapeUntrusted("ab漢", 4), "ab...");
}

TEST(Text, JsonQuoteGivesValidJson) {
  EXPECT_EQ(JsonQuote("a\"b\\\n\x01\x7f"), "\"a\\\"b\\\\\\n\\u0001\\u007f\"");
  EXPECT_EQ(JsonQuote("\xff"), "\"\xef\xbf\xbd\"");
}

TEST(Text, SplitKeepsEmptyParts) {
  const auto parts = Split("a,,b,", ',');
  ASSERT_EQ(parts.size(), 4U);
  EXPECT_EQ(parts[1], "");
  EXPECT_EQ(parts[3], "");
  EXPECT_EQ(Trim(" \ta b\n"), "a b");
  EXPECT_EQ(Trim("  "), "");
}

}  // namespace
}  // namespace sekisho
