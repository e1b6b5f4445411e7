// A terminal that is on while its sekishod does not answer.
#include "server/alert/core_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>

#include "tests/support/test_store.h"

namespace sekisho::alert {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

class FakeClock final : public Clock {
 public:
  WallTime Now() const override {
    return WallTime{seconds(1'795'143'600)} + past_;
  }
  BootTime SinceBoot() const override { return std::chrono::hours(1) + past_; }
  void Advance(seconds by) { past_ += by; }

 private:
  BootTime past_{0};
};

class CoreWatchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-core-watch-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    store_ = sekisho::support::OpenTestStore(dir_ + "/test.db").value();
    for (const char* name : {"a", "b"}) {
      store::NewAgent agent;
      agent.agent_id = name;
      agent.terminal = std::string("terminal-") + name;
      agent.enrol_time = clock_.Now();
      ASSERT_TRUE(store_->AddAgent(agent));
    }
    Begin();
    Say("b", true);
  }
  void TearDown() override {
    watch_.reset();
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  void Begin() {
    watch_ = std::make_unique<CoreWatch>(*store_, presence_, changes_, clock_);
    ASSERT_TRUE(watch_->Load());
  }
  void Say(const std::string& agent_id, bool core_alive) {
    store::AgentHeartbeat heartbeat;
    heartbeat.agent_id = agent_id;
    heartbeat.time = clock_.Now();
    heartbeat.core_alive = core_alive;
    heartbeat.mode = "enforce";
    heartbeat.gate_state = "full";
    store_->PutHeartbeat(heartbeat);
    // It is not waited for; what is waited for comes after it.
    ASSERT_TRUE(store_->PutRegister({}, clock_.Now()));
    ASSERT_TRUE(presence_.Heard(agent_id));
  }
  void Pass(seconds time) {
    for (; time.count() > 0; time -= seconds(1)) {
      clock_.Advance(seconds(1));
      ASSERT_TRUE(watch_->Tick());
    }
  }
  std::vector<std::string> Open() {
    store::AlertFilter filter;
    filter.only_unresolved = true;
    std::vector<std::string> open;
    const auto page = store_->ListAlerts(filter, {}).value();
    for (const store::Alert& alert : page.rows) {
      open.push_back(alert.kind + " " + alert.severity + " " + alert.terminal);
    }
    return open;
  }

  std::string dir_;
  FakeClock clock_;
  core::Changes changes_;
  core::Presence presence_{clock_};
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<CoreWatch> watch_;
};

TEST_F(CoreWatchTest, ARestartIsNoAlert) {
  Say("a", false);
  Pass(seconds(15));
  Say("a", true);
  Pass(seconds(30));
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(CoreWatchTest, TellsOnceAndEndsWhenItAnswersAgain) {
  Say("a", false);
  Pass(seconds(26));
  EXPECT_THAT(Open(), ElementsAre("core_silent high terminal-a"));
  Say("a", false);
  Pass(seconds(60));
  EXPECT_THAT(Open(), ElementsAre("core_silent high terminal-a"));
  Say("a", true);
  Pass(seconds(6));
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(CoreWatchTest, ATerminalThatIsSilentAltogetherIsNotToldTwice) {
  Say("a", false);
  clock_.Advance(seconds(61));
  Pass(seconds(60));
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(CoreWatchTest, ARestartOfTheServerTellsNothingAnew) {
  Say("a", false);
  Pass(seconds(26));
  Begin();
  Say("a", false);
  Pass(seconds(40));
  EXPECT_THAT(Open(), ElementsAre("core_silent high terminal-a"));
  Say("a", true);
  Pass(seconds(6));
  EXPECT_THAT(Open(), IsEmpty());
}

}  // namespace
}  // namespace sekisho::alert
