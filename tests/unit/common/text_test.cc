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

TEST(Text, JsonShowsNothingThatReordersOrHides) {
  const struct {
    const char* raw;
    const char* json;
  } cases[] = {
      {"\xe2\x80\xae", "\\u202e"},
      {"\xe2\x81\xa6", "\\u2066"},
      {"\xc2\x9b", "\\u009b"},
      {"\xd8\x9c", "\\u061c"},
      {"\xef\xbb\xbf", "\\ufeff"},
      {"\xe2\x80\xa8", "\\u2028"},
      {"\xf3\xa0\x81\x81", "\\udb40\\udc41"},  // U+E0041, a tag
      {"\x1b[2J", "\\u001b[2J"},
      {"漢字 é", "漢字 é"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(JsonQuote(c.raw), "\"" + std::string(c.json) + "\"");
  }
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
