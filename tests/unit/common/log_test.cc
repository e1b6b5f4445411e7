#include "common/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

const WallTime kTime = *ParseUtc("2026-11-27T01:02:03Z");

TEST(Log, TextIsAsTheJournalReadsIt) {
  EXPECT_EQ(FormatLogLine(LogFormat::kText,
                          {.level = LogLevel::kWarning,
                           .text = "batch refused",
                           .fields = {{"terminal", "desk-7"}, {"code", "a\nb"}},
                           .file = "server/core/ingest.cc",
                           .time = kTime}),
            "<4>batch refused terminal=desk-7 code=a\\nb\n");
  EXPECT_EQ(FormatLogLine(LogFormat::kText, {.text = "x", .dropped = 3}),
            "<6>[3 lines dropped] x\n");
}

TEST(Log, JsonIsOneObjectALine) {
  EXPECT_EQ(FormatLogLine(LogFormat::kJson, {.level = LogLevel::kError,
                                             .text = "no \"disk\"",
                                             .fields = {{"terminal", "desk-7"}},
                                             .file = "server/core/ingest.cc",
                                             .time = kTime,
                                             .dropped = 2}),
            "{\"time\":\"2026-11-27T01:02:03.000000Z\",\"level\":\"error\","
            "\"room\":\"server/core\",\"message\":\"no \\\"disk\\\"\","
            "\"terminal\":\"desk-7\",\"dropped_lines\":2}\n");
}

TEST(Log, NamesTheRoom) {
  const auto room = [](std::string_view file) {
    const std::string line =
        FormatLogLine(LogFormat::kJson, {.text = "x", .file = file});
    const size_t at = line.find("\"room\":\"") + 8;
    return line.substr(at, line.find('"', at) - at);
  };
  EXPECT_EQ(room("server/server_main.cc"), "server");
  EXPECT_EQ(room("../../server/core/ingest.cc"), "server/core");
  EXPECT_EQ(room("file.cc"), "");
  // As the compiler says it, wherever the tree is.
  EXPECT_EQ(room(std::source_location::current().file_name()),
            "tests/unit/common");
}

// What a peer named cannot end a line, begin another or hide itself.
TEST(Log, HostileBytesStayInTheirPlace) {
  const std::string hostile("a\n<0>b\"}\n{\x1b[2J\xff\0\xe2\x80\xae c", 21);
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    const std::string line = FormatLogLine(
        format, {.text = hostile, .fields = {{"terminal", hostile}}});
    EXPECT_EQ(line.find('\n'), line.size() - 1) << line;
    EXPECT_THAT(line, Not(HasSubstr("\x1b")));
    EXPECT_THAT(line, Not(HasSubstr("\xff")));
    EXPECT_THAT(line, Not(HasSubstr("\xe2\x80\xae")));
    EXPECT_EQ(line.find('\0'), std::string::npos);
  }
  EXPECT_THAT(FormatLogLine(LogFormat::kJson, {.text = hostile}),
              HasSubstr("a\\n<0>b\\\"}\\n{\\u001b[2J"));
}

TEST(Log, ALongLineIsCut) {
  const std::string text(10'000, 'x');
  for (const LogFormat format : {LogFormat::kText, LogFormat::kJson}) {
    const std::string line = FormatLogLine(format, {.text = text});
    EXPECT_THAT(line, HasSubstr("xxx..."));
    EXPECT_LT(line.size(), 4300U);
  }
}

}  // namespace
}  // namespace sekisho
