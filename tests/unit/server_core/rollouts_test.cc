// Rollouts on a real store, with a clock that stands still until it is set.
#include "server/core/rollouts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <future>

#include "policy/packs.h"
#include "server/core/indexer.h"
#include "tests/support/test_store.h"

namespace sekisho::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::HasSubstr;

class SetClock final : public Clock {
 public:
  WallTime Now() const override { return now; }
  BootTime SinceBoot() const override { return now - WallTime(); }
  WallTime now{seconds(1'795'165'951)};
};

constexpr char kRings[] = R"(
rings:
  - {name: pilot, terminals: [pilot-*], soak: 1h}
  - {name: second, terminals: [second-*], soak: 2h}
  - {name: rest}
)";

class RolloutsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-rollouts-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    Start();
    for (const char* name : {"pilot-1", "pilot-2", "pilot-3", "second-1",
                             "second-2", "rest-1", "rest-2", "rest-3"}) {
      store::NewAgent agent;
      agent.agent_id = agent.terminal = name;
      agent.chain_key = keys_.public_key;
      agent.enrol_time = clock_.now - hours(24 * 30);
      ASSERT_TRUE(store_->AddAgent(agent));
      Beat(name, 1);
    }
    Look();
  }
  void TearDown() override {
    Stop();
    std::filesystem::remove_all(dir_);
  }
  void Start() {
    auto store = sekisho::support::OpenTestStore(dir_ + "/test.db");
    ASSERT_TRUE(store);
    store_ = std::move(*store);
    auto publisher = Publisher::Open(*store_, clock_, dir_ + "/key");
    ASSERT_TRUE(publisher);
    publisher_ = std::move(*publisher);
    presence_ = std::make_unique<Presence>(clock_);
    presence_->Load(*store_->AllAgents());
    rollouts_ = std::make_unique<Rollouts>(*store_, *publisher_, *presence_,
                                           changes_, clock_);
    publisher_->SetAnnounce([this](const std::string&, int64_t) {
      EXPECT_TRUE(rollouts_->Refresh());
      return 0;
    });
    ASSERT_TRUE(rollouts_->Refresh());
  }
  void Stop() {
    rollouts_.reset();
    presence_.reset();
    publisher_.reset();
    store_.reset();
  }

  // A heartbeat, as the stream of the terminal would store it.
  void Beat(const std::string& name, int64_t version) {
    store::AgentHeartbeat beat;
    beat.agent_id = name;
    beat.time = clock_.now;
    beat.policy_version = version;
    store_->PutHeartbeat(beat);
    presence_->Heard(name);
    held_[name] = version;
  }
  void Look() {
    ASSERT_TRUE(store_->ResolveAlert(0, clock_.now));  // after all that waits
    clock_.now += kRolloutLookedAtEvery;
    const Status done = rollouts_->Tick();
    ASSERT_TRUE(done) << done.error().message;
  }
  // Time passes and those that are not `away` are heard, then it is looked at.
  void Pass(WallTime::duration time) {
    clock_.now += time;
    for (const auto& [name, version] : std::map(held_)) {
      if (!away_.contains(name)) Beat(name, version);
    }
    Look();
  }
  // Every terminal that is here takes what it is given.
  void Take() {
    for (const auto& [name, version] : std::map(held_)) {
      const int64_t wanted = rollouts_->Wanted(name, name);
      if (!away_.contains(name)) Beat(name, std::max(version, wanted));
    }
    Look();
  }
  void Tell(const std::string& name, event::v1::PublicPart part) {
    part.set_agent_id(name);
    part.set_event_id(name + std::to_string(++events_));
    auto record =
        event::Append(heads_[name], std::move(part), {}, keys_.secret_key);
    ASSERT_TRUE(record);
    std::promise<bool> stored;
    store_->Append({name, {*record}, clock_.now}, [&](const auto& head) {
      stored.set_value(head.has_value());
    });
    ASSERT_TRUE(stored.get_future().get());
    Indexer indexer(*store_, changes_,
                    [](const auto&) { return std::vector<store::NewAlert>(); });
    ASSERT_TRUE(indexer.RunOnce());
  }
  void Block(const std::string& name, int times, bool observed = false) {
    for (int i = 0; i < times; ++i) {
      event::v1::PublicPart part;
      part.set_kind(i % 2 == 0 ? event::v1::EVENT_KIND_TRANSFER
                               : event::v1::EVENT_KIND_DEVICE_DECIDED);
      part.set_outcome(event::v1::OUTCOME_BLOCKED);
      part.set_policy_version(held_[name]);
      part.set_observe_only(observed);
      Tell(name, part);
    }
  }
  void Refuse(const std::string& name, int64_t version) {
    event::v1::PublicPart part;
    part.set_kind(event::v1::EVENT_KIND_POLICY_CHANGED);
    part.set_outcome(event::v1::OUTCOME_BLOCKED);
    part.set_changed_version(version);
    part.set_reason("policy refused: policy:3:1: no such key \x1b[2J");
    Tell(name, part);
  }

  Pushed Push(PushHow how = PushHow::kAsConfigured,
              const std::string& pack = "appi") {
    const auto pushed = rollouts_->Push(
        "suzuki", std::string(policy::PackText(pack)), pack, "", how);
    EXPECT_TRUE(pushed) << pushed.error().message;
    return pushed.value_or(Pushed());
  }
  Pushed Stage() {
    EXPECT_TRUE(rollouts_->SetRings("suzuki", kRings)->empty());
    return Push();
  }
  RolloutStatus Now() { return rollouts_->GetStatus().value(); }
  std::string State() { return Name(Now().rollout.value().state); }
  int OpenRing() { return Now().rollout.value().ring; }
  RolloutTerminal Of(const std::string& name) {
    for (const auto& one : Now().terminals) {
      if (one.terminal == name) return one;
    }
    ADD_FAILURE() << name << " is not listed";
    return {};
  }
  int64_t Given(const std::string& name) {
    return rollouts_->Wanted(name, name);
  }
  std::vector<Alert> Halts() {
    AlertFilter filter;
    filter.kind = "rollout_halted";
    return store_->ListAlerts(filter, {})->rows;
  }

  std::string dir_;
  SetClock clock_;
  Changes changes_;
  const event::ChainKeyPair keys_ = event::NewChainKeyPair();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<Publisher> publisher_;
  std::unique_ptr<Presence> presence_;
  std::unique_ptr<Rollouts> rollouts_;
  std::map<std::string, int64_t> held_;
  std::map<std::string, event::Head> heads_;
  std::set<std::string> away_;
  int events_ = 0;
};

