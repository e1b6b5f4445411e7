// Histories of a terminal, and what may be said of its hours.
#include "server/core/coverage.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <future>

#include "tests/support/test_store.h"

namespace sekisho::core {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using store::AgentHeartbeat;

constexpr WallTime kStart{seconds(1'795'000'000)};

std::string Shown(const std::vector<CoverPart>& parts) {
  std::string text;
  for (const CoverPart& part : parts) {
    text +=
        std::string(text.empty() ? "" : " ") + store::Name(part.state) + " " +
        std::to_string(
            std::chrono::duration_cast<seconds>(part.from - kStart).count()) +
        "-" +
        std::to_string(
            std::chrono::duration_cast<seconds>(part.to - kStart).count());
  }
  return text;
}

// A terminal against a real store: its heartbeats, its chain, its boots.
class CoverageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-coverage-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    Open();
    AddAgent("a");
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  void Open() {
    store_.reset();
    auto opened = sekisho::support::OpenTestStore(dir_ + "/test.db");
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }
  void AddAgent(const std::string& id, WallTime when = kStart,
                const std::string& terminal = "t1") {
    store::NewAgent agent;
    agent.agent_id = id;
    agent.terminal = terminal;
    agent.chain_key = keys_.public_key;
    agent.enrol_time = when;
    ASSERT_TRUE(store_->AddAgent(agent));
    agent_ = id;
    head_ = {};
  }

  // Times are seconds since kStart; `boot` when that boot began.
  void Boot(const std::string& id, int at) {
    boot_ = id;
    boot_at_ = at;
  }
  void Beat(int at, const char* gate = "full", const char* mode = "enforce",
            bool core = true) {
    AgentHeartbeat beat;
    beat.agent_id = agent_;
    beat.time = kStart + seconds(at);
    beat.mode = mode;
    beat.gate_state = gate;
    beat.core_alive = core;
    beat.boot_id = boot_;
    beat.boot_microseconds = int64_t{1'000'000} * (at - boot_at_);
    if (core) beat.head = head_;
    store_->PutHeartbeat(beat);
  }
  void Beats(int from, int to, const char* gate = "full",
             const char* mode = "enforce", bool core = true) {
    for (int at = from; at <= to; at += 30) Beat(at, gate, mode, core);
  }
  void Tell(event::v1::EventKind kind, int at, bool observe = false,
            const char* gate = "full") {
    event::v1::PublicPart open;
    open.set_kind(kind);
    open.set_agent_id(agent_);
    open.set_event_id("e" + std::to_string(++events_));
    open.set_boot_id(boot_);
    open.set_since_boot_microseconds(int64_t{1'000'000} * (at - boot_at_));
    open.set_observe_only(observe);
    open.set_gate_state(gate);
    open.mutable_occur_time()->set_seconds(1'795'000'000 + at);
    Append(open, at);
  }
  void Append(event::v1::PublicPart open, int at) {
    auto record = event::Append(head_, std::move(open), {}, keys_.secret_key);
    ASSERT_TRUE(record);
    pending_.push_back({*record, at});
  }
  // What waits at the terminal arrives and is indexed.
  void Arrive(int at) {
    for (const auto& [record, when] : pending_) {
      std::promise<Result<event::Head>> stored;
      store_->Append(
          {agent_, {record}, kStart + seconds(at)},
          [&](Result<event::Head> head) { stored.set_value(std::move(head)); });
      ASSERT_TRUE(stored.get_future().get());
      event::v1::PublicPart part;
      part.ParseFromString(record.public_part());
      store::IndexBatch batch;
      batch.from_row = store_->IndexMark().value();
      batch.to_row = batch.from_row + 1;
      store::IndexedEvent row;
      row.row_id = batch.to_row;
      row.agent_id = agent_;
      row.epoch = part.epoch();
      row.sequence = part.sequence();
      row.kind = part.kind();
      row.receive_time = kStart + seconds(at);
      row.event_id = part.event_id();
      batch.events.push_back(row);
      ASSERT_TRUE(store_->WriteIndex(batch));
    }
    pending_.clear();
  }

  std::string Cover(int from, int to) {
    std::string shown;
    // Heartbeats are not waited for; what is written after them is.
    EXPECT_TRUE(store_->ResolveAlert(0, kStart));
    const Status read = ReadTerminals(
        *store_, kStart + seconds(from), kStart + seconds(to), {},
        [&](const TerminalCover& cover) -> Status {
          shown += (shown.empty() ? "" : "; ") + Shown(cover.parts);
          return {};
        });
    EXPECT_TRUE(read) << read.error().message;
    return shown;
  }

  std::string dir_;
  std::unique_ptr<store::Store> store_;
  const event::ChainKeyPair keys_ = event::NewChainKeyPair();
  std::string agent_, boot_ = "b1";
  int boot_at_ = -100;
  event::Head head_;
  int events_ = 0;
  std::vector<std::pair<event::v1::EventRecord, int>> pending_;
};

TEST_F(CoverageTest, OnlyWhatWasHeardIsCovered) {
  Beats(60, 300);
  EXPECT_EQ(Cover(0, 400), "silent 0-60 covered 60-300 silent 300-400");
  EXPECT_EQ(Cover(100, 200), "covered 100-200");
  EXPECT_EQ(Cover(-100, 60), "silent 0-60") << "before it enrolled it was not";
}

TEST_F(CoverageTest, EachStateHasItsSpanAndTheWorseTakesTheDoubt) {
  Beats(0, 300);
  Beats(330, 600, "degraded");
  Beats(630, 900);
  Beats(930, 1200, "full", "observe");
  Beats(1230, 1500, "full", "enforce", false);
  EXPECT_EQ(Cover(0, 1500),
            "covered 0-300 degraded 300-630 covered 630-900 observe 900-1200 "
            "no_core 1200-1500");
}

TEST_F(CoverageTest, ASecondServerTimeOfSilenceIsTheGapItself) {
  Beats(0, 300);
  // The server is down for ten minutes; nothing is known of them.
  Open();
  Boot("b2", 600);
  Beats(900, 1200);
  EXPECT_EQ(Cover(0, 1200), "covered 0-300 silent 300-900 covered 900-1200");
}

TEST_F(CoverageTest, ARestartOfTheServerBetweenTwoHeartbeatsIsNoGap) {
  Beats(0, 300);
  Open();
  Beats(345, 615);
  EXPECT_EQ(Cover(0, 600), "covered 0-600");
}

TEST_F(CoverageTest, TheChainProvesWhatWasNotHeard) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 0);
  Arrive(0);
  Beats(0, 300);
  Tell(event::v1::EVENT_KIND_TRANSFER, 500);  // offline
  Beat(900);  // says that it has the event, which has not arrived
  EXPECT_EQ(Cover(0, 900), "covered 0-300 silent 300-900");
  Arrive(901);
  EXPECT_EQ(Cover(0, 900), "covered 0-300 proven 300-900");
}

// Each row: what stands between two covered spans of the same boot.
TEST_F(CoverageTest, WhatSpeaksAgainstItIsNotProven) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 0);
  Arrive(0);
  int at = 0;
  std::string expected;
  for (const auto kind :
       {event::v1::EVENT_KIND_AGENT_STARTED,
        event::v1::EVENT_KIND_AGENT_STOPPED, event::v1::EVENT_KIND_HEALTH,
        event::v1::EVENT_KIND_TAMPER, event::v1::EVENT_KIND_POLICY_CHANGED}) {
    Beats(at, at + 300);
    Tell(kind, at + 400);
    at += 900;
    Arrive(at);
  }
  Beat(at);
  for (int i = 0; i < at; i += 900) {
    expected += (i == 0 ? "" : " ") + std::string("covered ") +
                std::to_string(i) + "-" + std::to_string(i + 300) + " silent " +
                std::to_string(i + 300) + "-" + std::to_string(i + 900);
  }
  EXPECT_EQ(Cover(0, at), expected);
}

