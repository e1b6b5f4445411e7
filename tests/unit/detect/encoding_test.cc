#include "detect/encoding.h"

#include <gtest/gtest.h>

#include <random>

#include "detect/inspector.h"
#include "detect/utf8.h"
#include "tests/unit/detect/people_list.h"

namespace sekisho::detect {
namespace {

using namespace std::string_view_literals;

std::string Decoded_(Encoding encoding, std::string_view bytes,
                     size_t* errors = nullptr) {
  std::string text;
  const Decoded decoded = Decode(encoding, AsBytes(bytes), &text);
  if (errors != nullptr) {
    *errors = decoded.errors;
  }
  return text;
}

TEST(Utf8, StrictAtEveryPlaceOfABlock) {
  const struct {
    std::string_view bytes;
    bool valid;
  } kCases[] = {
      {"\xE5\xB1\xB1"sv, true},
      {"\xF0\xA0\xAE\xB7"sv, true},
      {"\xC3\xA9"sv, true},
      {"\xED\x9F\xBF"sv, true},
      {"\xF4\x8F\xBF\xBF"sv, true},
      {"\xC0\x80"sv, false},
      {"\xC1\xBF"sv, false},
      {"\xE0\x9F\xBF"sv, false},
      {"\xED\xA0\x80"sv, false},
      {"\xF0\x8F\xBF\xBF"sv, false},
      {"\xF4\x90\x80\x80"sv, false},
      {"\xF5\x80\x80\x80"sv, false},
      {"\x80"sv, false},
      {"\xE5\xB1"sv, false},
      {"\xE5"sv, false},
      {"\xF0\xA0\xAE"sv, false},
      {"\xE5\xB1\xB1\xB1"sv, false},
      {"\xFF"sv, false},
  };
  for (const auto& c : kCases) {
    for (size_t before = 0; before < 70; ++before) {
      for (size_t after : {0u, 1u, 31u, 40u}) {
        const std::string text = std::string(before, 'a') +
                                 std::string(c.bytes) + std::string(after, 'b');
        ASSERT_EQ(IsStrictUtf8(AsBytes(text)), c.valid)
            << before << " " << after << " " << testing::PrintToString(c.bytes);
      }
    }
  }
}

TEST(Utf8, AgreesWithReadingOneByOne) {
  std::mt19937 random(7);
  for (int i = 0; i < 20000; ++i) {
    std::string bytes(random() % 80, '\0');
    for (char& c : bytes) {
      // Mostly bytes that could go on.
      const unsigned r = random() % 8;
      c = static_cast<char>(r < 3   ? 0x80 + random() % 0x40
                            : r < 6 ? 0xC0 + random() % 0x40
                                    : random() % 0x80);
    }
    bool valid = true;
    for (size_t at = 0; at < bytes.size() && valid;) {
      valid = NextStrictUtf8(bytes, &at) != kMalformed;
    }
    ASSERT_EQ(IsStrictUtf8(AsBytes(bytes)), valid)
        << testing::PrintToString(bytes);
  }
}

TEST(Decode, Iso2022JpWithWindowsAdditions) {
  size_t errors = 0;
  EXPECT_EQ(Decoded_(Encoding::kIso2022Jp, "a\x1b$B;3ED\x1b(B b", &errors),
            "a山田 b");
  EXPECT_EQ(errors, 0u);
  EXPECT_EQ(Decoded_(Encoding::kIso2022Jp, "\x1b(I\x36\x45\x1b(B"), "ｶﾅ");
  EXPECT_EQ(Decoded_(Encoding::kIso2022Jp, "\x1b$B|b\x1b(J.", &errors), "髙.");
  EXPECT_EQ(errors, 0u);
  // A line that does not go back to ASCII takes only itself along.
  EXPECT_EQ(Decoded_(Encoding::kIso2022Jp, "\x1b$B;3\nED"), "山\nED");
  EXPECT_EQ(Decoded_(Encoding::kIso2022Jp, "\x1b$B;", &errors), "\uFFFD");
  EXPECT_EQ(errors, 1u);
}

TEST(Decode, LongAsciiRunsAndCutOffCharacters) {
  const std::string ascii(100, 'x');
  EXPECT_EQ(Decoded_(Encoding::kCp932, ascii + "\x8E\x52" + ascii),
            ascii + "山" + ascii);
  size_t errors = 0;
  EXPECT_EQ(Decoded_(Encoding::kCp932, ascii + "\x8E", &errors),
            ascii + "\uFFFD");
  EXPECT_EQ(errors, 1u);
  EXPECT_EQ(Decoded_(Encoding::kUtf16Le, "\x71\x5C\x3D\xD8\x00\xDE"sv),
            "山\xF0\x9F\x98\x80");
}

TEST(PossibleEncodings, TellsSevenBitJapaneseFromAscii) {
  EXPECT_EQ(PossibleEncodings(AsBytes("abc")).front(), Encoding::kAscii);
  EXPECT_EQ(PossibleEncodings(AsBytes("\x1b[31mred\x1b[0m")).front(),
            Encoding::kAscii);
  EXPECT_EQ(PossibleEncodings(AsBytes("\x1b$B;3ED\x1b(B")).front(),
            Encoding::kIso2022Jp);
}

// Two exports joined: the first UTF-8, the second CP932.
TEST(Inspector, ReadsAFileOfTwoEncodings) {
  std::string file = CustomerCsv(200);
  for (int i = 0; i < 200; ++i) {
    // 山田 太郎, 東京都港区 in CP932.
    file += fmt::format(
        "M{:07},\x8E\x52\x93\x63 \x91\xBE\x98\x59,,,,,"
        "\x93\x8C\x8B\x9E\x93\x73\x8D\x60\x8B\xE6{},090-9{:03}-0000,\r\n",
        900000 + i, i, i);
  }
  const Findings f = Inspect(AsBytes(file), {});
  EXPECT_EQ(f.encoding, "mixed");
  EXPECT_EQ(f.inspection, Inspection::kFull);
  EXPECT_EQ(f.persons, 400);
}

TEST(Inspector, JapaneseBySevenBitEscapes) {
  std::string file = "id,name,tel\r\n";
  for (int i = 0; i < 50; ++i) {
    file += fmt::format(
        "{},\x1b$B;3ED\x1b(B \x1b$BB@O:\x1b(B,090-1{:03}-0000\n", i, i);
  }
  const Findings f = Inspect(AsBytes(file), {});
  EXPECT_EQ(f.encoding, "iso-2022-jp");
  EXPECT_EQ(f.persons, 50);
}

// U+3000 between surname and given name is 00 30, a zero where ASCII has none.
TEST(Encoding, Utf16WithoutMarkMayHaveWideSpaces) {
  std::string little;
  for (int row = 0; row < 50; ++row) {
    little += std::string("\x50\x4f\x20\x85\0\x30\xb1\x82\x50\x5b", 10);
    for (char c : std::string_view("\t090-1234\r\n")) {
      little += {c, '\0'};
    }
  }
  std::string big = little;
  for (size_t i = 0; i < big.size(); i += 2) {
    std::swap(big[i], big[i + 1]);
  }
  size_t bom = 9;
  EXPECT_EQ(SniffUtf16(AsBytes(little), &bom), Encoding::kUtf16Le);
  EXPECT_EQ(SniffUtf16(AsBytes(big), &bom), Encoding::kUtf16Be);
  EXPECT_EQ(bom, 0u);
}

}  // namespace
}  // namespace sekisho::detect