TEST_F(RolloutsTest, WithoutRingsAPushIsForEverybody) {
  const Pushed pushed = Push();
  EXPECT_EQ(pushed.version, 2);
  EXPECT_EQ(pushed.ring, "");
  EXPECT_EQ(Given("pilot-1"), 2);
  EXPECT_EQ(Given("rest-1"), 2);
  EXPECT_FALSE(Now().rollout);
  const auto staged = rollouts_->Push("suzuki", "", "", "", PushHow::kRings);
  ASSERT_FALSE(staged);
  EXPECT_THAT(staged.error().message, HasSubstr("no rings are set"));
}

TEST_F(RolloutsTest, GoesFromRingToRing) {
  const Pushed pushed = Stage();
  EXPECT_EQ(pushed.ring, "pilot");
  EXPECT_EQ(Given("pilot-1"), 2);
  EXPECT_EQ(Given("second-1"), 1);
  EXPECT_EQ(Given("rest-1"), 1) << "also who connects anew, or is enrolled now";
  EXPECT_EQ(Now().waits_for, "first_terminal");
  // Time alone opens nothing: nobody has it yet.
  Pass(minutes(9));
  EXPECT_EQ(Of("pilot-1").answer, RolloutAnswer::kOffered);
  EXPECT_EQ(Of("second-1").answer, RolloutAnswer::kClosed);
  Take();
  EXPECT_EQ(Now().waits_for, "soak");
  EXPECT_EQ(Of("pilot-1").answer, RolloutAnswer::kHasIt);
  EXPECT_EQ(Of("pilot-1").wanted_version, 2);
  EXPECT_EQ(Of("second-1").wanted_version, 1);
  EXPECT_EQ(Now().rings[0].counts.at("has_it"), 3);
  EXPECT_EQ(Now().rings[2].counts.at("closed"), 3);
  Pass(minutes(55));
  EXPECT_EQ(OpenRing(), 0) << "an hour from the first that had it";
  Pass(minutes(10));
  EXPECT_EQ(OpenRing(), 1);
  EXPECT_EQ(Given("second-1"), 2);
  EXPECT_EQ(Given("rest-1"), 1);
  Take();
  Pass(hours(2));
  EXPECT_EQ(OpenRing(), 2);
  EXPECT_EQ(State(), "running") << "the last ring is watched, too";
  Take();
  Pass(hours(1));
  EXPECT_EQ(State(), "done");
  EXPECT_EQ(Given("rest-1"), 2);
  EXPECT_TRUE(Halts().empty());
  const auto audit = store_->AuditOf("policy version 2").value();
  ASSERT_EQ(audit.size(), 3U);
  EXPECT_EQ(audit[0].detail, "done");
  EXPECT_EQ(audit[2].action, "rollout.advance");
  EXPECT_EQ(audit[2].detail, "ring second");
  // The next one begins from here.
  EXPECT_EQ(Push().version, 3);
  EXPECT_EQ(Given("pilot-1"), 3);
  EXPECT_EQ(Given("rest-1"), 2);
}