TEST_F(CoverageTest, AClockThatDisagreesProvesNothing) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 0);
  Arrive(0);
  Beats(0, 300);
  boot_at_ += 120;  // two minutes are missing since boot
  Beat(900);
  EXPECT_EQ(Cover(0, 900), "covered 0-300 silent 300-900");
}

TEST_F(CoverageTest, ANightAfterAGoodbyeIsOff) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, -50);
  Arrive(0);
  Beats(0, 600);
  Tell(event::v1::EVENT_KIND_AGENT_STOPPED, 610);
  Boot("b2", 9000);
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 9020);
  Arrive(9060);
  Beats(9060, 9300);
  EXPECT_EQ(Cover(0, 9300),
            "covered 0-600 proven 600-610 off 610-9020 proven 9020-9060 "
            "covered 9060-9300");
}

TEST_F(CoverageTest, TheMomentsWithoutSekishodBelongToTheNight) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, -50);
  Arrive(0);
  Beats(0, 600);
  Tell(event::v1::EVENT_KIND_AGENT_STOPPED, 605);
  Arrive(606);
  Beat(610, "", "", false);
  Boot("b2", 9000);
  Beat(9010, "", "", false);
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 9020);
  Beat(9030);
  Arrive(9031);
  Beats(9060, 9300);
  EXPECT_EQ(Cover(0, 9300), "covered 0-600 off 600-9030 covered 9030-9300");
}

