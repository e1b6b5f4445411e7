#include "agent/containments.h"

#include <gtest/gtest.h>

namespace sekisho::agent {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr int64_t kBegin = 1'800'000'000;
constexpr int64_t kFourHours = int64_t{4} * 3600;

class TwoClocks final : public Clock {
 public:
  WallTime Now() const override { return wall; }
  BootTime SinceBoot() const override { return boot; }
  void Pass(BootTime time) {
    wall += time;
    boot += time;
  }
  WallTime wall{seconds(kBegin)};
  BootTime boot{hours(10)};
};

policy::Containment Of(int64_t id, policy::ContainKind kind,
                       const std::string& target) {
  return {.id = id,
          .kind = kind,
          .target = target,
          .from_seconds = kBegin,
          .until_seconds = kBegin + kFourHours};
}

class ContainmentsTest : public testing::Test {
 protected:
  bool Runs() const { return !containments.Running().empty(); }
  void Take() { containments.Take(list, "agent-1"); }

  const std::vector<policy::Containment> list = {
      Of(1, policy::ContainKind::kPerson, "tanaka")};
  TwoClocks clock;
  Containments containments{clock};
};

TEST_F(ContainmentsTest, EndsByItself) {
  Take();
  EXPECT_EQ(containments.UntilNextEnd(), BootTime(hours(4)));
  clock.Pass(hours(4) - seconds(1));
  EXPECT_TRUE(Runs());
  clock.Pass(seconds(1));
  EXPECT_FALSE(Runs());
  EXPECT_FALSE(containments.UntilNextEnd());
}

TEST_F(ContainmentsTest, SettingTheClockNeitherEndsNorStretchesIt) {
  Take();
  clock.wall += hours(24);
  EXPECT_TRUE(Runs());
  clock.wall -= hours(48);
  // The same list again, as after another one was added or lifted.
  Take();
  clock.Pass(hours(4));
  EXPECT_FALSE(Runs());
}

TEST_F(ContainmentsTest, AClockThatIsBehindGetsItsLengthAndNoMore) {
  clock.wall -= hours(1000);
  Take();
  clock.Pass(hours(4) - seconds(1));
  EXPECT_TRUE(Runs());
  clock.Pass(seconds(1));
  EXPECT_FALSE(Runs());
}

TEST_F(ContainmentsTest, OneTakenLateLastsWhatIsLeft) {
  clock.Pass(hours(3));
  Take();
  EXPECT_EQ(containments.UntilNextEnd(), BootTime(hours(1)));
  clock.Pass(hours(2));
  Take();
  EXPECT_FALSE(Runs());
}

TEST_F(ContainmentsTest, AnExtensionReplacesTheEndAndLiftingEndsIt) {
  Take();
  auto longer = list;
  longer[0].from_seconds += kFourHours / 2;
  longer[0].until_seconds += kFourHours;
  clock.Pass(hours(2));
  containments.Take(longer, "agent-1");
  EXPECT_EQ(containments.UntilNextEnd(), BootTime(hours(6)));
  containments.Take({}, "agent-1");
  EXPECT_FALSE(Runs());
}

TEST_F(ContainmentsTest, OtherTerminalsAreLeftOut) {
  containments.Take({Of(1, policy::ContainKind::kTerminal, "agent-2"),
                     Of(2, policy::ContainKind::kTerminal, "agent-1")},
                    "agent-1");
  ASSERT_EQ(containments.Running().size(), 1U);
  EXPECT_EQ(containments.Running()[0].id, 2);
  EXPECT_FALSE(containments.EndText(containments.Running()[0]).empty());
}

}  // namespace
}  // namespace sekisho::agent