TEST_F(RolloutsTest, AJumpOfBlocksHaltsUntilAPersonDecides) {
  Stage();
  Take();
  clock_.now += minutes(20);
  Block("pilot-1", 4);
  Pass(minutes(1));
  EXPECT_EQ(State(), "running") << "four on one terminal";
  Block("pilot-2", 1);
  Pass(minutes(1));
  ASSERT_EQ(State(), "halted");
  EXPECT_THAT(Now().rollout->halt_reason,
              HasSubstr("5 blocks on 2 terminals in 1."));
  ASSERT_EQ(Halts().size(), 1U);
  EXPECT_EQ(Halts()[0].severity, "high");
  EXPECT_THAT(Halts()[0].title, HasSubstr("policy version 2 has halted: 5"));
  EXPECT_EQ(Now().rollout->alert_id, Halts()[0].alert_id);
  Pass(hours(48));
  EXPECT_EQ(OpenRing(), 0);
  EXPECT_EQ(Given("pilot-1"), 2) << "who has it keeps it";
  EXPECT_EQ(Given("second-1"), 1);
  EXPECT_EQ(Halts().size(), 1U);
  const auto advanced = rollouts_->Change("suzuki", RolloutAct::kAdvance, "");
  EXPECT_EQ(advanced.error().code, Code::kFailedPrecondition);

  // Who lets it go on knew of these; not of what comes then.
  ASSERT_TRUE(rollouts_->Change("suzuki", RolloutAct::kResume, "known"));
  EXPECT_TRUE(Halts()[0].resolve_time);
  Pass(minutes(30));
  EXPECT_EQ(State(), "running");
  Block("pilot-1", 3);
  Block("pilot-3", 2);
  Pass(minutes(1));
  EXPECT_EQ(State(), "halted");
  EXPECT_EQ(Halts().size(), 2U);
}

TEST_F(RolloutsTest, WhatObserveForetoldIsNoJump) {
  clock_.now += hours(1);
  for (int day = 0; day < 7; ++day) {
    for (const char* name : {"pilot-1", "pilot-2"}) {
      Block(name, 3, true);
      Beat(name, 1);
    }
    clock_.now += hours(24);
  }
  clock_.now -= minutes(30);
  Pass(seconds(1));
  Stage();
  Take();
  clock_.now += minutes(50);
  Block("pilot-1", 3);
  Block("pilot-2", 3);
  Pass(minutes(5));
  EXPECT_EQ(State(), "running");
  EXPECT_EQ(Now().blocks, 6);
  EXPECT_NEAR(Now().expected_blocks, 6, 1.5);
  // What is only observed under the new version hurts nobody.
  Block("pilot-3", 50, true);
  Pass(minutes(5));
  EXPECT_EQ(State(), "running");
  Block("pilot-3", 20);
  Pass(minutes(5));
  EXPECT_EQ(State(), "halted");
}

