#include "detect/utf7.h"

#include <gtest/gtest.h>

#include <string>

#include "detect/inspector.h"
#include "detect/utf8.h"
#include "tests/unit/detect/people_list.h"

namespace sekisho::detect {
namespace {

std::string Decoded(std::string_view text) {
  std::string out;
  DecodeUtf7(text, &out);
  return out;
}

// As RFC 2152 has it, with every character that is not ASCII in a run.
std::string ToUtf7(std::string_view utf8) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  uint32_t bits = 0;
  unsigned held = 0;
  bool inside = false;
  const auto end_run = [&] {
    if (inside && held > 0) {
      out += kAlphabet[(bits << (6 - held)) & 0x3F];
    }
    out += inside ? "-" : "";
    inside = false;
    bits = held = 0;
  };
  for (size_t at = 0; at < utf8.size();) {
    const uint32_t cp = NextCodePoint(utf8, &at);
    if (cp < 0x80) {
      end_run();
      out += static_cast<char>(cp);
      out += cp == '+' ? "-" : "";
      continue;
    }
    out += inside ? "" : "+";
    inside = true;
    const auto put = [&](uint32_t unit) {
      bits = bits << 16 | unit;
      held += 16;
      while (held >= 6) {
        held -= 6;
        out += kAlphabet[bits >> held & 0x3F];
        bits &= (1U << held) - 1;
      }
    };
    if (cp >= 0x10000) {
      put(0xD800 + ((cp - 0x10000) >> 10));
      put(0xDC00 + ((cp - 0x10000) & 0x3FF));
    } else {
      put(cp);
    }
  }
  end_run();
  return out;
}

TEST(DecodeUtf7, AgreesWithTheRfc) {
  EXPECT_EQ(Decoded("A+ImIDkQ."), "A≢Α.");
  EXPECT_EQ(Decoded("Hi Mom -+Jjo--!"), "Hi Mom -☺-!");
  EXPECT_EQ(Decoded("+ZeVnLIqe-"), "日本語");
  EXPECT_EQ(Decoded("Item 3 is +AKM-1."), "Item 3 is £1.");
  EXPECT_EQ(Decoded("1 +- 1 = 2"), "1 + 1 = 2");
  EXPECT_EQ(Decoded(ToUtf7("𠮷田 太郎, 髙橋")), "𠮷田 太郎, 髙橋");
}

TEST(DecodeUtf7, LeavesWhatIsNoRun) {
  for (std::string_view text : {"a+b", "a+bc-d", "x = y + z", "+2F8-",
                                "+2F8gAA-", "+++", "+", "c++17 and g++"}) {
    EXPECT_EQ(Decoded(text), text);
  }
}

TEST(HasUtf7Runs, WantsTwoRunsOfJapanese) {
  EXPECT_TRUE(HasUtf7Runs(ToUtf7("山田,東京\n")));
  EXPECT_FALSE(HasUtf7Runs(ToUtf7("山田,x\n")));
  EXPECT_FALSE(HasUtf7Runs("a+ZeVn- +AKM- +AKMAow- int a = b+c+d;"));
  EXPECT_FALSE(HasUtf7Runs(
      "MIIB+zCCAWQCCQD+mock/base64+lines0of9a+certificate7That+Go/on\n"
      "AAAA+BBBB+CCCC+DDDD+EEEE+FFFF+GGGG+HHHH+IIII+JJJJ+KKKK+LLLL+MM\n"));
}

TEST(Inspector, ReadsUtf7AsASecondReading) {
  for (const int count : {3, 1500}) {
    const Findings f = Inspect(AsBytes(ToUtf7(CustomerCsv(count))), {});
    EXPECT_EQ(f.persons, count);
    EXPECT_EQ(f.encoding, "utf-7");
    EXPECT_EQ(f.of(DataType::kPersonName), count);
  }
  // Runs that say nothing about people leave the text what it was.
  EXPECT_EQ(
      Inspect(AsBytes(ToUtf7("部品,数\nネジ,1\nナット,2\n")), {}).encoding,
      "us-ascii");
}

}  // namespace
}  // namespace sekisho::detect
