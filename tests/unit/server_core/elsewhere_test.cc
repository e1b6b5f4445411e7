#include "server/core/elsewhere.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include "tests/support/test_postgres.h"

namespace sekisho::core {
namespace {

using ::testing::Contains;
using ::testing::IsEmpty;
using ::testing::Not;
using Told = std::pair<Change::What, int64_t>;

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return WallTime(now_); }
  BootTime SinceBoot() const override { return now_; }
  void Advance(std::chrono::seconds by) { now_ += by; }

 private:
  BootTime now_ = std::chrono::hours(1);
};

class ElsewhereTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    subscription_ = changes_.Subscribe([this](const Change& change) {
      told_.emplace_back(change.what, change.row_id);
    });
    Look();  // what was there before is no news
    told_.clear();
  }
  std::unique_ptr<store::Store> Open() {
    return store::OpenPostgres({database_, nullptr}).value();
  }
  void Look() {
    clock_.Advance(std::chrono::seconds(6));
    const Status looked = elsewhere_.Tick();
    EXPECT_TRUE(looked) << looked.error().message;
  }
  int64_t AddAlert(store::Store& store, const std::string& key) {
    store::NewAlert alert;
    alert.key = key;
    return store.AddAlert(alert).value().value();
  }

  const std::string database_ = support::TestPostgres::Get().NewDatabase();
  FakeClock clock_;
  std::unique_ptr<store::Store> ours_ = Open(), theirs_ = Open();
  Changes changes_;
  Presence presence_{clock_};
  Elsewhere elsewhere_{*ours_, presence_, changes_, clock_};
  std::vector<Told> told_;
  std::unique_ptr<Subscription> subscription_;
};

TEST_F(ElsewhereTest, TellsAlertsAndWhatPeopleDid) {
  const int64_t alert = AddAlert(*theirs_, "a");
  Look();
  EXPECT_THAT(told_, Contains(Told{Change::What::kAlert, alert}));
  told_.clear();
  Look();
  EXPECT_THAT(told_, IsEmpty());
  store::AuditEntry entry;
  entry.action = "alert.close";
  entry.object = "alert " + std::to_string(alert);
  ASSERT_TRUE(theirs_->AddAudit(entry));
  Look();
  EXPECT_THAT(told_, Contains(Told{Change::What::kAlert, alert}));
}

TEST_F(ElsewhereTest, DoesNotRepeatWhatWasToldHere) {
  const int64_t alert = AddAlert(*ours_, "a");
  changes_.Tell({Change::What::kAlert, alert, ""});
  told_.clear();
  Look();
  EXPECT_THAT(told_, Not(Contains(Told{Change::What::kAlert, alert})));
}

TEST_F(ElsewhereTest, AnAgentOfAnotherServerIsNotSilent) {
  store::NewAgent agent;
  agent.agent_id = "agent-a";
  agent.terminal = "a";
  ASSERT_TRUE(ours_->AddAgent(agent));
  store::AgentHeartbeat heartbeat;
  heartbeat.agent_id = "agent-a";
  for (int i = 1; i <= 4; ++i) {
    clock_.Advance(std::chrono::seconds(30));
    // By a clock that is far off.
    heartbeat.time = WallTime(std::chrono::seconds(1000 + i));
    theirs_->PutHeartbeat(heartbeat);
    ASSERT_TRUE(theirs_->TryWrite());
    Look();
    EXPECT_TRUE(presence_.IsHeard("agent-a"));
  }
  clock_.Advance(std::chrono::seconds(61));
  Look();
  EXPECT_FALSE(presence_.IsHeard("agent-a"));
}

}  // namespace
}  // namespace sekisho::core