// A Monday after free days is no jump; what nobody refused before is.
TEST_F(RolloutsTest, FreeDaysBeforeAreLeftOut) {
  clock_.now += hours(1);
  for (int day = 0; day < 7; ++day) {
    for (const char* name : {"pilot-1", "pilot-2"}) {
      if (day % 3 == 2) Block(name, 3, true);
      Beat(name, 1);
    }
    clock_.now += hours(24);
  }
  clock_.now -= minutes(30);
  Pass(seconds(1));
  Stage();
  Take();
  clock_.now += minutes(50);
  Block("pilot-1", 3);
  Block("pilot-2", 3);
  Pass(minutes(5));
  EXPECT_EQ(State(), "running");
  EXPECT_NEAR(Now().expected_blocks, 6, 1.5);
  Block("pilot-3", 20);
  Pass(minutes(5));
  EXPECT_EQ(State(), "halted");
}

TEST_F(RolloutsTest, GoesOnAfterARestart) {
  Stage();
  Take();
  Pass(minutes(50));
  Stop();
  Start();
  EXPECT_EQ(Given("pilot-1"), 2);
  EXPECT_EQ(Given("second-1"), 1);
  EXPECT_EQ(Given("rest-1"), 1);
  EXPECT_TRUE(Of("pilot-1").ack_time);
  // Rings that were changed meanwhile count from the next push.
  EXPECT_TRUE(rollouts_->SetRings("suzuki", "rings: [{name: all}]")->empty());
  Pass(minutes(15));
  EXPECT_EQ(OpenRing(), 1);
  EXPECT_EQ(Given("second-1"), 2);
  EXPECT_EQ(Given("rest-1"), 1);
  ASSERT_TRUE(rollouts_->Change("suzuki", RolloutAct::kHalt, "lunch"));
  Stop();
  Start();
  Pass(hours(24));
  EXPECT_EQ(State(), "halted");
  EXPECT_EQ(Now().rollout->halted_by, "suzuki");
  EXPECT_EQ(Given("rest-1"), 1);
}

TEST_F(RolloutsTest, RollingBackGivesEverybodyTheOldTextAsANewVersion) {
  Stage();
  Take();
  Block("pilot-1", 3);
  Block("pilot-2", 3);
  Pass(minutes(1));
  ASSERT_EQ(State(), "halted");
  const auto back = rollouts_->Change("suzuki", RolloutAct::kRollback, "");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->newest_version, 3);
  EXPECT_STREQ(Name(back->rollout->state), "rolled_back");
  EXPECT_FALSE(back->is_live);
  for (const auto& [name, version] : held_) EXPECT_EQ(Given(name), 3) << name;
  EXPECT_EQ(store_->GetPolicy(3)->text, store_->GetPolicy(1)->text);
  EXPECT_EQ(policy::ParseEnvelope(*store_->EnvelopeOf("policy", 3))->body,
            store_->GetPolicy(1)->text);
  EXPECT_TRUE(Halts()[0].resolve_time);
  EXPECT_EQ(rollouts_->Change("suzuki", RolloutAct::kResume, "").error().code,
            Code::kFailedPrecondition);
}

TEST_F(RolloutsTest, OneRolloutAtATime) {
  Stage();
  const auto second =
      rollouts_->Push("suzuki", std::string(policy::PackText("gdpr")), "f", "",
                      PushHow::kAsConfigured);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kFailedPrecondition);
  EXPECT_EQ(store_->ListPolicies({})->rows.size(), 2U);
  EXPECT_EQ(Push(PushHow::kNow).version, 3);
  EXPECT_EQ(State(), "replaced");
  EXPECT_EQ(Given("rest-1"), 3);
}

TEST_F(RolloutsTest, ManyThatRefuseHaltItAndSayWhy) {
  Stage();
  Pass(seconds(1));
  Refuse("pilot-1", 2);
  Refuse("second-1", 1);  // of another version
  Pass(minutes(1));
  EXPECT_EQ(Of("pilot-1").answer, RolloutAnswer::kRefused);
  EXPECT_THAT(Of("pilot-1").reason, HasSubstr("no such key"));
  EXPECT_THAT(Of("pilot-1").reason, ::testing::Not(HasSubstr("\x1b")));
  EXPECT_EQ(State(), "running") << "one of three";
  Refuse("pilot-2", 2);
  Pass(minutes(1));
  EXPECT_EQ(State(), "halted");
  EXPECT_THAT(Now().rollout->halt_reason, HasSubstr("2 refused it"));
}

