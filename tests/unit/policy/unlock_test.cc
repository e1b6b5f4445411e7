#include "policy/unlock.h"

#include <gtest/gtest.h>

namespace sekisho::policy {
namespace {

const Unlock kUnlock = {.requested_by = "root (tanaka)",
                        .confirmed_by = "suzuki",
                        .reason = "ディスク交換"};

TEST(Unlock, ReadsBackWhatItPrints) {
  const auto unlock = ParseUnlock(PrintUnlock(kUnlock));
  ASSERT_TRUE(unlock) << unlock.error().message;
  EXPECT_EQ(*unlock, kUnlock);
}

TEST(Unlock, NeedsTwoPeopleWhoAreKnown) {
  const struct {
    std::string one, other;
    bool fine;
  } rows[] = {
      {"tanaka", "suzuki", true},
      {"root (tanaka)", "root (suzuki)", true},
      {"tanaka", "tanaka", false},
      {"tanaka", "root (tanaka)", false},
      {"root", "tanaka", false},
      {"tanaka", "root", false},
      {"root (root)", "tanaka", false},
      {"root ()", "tanaka", false},
  };
  for (const auto& row : rows) {
    Unlock unlock = kUnlock;
    unlock.requested_by = row.one;
    unlock.confirmed_by = row.other;
    EXPECT_EQ(ParseUnlock(PrintUnlock(unlock)).has_value(), row.fine)
        << row.one << " and " << row.other;
  }
}

TEST(Unlock, RefusesAnotherForm) {
  const std::string good = PrintUnlock(kUnlock);
  const std::string bad[] = {
      "",
      good + "more\n",
      good.substr(0, good.size() - 1),
      "sekisho-unlock-2" + good.substr(16),
      "sekisho-unlock-1\nconfirmed_by a\nrequested_by b\nreason c\n",
      "sekisho-unlock-1\nrequested_by a\nconfirmed_by b\nreason \n",
      "sekisho-unlock-1\nrequested_by a\nconfirmed_by b\nreason \x1b[2J\n",
      "sekisho-unlock-1\nrequested_by a\nconfirmed_by b\nreason \xff\n",
  };
  for (const std::string& text : bad) {
    const auto unlock = ParseUnlock(text);
    ASSERT_FALSE(unlock) << text;
    EXPECT_EQ(unlock.error().code, Code::kInvalidArgument);
  }
}

TEST(Unlock, HoldsItsCap) {
  Unlock unlock = kUnlock;
  unlock.reason = std::string(kMaxUnlockTextBytes, 'r');
  EXPECT_TRUE(ParseUnlock(PrintUnlock(unlock)));
  unlock.reason += "r";
  EXPECT_FALSE(ParseUnlock(PrintUnlock(unlock)));
}

}  // namespace
}  // namespace sekisho::policy
