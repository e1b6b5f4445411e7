#include "detect/inspector.h"

#include <gtest/gtest.h>

#include <random>

#include "tests/unit/detect/people_list.h"

namespace sekisho::detect {
namespace {

Findings Look(std::string_view text) { return Inspect(AsBytes(text), {}); }

std::string ToUtf16(std::string_view utf8, bool little, bool bom) {
  std::u16string units;
  if (bom) {
    units += u'\uFEFF';
  }
  for (size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const size_t size = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    uint32_t cp = size == 1 ? lead : lead & (0x7Fu >> size);
    for (size_t k = 1; k < size; ++k) {
      cp = cp << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3Fu);
    }
    units += static_cast<char16_t>(cp);  // the test data is in the BMP
    i += size;
  }
  std::string bytes;
  for (char16_t unit : units) {
    const char low = static_cast<char>(unit & 0xFF);
    const char high = static_cast<char>(unit >> 8);
    bytes += little ? low : high;
    bytes += little ? high : low;
  }
  return bytes;
}

TEST(Inspector, CountsPeopleOfAList) {
  const Findings f = Look(CustomerCsv(1500));
  EXPECT_EQ(f.format, "csv");
  EXPECT_EQ(f.encoding, "utf-8");
  EXPECT_EQ(f.inspection, Inspection::kFull);
  EXPECT_EQ(f.reason, "");
  EXPECT_EQ(f.persons, 1500);
  for (DataType type :
       {DataType::kMemberId, DataType::kPersonName, DataType::kNameKana,
        DataType::kSex, DataType::kBirthDate, DataType::kPostalCode,
        DataType::kAddress, DataType::kPhone, DataType::kEmail}) {
    EXPECT_EQ(f.of(type), 1500) << Name(type);
  }
  ASSERT_EQ(f.columns.size(), 9u);
  EXPECT_EQ(f.columns[1].name, "氏名");
  EXPECT_EQ(f.columns[1].type, DataType::kPersonName);
  EXPECT_EQ(f.columns[1].rows, 1500);
  EXPECT_DOUBLE_EQ(f.columns[1].share, 1.0);
}

TEST(Inspector, CountsAFewPeopleExactly) {
  for (int count : {1, 2, 3, 15, 99}) {
    EXPECT_EQ(Look(CustomerCsv(count)).persons, count);
    EXPECT_EQ(Look(CustomerCsv(count, ",", false)).persons, count);
  }
}

TEST(Inspector, DelimiterAndHeaderChangeNothing) {
  for (std::string_view separator : {",", "\t", ";", "|"}) {
    for (bool header : {true, false}) {
      const Findings f = Look(CustomerCsv(300, separator, header));
      EXPECT_EQ(f.persons, 300) << separator << header;
      EXPECT_EQ(f.format, separator == "\t" ? "tsv" : "csv");
      EXPECT_EQ(f.of(DataType::kPersonName), 300) << separator << header;
      EXPECT_EQ(f.of(DataType::kPhone), 300) << separator << header;
      EXPECT_EQ(f.of(DataType::kAddress), 300) << separator << header;
    }
  }
}

TEST(Inspector, Utf16WithAndWithoutMark) {
  const std::string csv = CustomerCsv(400);
  for (bool little : {true, false}) {
    for (bool bom : {true, false}) {
      const Findings f = Look(ToUtf16(csv, little, bom));
      EXPECT_EQ(f.encoding, little ? "utf-16le" : "utf-16be");
      EXPECT_EQ(f.persons, 400);
      EXPECT_EQ(f.of(DataType::kPersonName), 400);
    }
  }
}

TEST(Inspector, AnyCutOfTheStreamGivesTheSame) {
  const std::string csv = CustomerCsv(200);
  const Findings whole = Look(csv);
  for (size_t step : {1u, 7u, 1000u, 4093u}) {
    Inspector inspector({});
    for (size_t at = 0; at < csv.size(); at += step) {
      inspector.Feed(AsBytes(std::string_view(csv).substr(at, step)));
    }
    const Findings f = inspector.Finish();
    EXPECT_EQ(f.persons, whole.persons) << step;
    EXPECT_EQ(f.data, whole.data) << step;
  }
}

TEST(Inspector, CountIsRightAtAnyPoint) {
  constexpr int kCount = 12000;
  Inspector inspector({});
  inspector.Feed(AsBytes(CustomerCsv(0)));
  std::string rows;
  for (int i = 0; i < kCount; ++i) {
    std::string all = CustomerCsv(0, ",", false);
    const Person p = PersonAt(i);
    inspector.Feed(AsBytes(fmt::format("{},{},{},{},{},{},{},{},{}\r\n",
                                       p.member, p.name, p.kana, p.sex, p.birth,
                                       p.postal, p.address, p.phone, p.email)));
    const bool look = i < 30 || i % 1999 == 0;
    if (look && i < 4096) {
      ASSERT_EQ(inspector.PersonsSoFar(), i + 1);
    } else if (look) {
      ASSERT_NEAR(static_cast<double>(inspector.PersonsSoFar()), i + 1,
                  0.02 * i);
    }
  }
  EXPECT_NEAR(static_cast<double>(inspector.Finish().persons), kCount,
              0.02 * kCount);
}

TEST(Inspector, RepeatedRowsAreOnePerson) {
  std::string csv = CustomerCsv(50);
  csv += CustomerCsv(50, ",", false);
  csv += CustomerCsv(50, ",", false);
  EXPECT_EQ(Look(csv).persons, 50);
}

TEST(Inspector, AHeaderInTheMiddleIsNoPerson) {
  EXPECT_EQ(Look(CustomerCsv(50) + CustomerCsv(50)).persons, 50);
}

TEST(Inspector, QuotesNewlinesAndRaggedRows) {
  std::string csv = "氏名,電話番号,備考\r\n";
  for (int i = 0; i < 60; ++i) {
    const Person p = PersonAt(i);
    csv += fmt::format("\"{}\",=\"{}\",\"一行目,\n二\"\"行\"\"目\"\r\n", p.name,
                       p.phone);
    if (i % 10 == 0) {
      csv += "\r\n";
    }
    if (i % 15 == 0) {
      csv += "小計\r\n";
    }
  }
  EXPECT_EQ(Look(csv).persons, 60);
}

TEST(Inspector, AStrayQuoteHidesNothing) {
  std::string csv = "氏名,電話番号\r\n\"";
  for (int i = 0; i < 3000; ++i) {
    const Person p = PersonAt(i);
    csv += fmt::format("{},{}\r\n", p.name, p.phone);
  }
  EXPECT_GE(Look(csv).persons, 2990);
}

TEST(Inspector, ProseBeforeAListHidesNothing) {
  std::string text;
  for (int i = 0; i < 5000; ++i) {
    text += "本書は、保守作業の手順を説明するものである。\n";
  }
  text += CustomerCsv(500);
  EXPECT_GE(Look(text).persons, 490);
}

TEST(Inspector, MyNumberColumn) {
  std::string csv = "社員,個人番号\n";
  for (int i = 0; i < 200; ++i) {
    std::string body = fmt::format("{:011}", 12345678901LL + i * 7919LL);
    int sum = 0;
    constexpr int kWeights[] = {6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2};
    for (size_t k = 0; k < 11; ++k) {
      sum += (body[k] - '0') * kWeights[k];
    }
    const int r = sum % 11;
    body += static_cast<char>('0' + (r <= 1 ? 0 : 11 - r));
    csv += fmt::format("E{:05},{}\n", i, body);
  }
  const Findings f = Look(csv);
  EXPECT_EQ(f.of(DataType::kMyNumber), 200);
  EXPECT_EQ(f.persons, 200);
  // The values alone say it too.
  const Findings bare = Look(csv.substr(csv.find('\n') + 1));
  EXPECT_EQ(bare.of(DataType::kMyNumber), 200);
}

TEST(Inspector, ProseNeedsASecondValue) {
  EXPECT_EQ(Look("担当の山田花子が 090-1234-5678 でお待ちします。\n"
                 "山田花子 090-1234-5678\n")
                .persons,
            1);
  EXPECT_EQ(Look("Taro Yamada <taro@example.jp>\n").persons, 1);
  EXPECT_EQ(Look("氏名: 山田花子\n電話: 03-1234-5678\n\n"
                 "氏名: 佐藤健一\n電話: 03-1234-9999\n")
                .persons,
            2);
  EXPECT_EQ(Look("山田花子が来ました。\n").persons, 0);
  EXPECT_EQ(Look("お問い合わせは 03-1234-5678 まで。\n").persons, 0);
  EXPECT_EQ(Look("山田花子,備考\n").persons, 0);
}

// Files that maintenance staff carry every day.
TEST(Inspector, IsQuietOnHarmlessTables) {
  std::mt19937_64 random(42);
  std::string digits, jan, epoch, companies, postal, imei, log, table;
  companies = "会社名,郵便番号,住所,電話番号,代表者\n";
  for (int i = 0; i < 1000; ++i) {
    digits += fmt::format("{:012},{}\n", random() % 1'000'000'000'000, i);
    jan += fmt::format("49{:010}{},商品{}\n", random() % 10'000'000'000,
                       random() % 10, i);
    epoch += fmt::format("{},{:.3f}\n", 1700000000000 + i * 1000,
                         static_cast<double>(random() % 1000) / 7);
    const Person p = PersonAt(i);
    companies +=
        fmt::format("株式会社{}商事{},{},{},03-{:04}-{:04},{}\n", p.kana, i,
                    p.postal, p.address, 1000 + i, random() % 10000, p.name);
    postal += fmt::format("{},{},{}\n", p.postal, "東京都,千代田区", "千代田");
    imei += fmt::format("35{:013},8981{:015}\n", random() % 10'000'000'000'000,
                        random() % 1'000'000'000'000'000);
    log += fmt::format(
        "2024-01-02T03:04:{:02}.{:03} host-{} sshd[{}]: Accepted "
        "publickey for admin from 10.0.{}.{} port {}\n",
        i % 60, i % 1000, i % 9, i, i % 255, i % 250, 40000 + i);
    table += fmt::format("sensor-{},{},{:.2f},OK\n", i, random() % 100000,
                         static_cast<double>(random() % 10000) / 100);
  }
  const struct {
    const char* what;
    const std::string& text;
  } kCases[] = {{"12 digits", digits}, {"JAN", jan},
                {"epoch", epoch},      {"companies", companies},
                {"postal", postal},    {"IMEI", imei},
                {"log", log},          {"table", table}};
  for (const auto& c : kCases) {
    const Findings f = Look(c.text);
    EXPECT_EQ(f.persons, 0) << c.what;
    EXPECT_EQ(f.inspection, Inspection::kFull) << c.what;
    EXPECT_EQ(f.of(DataType::kMyNumber), 0) << c.what;
    EXPECT_EQ(f.of(DataType::kCreditCard), 0) << c.what;
  }
}

TEST(Inspector, WhatItCannotReadIsNeverClean) {
  using namespace std::string_literals;
  const struct {
    std::string bytes;
    const char* format;
    const char* reason;
  } kCases[] = {
      {"\x89PNG\r\n\x1a\n\0\0\0"s, "png", "unknown"},
      {"PK\3\4\x14\0\0\0\x08\0[Content_Types].xml xl/workbook.xml"s, "xlsx",
       "unknown"},
      {"PK\3\4\x14\0\1\0\x08\0secret.csv"s, "zip", "encrypted"},
      {"%PDF-1.7\n"s + std::string(100000, 'x') + "trailer /Encrypt 5 0 R"s,
       "pdf", "encrypted"},
      {"%PDF-1.7\nhello"s, "pdf", "unknown"},
      {"LUKS\xba\xbe\0\2"s, "luks", "encrypted"},
      {std::string("\0\1\2\3\4\5\6\7", 8), "unknown", "unknown"},
      {"\x1f\x8b\x08\0\0"s, "gzip", "unknown"},
      {"-----BEGIN PGP MESSAGE-----\n\nabc"s, "pgp", "encrypted"},
  };
  for (const auto& c : kCases) {
    const Findings f = Look(c.bytes);
    EXPECT_EQ(f.format, c.format);
    EXPECT_EQ(f.reason, c.reason) << c.format;
    EXPECT_EQ(f.inspection, Inspection::kNone) << c.format;
  }
}

TEST(Inspector, LimitIsPartial) {
  const std::string csv = CustomerCsv(100);
  Inspector inspector({.max_bytes = 1000});
  inspector.Feed(AsBytes(csv));
  const Findings f = inspector.Finish();
  EXPECT_EQ(f.inspection, Inspection::kPartial);
  EXPECT_EQ(f.reason, "limit:bytes");
  EXPECT_GT(f.persons, 0);
  Inspector exact({.max_bytes = static_cast<int64_t>(csv.size())});
  exact.Feed(AsBytes(csv));
  EXPECT_EQ(exact.Finish().inspection, Inspection::kFull);
}

TEST(Inspector, EmptyFileIsWhole) {
  const Findings f = Look("");
  EXPECT_EQ(f.format, "empty");
  EXPECT_EQ(f.inspection, Inspection::kFull);
}

TEST(Findings, JsonIsTheContract) {
  const Findings f = Look(CustomerCsv(2));
  const std::string json = JsonMembers(f);
  EXPECT_EQ(json.find(R"("format":"csv","encoding":"utf-8","bytes":)"), 0u)
      << json;
  EXPECT_NE(json.find(R"("persons":2,"data":{"person_name":2,)"),
            std::string::npos)
      << json;
  EXPECT_NE(
      json.find(R"({"name":"氏名","type":"person_name","rows":2,"share":1,)"
                R"("confidence":"high"})"),
      std::string::npos)
      << json;
  EXPECT_NE(json.find(R"(],"inspection":"full")"), std::string::npos);
}

// What was judged is what an inspection of these bytes alone would find.
TEST(Inspector, JudgedRecordsAreCountedAsIfNothingFollowed) {
  const std::string text = std::string(300'000, '-') + "\n" +
                           CustomerCsv(12'000) + "An end without anybody.\n";
  Inspector inspector({});
  int64_t before = 0;
  int points = 0;
  for (size_t at = 0; at < text.size(); at += 10'007) {
    inspector.Feed(AsBytes(std::string_view(text).substr(at, 10'007)));
    const Inspector::Judged judged = inspector.judged();
    ASSERT_LE(judged.bytes, static_cast<int64_t>(at) + 10'007);
    if (judged.bytes == before) {
      continue;
    }
    before = judged.bytes;
    ++points;
    const auto end = static_cast<size_t>(judged.bytes);
    EXPECT_EQ(text[end - 1], '\n');
    EXPECT_EQ(judged.persons, Look(text.substr(0, end)).persons);
    EXPECT_GE(inspector.FindingsSoFar().persons, judged.persons);
  }
  EXPECT_GE(points, 4);
  EXPECT_NEAR(static_cast<double>(inspector.Finish().persons), 12'000, 240);
}

// Its lines say something only together.
TEST(Inspector, NothingOfAnEncodedBlockIsJudgedBeforeItsEnd) {
  std::string lines;
  while (lines.size() < 300'000) {
    lines += "nothing here\n";
  }
  std::string encoded;
  while (encoded.size() < 700'000) {
    for (int i = 0; i < 19; ++i) {
      encoded += "QUFB";
    }
    encoded += '\n';
  }
  Inspector inspector({});
  inspector.Feed(AsBytes(lines + encoded));
  EXPECT_LE(static_cast<size_t>(inspector.judged().bytes), lines.size());
  inspector.Feed(AsBytes("The end.\n" + lines));
  EXPECT_GT(static_cast<size_t>(inspector.judged().bytes),
            lines.size() + encoded.size());
}

TEST(Inspector, NothingIsJudgedForGoodWhereTextIsNotPlain) {
  std::string lines;
  while (lines.size() < 400'000) {
    lines += "nothing here\n";
  }
  const auto judged = [](const std::string& text) {
    Inspector inspector({});
    inspector.Feed(AsBytes(text));
    return static_cast<size_t>(inspector.judged().bytes);
  };
  EXPECT_GT(judged(lines + lines), lines.size());
  EXPECT_GT(judged("\xEF\xBB\xBF" + lines + lines), lines.size());
  for (const std::string& bytes :
       {std::string(1, '\0'), std::string("\x04"),
        std::string("\x1b$B%F\x1b(B"), std::string("\xff\xfe"),
        std::string("\xc3\xa9t\xe9"), std::string("\x81\n")}) {
    EXPECT_LE(judged(lines + bytes + "\n" + lines + lines), lines.size());
  }
  EXPECT_EQ(judged(ToUtf16(lines + lines, true, true)), 0u);
  EXPECT_EQ(judged(std::string("\x7f"
                               "ELF\0",
                               5) +
                   lines + lines),
            0u);
}

}  // namespace
}  // namespace sekisho::detect
