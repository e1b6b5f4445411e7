#include "server/core/presence.h"

#include <gtest/gtest.h>

namespace sekisho::core {
namespace {

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return WallTime(now_); }
  BootTime SinceBoot() const override { return now_; }
  void Advance(std::chrono::seconds by) { now_ += by; }

 private:
  BootTime now_ = std::chrono::hours(1);
};

store::Agent Known(const std::string& agent_id) {
  store::Agent agent;
  agent.agent_id = agent_id;
  agent.last_seen_time = WallTime();
  return agent;
}

TEST(Presence, SilenceBeginsAfterAMinuteAndIsToldOnce) {
  FakeClock clock;
  Presence presence(clock);
  ASSERT_TRUE(presence.Connect("a"));
  presence.Disconnect("a");
  clock.Advance(kSilentAfter);
  EXPECT_TRUE(presence.TakeTurns().silent.empty());
  clock.Advance(std::chrono::seconds(1));
  EXPECT_EQ(presence.StateOf(Known("a")), store::AgentState::kSilent);
  EXPECT_EQ(presence.TakeTurns().silent.size(), 1U);
  EXPECT_TRUE(presence.TakeTurns().silent.empty());
  ASSERT_TRUE(presence.Heard("a"));
  EXPECT_EQ(presence.TakeTurns().back, std::vector<std::string>{"a"});
  EXPECT_EQ(presence.StateOf(Known("a")), store::AgentState::kConnected);
}

TEST(Presence, AnAgentThatNeverCameIsNotSilent) {
  FakeClock clock;
  Presence presence(clock);
  store::Agent agent = Known("a");
  agent.last_seen_time.reset();
  presence.Load({agent});
  clock.Advance(std::chrono::hours(1));
  EXPECT_TRUE(presence.TakeTurns().silent.empty());
  EXPECT_EQ(presence.StateOf(agent), store::AgentState::kEnrolled);
}

TEST(Presence, ARestartOfTheServerMakesNoSilence) {
  FakeClock clock;
  Presence presence(clock);
  presence.Load({Known("a")});
  EXPECT_TRUE(presence.TakeTurns().silent.empty());
  clock.Advance(kSilentAfter + std::chrono::seconds(1));
  EXPECT_EQ(presence.TakeTurns().silent.size(), 1U);
}

TEST(Presence, ASilenceFromBeforeTheRestartGoesOn) {
  FakeClock clock;
  Presence presence(clock);
  presence.Load({Known("a")});
  presence.MarkSilent("a");
  EXPECT_TRUE(presence.TakeTurns().silent.empty());
  EXPECT_TRUE(presence.TakeTurns().back.empty());
  ASSERT_TRUE(presence.Heard("a"));
  EXPECT_EQ(presence.TakeTurns().back.size(), 1U);
}

TEST(Presence, ARevokedAgentIsNeitherHeardNorSilent) {
  FakeClock clock;
  Presence presence(clock);
  ASSERT_TRUE(presence.Connect("a"));
  presence.Revoke("a");
  EXPECT_FALSE(presence.Heard("a"));
  EXPECT_FALSE(presence.Connect("a"));
  clock.Advance(std::chrono::hours(1));
  EXPECT_TRUE(presence.TakeTurns().silent.empty());
}

}  // namespace
}  // namespace sekisho::core
