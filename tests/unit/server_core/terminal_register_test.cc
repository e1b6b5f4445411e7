#include "server/core/terminal_register.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/core/expected_hours.h"

namespace sekisho::core {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

WallTime At(const char* text) { return *ParseUtc(text); }

TEST(TerminalRegister, ReadsWhatItsFirstLineNames) {
  const auto parsed = ParseRegister(
      "\xef\xbb\xbfsite,name,expected_hours,groups,owner,in_service_from,"
      "in_service_to\r\n"
      "大阪,maint-02,Mon-Fri 08:00-20:00 Asia/Tokyo,a;b,\"Sato, \"\"Ken\"\"\","
      "2026-04-01,2027-03-31\r\n"
      "\r\n"
      ",maint-01,,,,2026-04-01T00:00:00Z,\r\n");
  ASSERT_TRUE(parsed.problems.empty()) << parsed.problems[0].message;
  ASSERT_EQ(parsed.rows.size(), 2U);
  EXPECT_EQ(parsed.rows[0].name, "maint-01") << "by name";
  EXPECT_EQ(parsed.rows[0].service_from, At("2026-04-01T00:00:00Z"));
  EXPECT_FALSE(parsed.rows[0].service_to);
  const RegisteredTerminal& row = parsed.rows[1];
  EXPECT_EQ(row.site, "大阪");
  EXPECT_EQ(row.groups, "a;b");
  EXPECT_EQ(row.owner, "Sato, \"Ken\"");
  EXPECT_EQ(row.service_from, At("2026-03-31T15:00:00Z")) << "0:00 in Tokyo";
  EXPECT_EQ(row.service_to, At("2027-03-31T15:00:00Z")) << "that day is in";
}

struct Bad {
  const char* csv;
  int64_t line, column;
  const char* message;
};

TEST(TerminalRegister, EachErrorHasItsPlaceAndNothingIsTaken) {
  const std::string long_cell(513, 'x');
  const std::string too_long = "name,site\na," + long_cell + "\n";
  const Bad table[] = {
      {"", 1, 0, "the file is empty"},
      {"\xff\xfe", 1, 0, "not UTF-8"},
      {"site\nx\n", 1, 0, "no column 'name'"},
      {"name,place\na,b\n", 1, 2, "no column is called 'place'"},
      {"name,site,name\n", 1, 3, "twice"},
      {"name,site\na\n", 2, 0, "has 1 cells, the first line 2"},
      {"name,site\na,b,c\n", 2, 0, "has 3 cells"},
      {"name\n\na b\n", 3, 1, "'a b' is not a terminal's name"},
      {"site,name\nx,\n", 2, 2, "has no name"},
      {"name\na\nb\na\n", 4, 1, "a stands in line 2 too"},
      {"name,site\n\"a\nb\",x\n", 2, 1, "line break"},
      {"name,site\na,x\nb,\"open\n", 3, 0, "a quote is not closed"},
      {"name,site\na,\"x\"y\n", 2, 0, "after a closing quote"},
      {too_long.c_str(), 2, 2, "over 512 bytes"},
      {"name,in_service_from\na,2026-02-30\n", 2, 2, "is no day"},
      {"name,in_service_from\na,01.04.2026\n", 2, 2, "is no day"},
      {"name,in_service_from,in_service_to\na,2026-04-02,2026-04-01\n", 2, 3,
       "before it comes in"},
      {"name,expected_hours\na,weekdays\n", 2, 2, "time zone at the end"},
      {"name,expected_hours\na,Mon-Fri 08:00-20:00\n", 2, 2, "time zone"},
      {"name,expected_hours\na,Mon-Fr 08:00-20:00 UTC\n", 2, 2,
       "'Mon-Fr' is not a day"},
      {"name,expected_hours\na,Mon 8:00-20:00 UTC\n", 2, 2,
       "'8:00-20:00' is not times"},
      {"name,expected_hours\na,Mon 24:00-20:00 UTC\n", 2, 2, "is not times"},
  };
  for (const Bad& bad : table) {
    const auto parsed = ParseRegister(bad.csv);
    ASSERT_FALSE(parsed.problems.empty()) << bad.csv;
    const RegisterProblem& problem = parsed.problems[0];
    EXPECT_EQ(problem.line, bad.line) << bad.csv;
    EXPECT_EQ(problem.column, bad.column) << bad.csv;
    EXPECT_THAT(problem.message, HasSubstr(bad.message)) << bad.csv;
    EXPECT_FALSE(problem.fix.empty()) << bad.csv;
  }
}

TEST(TerminalRegister, TellsEveryErrorUpToALimit) {
  std::string csv = "name\n";
  for (size_t i = 0; i < kMaxRegisterProblems + 5; ++i) csv += "a b\n";
  EXPECT_EQ(ParseRegister(csv).problems.size(), kMaxRegisterProblems);
  EXPECT_EQ(
      ParseRegister("name,expected_hours\na b,x\nc d,y\n").problems.size(), 4U);
}

TEST(TerminalRegister, HasLimits) {
  const std::string at(kMaxRegisterBytes + 1, 'n');
  EXPECT_THAT(ParseRegister(at).problems.at(0).message, HasSubstr("16 MiB"));
  std::string cell = "name,site\na," + std::string(512, 'x') + "\n";
  EXPECT_TRUE(ParseRegister(cell).problems.empty());
}

TEST(TerminalRegister, SaysWhatAnImportWouldChange) {
  const auto before =
      ParseRegister("name,site,owner\na,Osaka,x\nb,Osaka,x\nc,Osaka,x\n").rows;
  const auto after =
      ParseRegister("name,site,owner\nb,Kobe,x\nc,Osaka,x\nd,Kobe,\n").rows;
  const RegisterDiff diff = CompareRegister(before, after);
  EXPECT_THAT(diff.added, ElementsAre("d"));
  EXPECT_THAT(diff.removed, ElementsAre("a"));
  ASSERT_EQ(diff.changed.size(), 1U);
  EXPECT_EQ(diff.changed[0].name, "b");
  EXPECT_THAT(diff.changed[0].fields, ElementsAre("site: Osaka -> Kobe"));
  EXPECT_EQ(diff.same, 1);
}

TEST(ExpectedHours, KnowsDaysTimesZonesAndMidnight) {
  struct Case {
    const char* hours;
    const char* time;
    bool inside;
  };
  const Case table[] = {
      {"", "2026-11-22T03:00:00Z", true},
      {"always", "2026-11-22T03:00:00Z", true},
      // 2026-11-20 is a Friday.
      {"Mon-Fri 08:00-20:00 Asia/Tokyo", "2026-11-19T22:59:59Z", false},
      {"Mon-Fri 08:00-20:00 Asia/Tokyo", "2026-11-19T23:00:00Z", true},
      {"Mon-Fri 08:00-20:00 Asia/Tokyo", "2026-11-20T10:59:59Z", true},
      {"Mon-Fri 08:00-20:00 Asia/Tokyo", "2026-11-20T11:00:00Z", false},
      {"Mon-Fri 08:00-20:00 Asia/Tokyo", "2026-11-21T03:00:00Z", false},
      {"Fri-Mon 00:00-24:00 UTC", "2026-11-22T12:00:00Z", true},
      {"Fri-Mon 00:00-24:00 UTC", "2026-11-24T12:00:00Z", false},
      {"Fri 22:00-06:00 UTC", "2026-11-21T05:59:59Z", true},
      {"Fri 22:00-06:00 UTC", "2026-11-20T05:59:59Z", false},
      {"Mon,Wed 08:00-09:00; Fri 10:00-11:00 UTC", "2026-11-20T10:30:00Z",
       true},
  };
  for (const Case& one : table) {
    const auto hours = ExpectedHours::Parse(one.hours);
    ASSERT_TRUE(hours) << one.hours << ": " << hours.error().message;
    EXPECT_EQ(hours->Contains(At(one.time)), one.inside)
        << one.hours << " at " << one.time;
  }
}

}  // namespace
}  // namespace sekisho::core
