#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/parser.h"

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

constexpr std::string_view kHeader =
    "list,vendor_id,product_id,serial,descriptor_hash,access,terminal,expires,"
    "owner,purpose,ticket\n";

Result<std::vector<DeviceEntry>> Read(std::string_view rows) {
  return ParseDeviceList(std::string(kHeader) + std::string(rows), "d.csv");
}

std::string Refusal(std::string_view rows) {
  const auto entries = Read(rows);
  return entries ? "accepted" : entries.error().message;
}

TEST(DeviceList, ReadsEveryColumn) {
  const auto entries = Read(
      "approvals,0951,16A0,\"A,\"\"1\"\"\",,"
      "inspect,desk-1,"
      "2026-12-31T15:00:00.5Z,\"山田, 太郎\",backup,T-1\r\n"
      "approvals,0951,*,*,,block,,,,,\n");
  ASSERT_TRUE(entries) << entries.error().message;
  ASSERT_EQ(entries->size(), 2U);
  const DeviceEntry& row = (*entries)[0];
  EXPECT_EQ(row.list, "approvals");
  EXPECT_EQ(row.product_id, "16a0");
  EXPECT_EQ(row.serial, "A,\"1\"");
  EXPECT_EQ(row.access, Access::kInspect);
  EXPECT_EQ(row.terminal, "desk-1");
  EXPECT_EQ(FormatUtc(*row.expires), "2026-12-31T15:00:00.500000Z");
  EXPECT_EQ(row.owner, "山田, 太郎");
  EXPECT_EQ(row.ticket, "T-1");
  EXPECT_EQ((*entries)[1].expires, std::nullopt);
}

TEST(DeviceList, EmptyListIsAHeader) {
  EXPECT_TRUE(Read("")->empty());
  EXPECT_FALSE(ParseDeviceList("", "d.csv"));
}

TEST(DeviceList, PrintsAndReadsBackAnyBytes) {
  DeviceEntry row;
  row.list = "approvals";
  row.vendor_id = "0951";
  row.product_id = "1666";
  row.serial = "\xd0\x89,\"\n\r\xff ";
  row.descriptor_hash = std::string(64, 'a');
  row.access = Access::kReadOnly;
  row.terminal = "desk \"1\"";
  row.expires = WallTime(std::chrono::microseconds(1'763'900'000'123'456));
  row.owner = "a\nb";
  const std::vector<DeviceEntry> rows{row, row};
  const auto read = ParseDeviceList(PrintDeviceList(rows), "d.csv");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(*read, rows);
}

TEST(DeviceList, RefusesWithLineColumnAndWhatWasExpected) {
  EXPECT_THAT(Refusal("approvals,951,1666,A,,inspect,,,,,\n"),
              HasSubstr("d.csv:2:11: expected 4 hex digits, found '951'"));
  EXPECT_THAT(Refusal("approvals,0951,1666,A,,inspct,,,,,\n"),
              HasSubstr("d.csv:2:24: expected one of block, read_only, "
                        "inspect, audit, full, found 'inspct' (did you mean "
                        "'inspect'?)"));
  EXPECT_THAT(Refusal("approvals,0951,1666,A,,full,,2026-02-30T00:00:00Z,,,\n"),
              HasSubstr("d.csv:2:30: expected a time"));
  EXPECT_THAT(Refusal("approvals,0951,1666,A,,full,,2026-02-20,,,\n"),
              HasSubstr("expected a time"));
  EXPECT_THAT(Refusal("approvals,0951,1666,A,ff,full,,,,,\n"),
              HasSubstr("expected 64 hex digits or nothing"));
  EXPECT_THAT(Refusal("approvals,0951,*,A,,full,,,,,\n"),
              HasSubstr("expected '*' beside the product_id '*'"));
  EXPECT_THAT(Refusal(",0951,1666,A,,full,,,,,\n"),
              HasSubstr("the name of a list"));
  EXPECT_THAT(Refusal("approvals,,,,,full,,,,,\n"),
              HasSubstr("needs a serial"));
  EXPECT_EQ(Refusal("approvals,,,S1,,full,,,,,\n"), "accepted");
  EXPECT_THAT(Refusal("approvals,0951,1666,A,,full,,,,\n"),
              HasSubstr("d.csv:2:1: expected 11 columns, found 10"));
  EXPECT_THAT(Refusal("\n"), HasSubstr("expected 11 columns, found 1"));
  EXPECT_THAT(Refusal("approvals,0951,1666,\"A,,full,,,,,\n"),
              HasSubstr("d.csv:2:21: expected a closing quote"));
  EXPECT_THAT(Refusal("approvals,0951,1666,A\"B,,full,,,,,\n"),
              HasSubstr("found text beside quotes"));
  EXPECT_THAT(Refusal("approvals,0951,1666,\"A\"B,,full,,,,,\n"),
              HasSubstr("found text beside quotes"));
  EXPECT_THAT(Refusal("approvals,0951,1666,A,,full,,,\xff,,\n"),
              HasSubstr("expected UTF-8 text"));
}

TEST(DeviceList, LineNumbersCountLinesInsideQuotes) {
  EXPECT_THAT(Refusal("approvals,0951,1666,A,,full,,,\"a\nb\",,\n"
                      "approvals,0951,1666,A,,x,,,,,\n"),
              HasSubstr("d.csv:4:24:"));
}

TEST(DeviceList, RefusesAnotherHeader) {
  const auto entries = ParseDeviceList("list,vendor,product_id\n", "d.csv");
  ASSERT_FALSE(entries);
  EXPECT_THAT(entries.error().message,
              HasSubstr("d.csv:1:6: expected the header 'list,vendor_id"));
}

TEST(DeviceList, TakesAFieldAtItsCapAndRefusesOneByteMore) {
  const auto row = [](size_t size) {
    return "approvals,0951,1666," + std::string(size, 'a') + ",,full,,,,,\n";
  };
  EXPECT_EQ(Refusal(row(1024)), "accepted");
  EXPECT_THAT(Refusal(row(1025)), HasSubstr("expected at most 1024 bytes"));
}

}  // namespace
}  // namespace sekisho::policy