TEST_F(CoverageTest, ANightWithoutAGoodbyeIsSilent) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, -50);
  Arrive(0);
  Beats(0, 600);
  Boot("b2", 9000);
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 9020);
  Arrive(9060);
  Beats(9060, 9300);
  EXPECT_EQ(Cover(0, 9300), "covered 0-600 silent 600-9060 covered 9060-9300");
}

TEST_F(CoverageTest, AGoodbyeIsNoNightWhileNoOtherBootTellsOfIt) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, -50);
  Arrive(0);
  Beats(0, 600);
  Tell(event::v1::EVENT_KIND_AGENT_STOPPED, 610);
  Arrive(611);
  EXPECT_EQ(Cover(0, 9000), "covered 0-600 silent 600-9000");
  // The same boot comes back: the machine ran on without its agent.
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 8900);
  Arrive(9000);
  Beat(9000);
  EXPECT_EQ(Cover(0, 9000), "covered 0-600 silent 600-9000");
}

TEST_F(CoverageTest, TwoBootsInOneGapAreNotTold) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, -50);
  Arrive(0);
  Beats(0, 600);
  Tell(event::v1::EVENT_KIND_AGENT_STOPPED, 610);
  Boot("b2", 3000);
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 3020);
  Tell(event::v1::EVENT_KIND_AGENT_STOPPED, 4000);
  Boot("b3", 9000);
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 9020);
  Arrive(9060);
  Beat(9060);
  EXPECT_EQ(Cover(0, 9060), "covered 0-600 silent 600-9060");
}

TEST_F(CoverageTest, AGoodbyeWhileObservingIsNoNight) {
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, -50);
  Arrive(0);
  Beats(0, 600, "full", "observe");
  Tell(event::v1::EVENT_KIND_AGENT_STOPPED, 610, true);
  Boot("b2", 9000);
  Tell(event::v1::EVENT_KIND_AGENT_STARTED, 9020);
  Arrive(9060);
  Beat(9060);
  EXPECT_EQ(Cover(0, 9060), "observe 0-600 silent 600-9060");
}

TEST_F(CoverageTest, TheServersClockSetForwardIsAGap) {
  Beats(0, 300);
  boot_at_ += 3300;  // in truth 30 s went by
  Beats(3630, 3900);
  EXPECT_EQ(Cover(0, 3900), "covered 0-300 silent 300-3630 covered 3630-3900");
}

