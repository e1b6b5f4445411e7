#include "agent/programs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::agent {
namespace {

using testing::ElementsAre;

std::vector<std::string> Read(const std::string& script,
                              const ReadingBounds& bounds, bool* whole) {
  std::vector<std::string> lines;
  const auto read =
      ReadProgram({"/bin/sh", "-c", script}, bounds,
                  [&](std::string_view line) { lines.emplace_back(line); });
  EXPECT_TRUE(read) << read.error().message;
  *whole = read && *read;
  return lines;
}

TEST(Programs, LinesUpToTheirBoundAreRead) {
  bool whole = false;
  EXPECT_THAT(
      Read("printf 'abc\\n\\nabcd\\nx\\nno end'", {.line_bytes = 3}, &whole),
      ElementsAre("abc", "", "x"));
  EXPECT_TRUE(whole);
}

TEST(Programs, OneThatGoesOnIsEnded) {
  bool whole = true;
  Read("while :; do echo x; done", {.bytes = 100'000}, &whole);
  EXPECT_FALSE(whole);
  whole = true;
  EXPECT_THAT(Read("echo a; exec sleep 600",
                   {.time = std::chrono::milliseconds(300)}, &whole),
              ElementsAre("a"));
  EXPECT_FALSE(whole);
}

TEST(Programs, FailureOfTheProgramIsOne) {
  EXPECT_FALSE(ReadProgram({"/bin/false"}, {}, [](std::string_view) {}));
  EXPECT_FALSE(ReadProgram({"/nonexistent"}, {}, [](std::string_view) {}));
}

TEST(Programs, TellsWhatAProgramWrote) {
  const auto output = OutputOf({"/bin/sh", "-c", "printf abc"}, 3);
  ASSERT_TRUE(output) << output.error().message;
  EXPECT_EQ(*output, "abc");
}

TEST(Programs, EndsAProgramThatWritesTooMuch) {
  const auto output = OutputOf({"/bin/sh", "-c", "exec yes"}, 3);
  ASSERT_FALSE(output);
  EXPECT_EQ(output.error().code, Code::kResourceExhausted);
}

TEST(Programs, FailureOfAProgramIsAFailure) {
  EXPECT_FALSE(OutputOf({"/bin/sh", "-c", "printf abc; exit 3"}, 64));
  EXPECT_FALSE(OutputOf({"/nowhere/program"}, 64));
}

}  // namespace
}  // namespace sekisho::agent