TEST_F(RolloutsTest, WhoDoesNotAnswerOrFallsSilentOrGoesBackHaltsIt) {
  Stage();
  Pass(seconds(1));
  Beat("pilot-1", 2);
  Beat("pilot-2", 2);
  Look();
  // One undoes it by itself.
  Beat("pilot-1", 1);
  Look();
  EXPECT_EQ(Of("pilot-1").answer, RolloutAnswer::kRefused);
  EXPECT_THAT(Of("pilot-1").reason, HasSubstr("went back to version 1"));
  EXPECT_EQ(State(), "running");
  // One is not heard of any more soon after.
  away_ = {"pilot-2"};
  Pass(minutes(3));
  EXPECT_EQ(Of("pilot-2").answer, RolloutAnswer::kSilent);
  EXPECT_EQ(State(), "halted");
  // With a person's word it goes on, until the third has not answered; one of
  // one then.
  ASSERT_TRUE(rollouts_->Change("suzuki", RolloutAct::kResume, ""));
  Pass(minutes(3));
  EXPECT_EQ(State(), "running");
  Pass(minutes(5));
  EXPECT_EQ(Of("pilot-3").answer, RolloutAnswer::kUnanswered);
  EXPECT_EQ(State(), "halted");
  EXPECT_THAT(Now().rollout->halt_reason, HasSubstr("1 did not take it"));
}

TEST_F(RolloutsTest, WhoIsAwayHoldsNobodyUpAndGetsItWhenHeComes) {
  away_ = {"pilot-3", "second-1", "second-2", "rest-3"};
  Pass(minutes(5));
  Stage();
  Take();
  Pass(hours(1));
  EXPECT_EQ(Of("pilot-3").answer, RolloutAnswer::kNotReached);
  EXPECT_EQ(OpenRing(), 1);
  Pass(hours(24));
  EXPECT_EQ(OpenRing(), 1) << "nobody of this ring has tried it";
  EXPECT_EQ(Now().waits_for, "first_terminal");
  ASSERT_TRUE(rollouts_->Change("suzuki", RolloutAct::kAdvance, ""));
  Take();
  Pass(hours(1));
  EXPECT_EQ(State(), "done");
  for (const auto& [name, version] : held_) EXPECT_EQ(Given(name), 2) << name;
  // It comes, with blocks of three days that its spool held.
  away_.clear();
  Block("rest-3", 30);
  Take();
  EXPECT_EQ(State(), "done");
}

TEST_F(RolloutsTest, BlocksOfTheOldVersionThatComeLateAreNotItsOwn) {
  away_ = {"pilot-1", "pilot-2"};
  Pass(minutes(5));
  Stage();
  away_.clear();
  Pass(minutes(1));
  Block("pilot-1", 10);  // still under version 1
  Block("pilot-2", 10);
  Take();
  Pass(minutes(5));
  EXPECT_EQ(State(), "running");
  EXPECT_EQ(Now().blocks, 0);
}

TEST_F(RolloutsTest, AManualRingWaitsAndBadTextChangesNothing) {
  ASSERT_TRUE(rollouts_
                  ->SetRings("suzuki",
                             "rings:\n- {name: pilot, terminals: [pilot-*], "
                             "soak: manual}\n- {name: rest}\n")
                  ->empty());
  EXPECT_FALSE(rollouts_->SetRings("suzuki", "rings: 5")->empty());
  EXPECT_THAT(store_->GetRings()->text, HasSubstr("manual"));
  const auto bad =
      rollouts_->Push("suzuki", "policy: 9", "f", "", PushHow::kAsConfigured);
  ASSERT_TRUE(bad);
  EXPECT_FALSE(bad->problems.empty());
  EXPECT_FALSE(Now().rollout);
  Push();
  Take();
  Pass(hours(100));
  EXPECT_EQ(OpenRing(), 0);
  EXPECT_EQ(Now().waits_for, "person");
  ASSERT_TRUE(rollouts_->Change("suzuki", RolloutAct::kAdvance, ""));
  EXPECT_EQ(Given("rest-1"), 2);
  ASSERT_TRUE(rollouts_->SetRings("suzuki", "\n")->empty());
  ASSERT_TRUE(rollouts_->Change("suzuki", RolloutAct::kAdvance, ""));
  EXPECT_EQ(State(), "done");
  EXPECT_EQ(Push().ring, "") << "no rings any more";
}

}  // namespace
}  // namespace sekisho::core