TEST_F(CoverageTest, TheServersClockSetBackMakesTheTimeDoubtful) {
  Beats(0, 3600);
  boot_at_ -= 3000;
  Beats(630, 900);
  EXPECT_EQ(Cover(0, 4000), "covered 0-630 clock 630-3600 silent 3600-4000");
}

TEST_F(CoverageTest, ASecondBackIsAClockThatIsKept) {
  Beats(0, 300);
  Beat(299);
  Beats(330, 600);
  EXPECT_EQ(Cover(0, 600), "covered 0-600");
}

TEST_F(CoverageTest, ARevocationEndsItAndAnotherAgentGoesOn) {
  Beats(0, 300);
  AddAgent("b", kStart + seconds(310));  // enrolled again: the first ends
  Beats(340, 610);
  EXPECT_EQ(Cover(0, 600),
            "covered 0-300 silent 300-310 silent 310-340 covered 340-600");
  ASSERT_TRUE(store_->RevokeAgent("b", "gone", kStart + seconds(700)));
  EXPECT_EQ(Cover(340, 900), "covered 340-610 silent 610-700")
      << "in no register: it is not in service any more";
}

TEST_F(CoverageTest, AnUnlockAndALossAreUncoveredWhateverIsHeard) {
  Beats(0, 900);
  ASSERT_TRUE(store_->AddCoverSpan("a", store::Cover::kUnlocked,
                                   kStart + seconds(100),
                                   kStart + seconds(200)));
  event::v1::PublicPart gap;
  gap.set_kind(event::v1::EVENT_KIND_GAP);
  gap.set_event_id("gap");
  gap.mutable_lost_from_time()->set_seconds(1'795'000'400);
  gap.mutable_lost_to_time()->set_seconds(1'795'000'449);
  Append(gap, 500);
  Arrive(500);
  EXPECT_EQ(Cover(0, 900),
            "covered 0-100 unlocked 100-200 covered 200-400 events_lost "
            "400-450 covered 450-900");
}

TEST_F(CoverageTest, TheRegisterSaysWhoIsMissing) {
  Beats(0, 600);
  const auto at = [](int from) { return kStart + seconds(from); };
  store::RegisteredTerminal t0, t1, t2;
  t0.name = "t0";  // never seen
  t1.name = "t1";
  t1.service_from = at(100);
  t1.service_to = at(800);
  t2.name = "t2";  // not in service yet
  t2.service_from = at(5000);
  ASSERT_TRUE(store_->PutRegister({t0, t1, t2}, at(0)));
  EXPECT_EQ(Cover(-50, 1000),
            "no_agent -50-1000; covered 0-100 covered 100-600 silent 600-800; ")
      << "silence out of service does not count, what was heard does";
  // t0 leaves the register: it was in service until then.
  ASSERT_TRUE(store_->PutRegister({t1, t2}, at(300)));
  EXPECT_EQ(Cover(0, 1000),
            "no_agent 0-300; covered 0-100 covered 100-600 silent 600-800; ");
}

TEST_F(CoverageTest, WhatABadTerminalSaysChangesOnlyItsOwn) {
  AddAgent("z", kStart, "t9");
  Beats(0, 300);
  AgentHeartbeat odd;
  odd.agent_id = "z";
  odd.time = kStart + seconds(330);
  odd.mode = "enforce";
  odd.gate_state = "full";
  odd.boot_microseconds = INT64_MIN;
  odd.head.sequence = INT64_MAX;
  odd.boot_id = "b1";
  store_->PutHeartbeat(odd);
  odd.time = kStart + seconds(900);
  odd.boot_microseconds = INT64_MAX;
  store_->PutHeartbeat(odd);
  EXPECT_EQ(Cover(0, 900), "silent 0-900; covered 0-330 silent 330-900");
}

}  // namespace
}  // namespace sekisho::core
