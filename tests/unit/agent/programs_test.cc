#include "agent/programs.h"

#include <gtest/gtest.h>

namespace sekisho::agent {
namespace {

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
