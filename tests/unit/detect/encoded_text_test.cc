#include "detect/encoded_text.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "detect/inspector.h"
#include "tests/unit/detect/people_list.h"

namespace sekisho::detect {
namespace {

std::string ToBase64(std::string_view bytes) {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    unsigned bits = 0;
    for (size_t j = 0; j < 3; ++j) {
      bits = bits << 8 |
             (i + j < bytes.size() ? static_cast<unsigned char>(bytes[i + j])
                                   : 0u);
    }
    for (size_t j = 0; j < 4; ++j) {
      const bool padding = i + j > bytes.size();
      out += padding ? '=' : kLetters[bits >> (18 - 6 * j) & 63];
    }
  }
  return out;
}

std::string ToHex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    out += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return out;
}

Findings Look(const std::string& text) {
  return Inspect(AsBytes(text), Options{});
}

TEST(DecodeText, TellsTextFromWordsAndNumbers) {
  std::string out;
  EXPECT_TRUE(DecodeText(ToBase64("山田 太郎"), &out));
  EXPECT_EQ(out, "山田 太郎");
  EXPECT_TRUE(DecodeText(ToHex("090-1234-5678"), &out));
  EXPECT_EQ(out, "090-1234-5678");
  for (const char* word :
       {"customer", "20240131", "09012345678", "Administrator", "M0000001",
        "d41d8cd98f00b204e9800998ecf8427e", "", "abc", "日本語のテキスト"}) {
    EXPECT_FALSE(DecodeText(word, &out)) << word << " is " << out;
  }
}

TEST(EncodedText, ColumnsAreLookedInto) {
  for (const auto encode : {&ToBase64, &ToHex}) {
    std::string csv = "番号,氏名,メール,電話番号\n";
    for (int i = 0; i < 300; ++i) {
      const Person p = PersonAt(i);
      csv += fmt::format("{},{},{},{}\n", i, encode(p.name), encode(p.email),
                         encode(p.phone));
    }
    const Findings f = Look(csv);
    EXPECT_EQ(f.persons, 300);
    EXPECT_EQ(f.of(DataType::kEmail), 300);
    EXPECT_EQ(f.of(DataType::kPersonName), 300);
  }
}

TEST(EncodedText, DataUrlsAndBlocksOfLinesAreLookedInto) {
  const std::string list = CustomerCsv(200);
  const Findings url =
      Look("<a href=\"data:text/csv;base64," + ToBase64(list) + "\">x</a>\n");
  EXPECT_EQ(url.persons, 200);
  std::string lines = "-----BEGIN LIST-----\n";
  const std::string encoded = ToBase64(list);
  for (size_t at = 0; at < encoded.size(); at += 76) {
    lines += encoded.substr(at, 76) + "\n";
  }
  EXPECT_EQ(Look(lines + "-----END LIST-----\n").persons, 200);
  EXPECT_EQ(Look(lines).persons, 200);
}

TEST(EncodedText, BlocksOfAnySizeAreReadInPieces) {
  const std::string encoded = ToBase64(CustomerCsv(12'000));
  ASSERT_GT(encoded.size(), 2 * kMaxEncodedRun);
  std::string lines = "list:\n";
  for (size_t at = 0; at < encoded.size(); at += 76) {
    lines += encoded.substr(at, 76) + "\n";
  }
  // A record at each cut is lost, and no more.
  EXPECT_NEAR(static_cast<double>(Look(lines).persons), 12'000, 120);
}

TEST(EncodedText, IsLookedIntoOnce) {
  const std::string twice = ToBase64("data: " + ToBase64(CustomerCsv(200)));
  EXPECT_EQ(Look("x " + twice + "\n").persons, 0);
}

TEST(EncodedText, AHashOrAKeyIsNobody) {
  std::string sums;
  for (int i = 0; i < 200; ++i) {
    uint64_t a = 0x9E3779B97F4A7C15 * static_cast<uint64_t>(i + 1);
    std::string hash;
    for (int part = 0; part < 4; ++part) {
      a ^= a >> 29;
      a *= 0xBF58476D1CE4E5B9;
      hash += fmt::format("{:016x}", a);
    }
    sums += fmt::format("{}  file{}.txt\n", hash, i);
  }
  const Findings f = Look(sums);
  EXPECT_EQ(f.persons, 0);
  EXPECT_EQ(f.inspection, Inspection::kFull);
}

}  // namespace
}  // namespace sekisho::detect
