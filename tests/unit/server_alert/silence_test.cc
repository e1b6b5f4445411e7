// Silence against the register: whose hours it is, and what falls silent with
// its whole site.
#include "server/alert/silence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <future>

#include "server/alert/rules.h"
#include "server/core/indexer.h"
#include "tests/support/test_store.h"

namespace sekisho::alert {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;

// A Friday, 12:00 in Tokyo.
constexpr WallTime kNoon{seconds(1'795'143'600)};

class FakeClock final : public Clock {
 public:
  WallTime Now() const override { return kNoon + past_; }
  BootTime SinceBoot() const override { return std::chrono::hours(1) + past_; }
  void Advance(seconds by) { past_ += by; }

 private:
  BootTime past_{0};
};

class SilenceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-silence-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    store_ = sekisho::support::OpenTestStore(dir_ + "/test.db").value();
    for (const char* name : {"o1", "o2", "o3", "o4", "k1", "x1"}) {
      store::NewAgent agent;
      agent.agent_id = std::string("id-") + name;
      agent.terminal = name;
      agent.enrol_time = kNoon;
      ASSERT_TRUE(store_->AddAgent(agent));
    }
    std::vector<store::RegisteredTerminal> rows;
    for (const char* name : {"o1", "o2", "o3", "o4"}) Add(rows, name, "Osaka");
    Add(rows, "k1", "Kobe");
    ASSERT_TRUE(store_->PutRegister(rows, kNoon));
    Begin();
    Hear({"o1", "o2", "o3", "o4", "k1", "x1"});
  }
  void TearDown() override {
    watch_.reset();
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  static void Add(std::vector<store::RegisteredTerminal>& rows,
                  const std::string& name, const std::string& site) {
    store::RegisteredTerminal row;
    row.name = name;
    row.site = site;
    row.hours = "Mon-Fri 08:00-20:00 Asia/Tokyo";
    rows.push_back(row);
  }
  void Begin() {
    presence_ = std::make_unique<core::Presence>(clock_);
    presence_->Load(store_->AllAgents().value());
    watch_ =
        std::make_unique<SilenceWatch>(*store_, *presence_, changes_, clock_);
    ASSERT_TRUE(watch_->Load());
  }
  void Hear(std::initializer_list<const char*> names) {
    for (const char* name : names) {
      ASSERT_TRUE(presence_->Heard(std::string("id-") + name));
    }
  }
  // `names` go on being heard meanwhile.
  void Pass(seconds time, std::initializer_list<const char*> names) {
    for (; time.count() > 0; time -= seconds(10)) {
      clock_.Advance(seconds(10));
      Hear(names);
      ASSERT_TRUE(watch_->Tick());
    }
  }
  std::vector<std::string> Open() {
    store::AlertFilter filter;
    filter.only_unresolved = true;
    filter.order = store::AlertOrder::kOldest;
    std::vector<std::string> open;
    const auto page = store_->ListAlerts(filter, {}).value();
    for (const store::Alert& alert : page.rows) {
      open.push_back(alert.kind + " " + alert.terminal);
    }
    return open;
  }

  // Appended and indexed, as the terminal's.
  void Tell(const std::string& name, event::v1::EventKind kind, int64_t persons,
            event::v1::Inspection inspection = event::v1::INSPECTION_FULL) {
    event::v1::PublicPart part;
    part.set_agent_id("id-" + name);
    part.set_kind(kind);
    part.set_persons_written_count(persons);
    part.set_outcome(event::v1::OUTCOME_ALLOWED);
    part.set_inspection(inspection);
    part.mutable_device()->set_vendor_id("0951");
    part.mutable_device()->set_product_id("1666");
    part.mutable_device()->set_serial("A1");
    event::v1::PersonalPart personal;
    personal.set_person("oda");
    const auto record =
        event::Append(heads_[name], part, personal, keys_.secret_key).value();
    std::promise<bool> stored;
    store_->Append({part.agent_id(), {record}, clock_.Now()},
                   [&](const Result<event::Head>& head) {
                     stored.set_value(head.has_value());
                   });
    ASSERT_TRUE(stored.get_future().get());
    core::Indexer indexer(*store_, changes_, AlertsFor);
    ASSERT_TRUE(indexer.RunOnce());
  }

  std::string dir_;
  FakeClock clock_;
  core::Changes changes_;
  const event::ChainKeyPair keys_ = event::NewChainKeyPair();
  std::map<std::string, event::Head> heads_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<core::Presence> presence_;
  std::unique_ptr<SilenceWatch> watch_;
};

TEST_F(SilenceTest, OneTerminalOfASiteIsAnAlertOfItsOwnAfterTheHold) {
  Pass(seconds(70), {"o1", "o2", "o3", "k1", "x1"});
  EXPECT_THAT(Open(), IsEmpty()) << "it waits for company";
  Pass(seconds(40), {"o1", "o2", "o3", "k1", "x1"});
  EXPECT_THAT(Open(), ElementsAre("terminal_silent o4"));
  Pass(seconds(10), {"o1", "o2", "o3", "o4", "k1", "x1"});
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(SilenceTest, WithoutASiteOrCompanyItIsAnAlertAtOnce) {
  Pass(seconds(70), {"o1", "o2", "o3", "o4"});
  EXPECT_THAT(Open(), testing::UnorderedElementsAre("terminal_silent k1",
                                                    "terminal_silent x1"));
}

TEST_F(SilenceTest, ASiteIsOneIncidentThatEndsByItself) {
  Pass(seconds(70), {"k1", "x1"});
  EXPECT_THAT(Open(), ElementsAre("site_silent "));
  auto outages = store_->ListSiteOutages({}).value();
  ASSERT_EQ(outages.size(), 1U);
  EXPECT_EQ(outages[0].site, "Osaka");
  EXPECT_EQ(outages[0].agent_ids.size(), 4U);
  EXPECT_FALSE(outages[0].end_time);
  Pass(seconds(20), {"o1", "o2", "o3", "o4", "k1", "x1"});
  EXPECT_THAT(Open(), IsEmpty());
  EXPECT_TRUE(store_->ListSiteOutages({}).value()[0].end_time);
}

TEST_F(SilenceTest, WhoIsNotBackWithItsSiteIsToldAlone) {
  Pass(seconds(70), {"k1", "x1"});
  ASSERT_THAT(Open(), ElementsAre("site_silent "));
  Pass(seconds(60), {"o1", "o2", "o3", "k1", "x1"});
  EXPECT_THAT(Open(), ElementsAre("terminal_silent o4"));
}

TEST_F(SilenceTest, AnOutageOutlivesARestartOfTheServer) {
  Pass(seconds(70), {"k1", "x1"});
  ASSERT_THAT(Open(), ElementsAre("site_silent "));
  Begin();
  Hear({"k1", "x1"});
  Pass(seconds(120), {"k1", "x1"});
  EXPECT_THAT(Open(), ElementsAre("site_silent "));
  Pass(seconds(20), {"o1", "o2", "o3", "o4", "k1", "x1"});
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(SilenceTest, SilenceOutsideOfItsHoursWaitsForThem) {
  clock_.Advance(std::chrono::hours(8) + seconds(60));  // 20:01
  Hear({"o1", "o2", "o3", "o4", "k1", "x1"});
  ASSERT_TRUE(watch_->Tick());
  Pass(seconds(300), {"o1", "o2", "o3", "o4", "x1"});
  EXPECT_THAT(Open(), IsEmpty());
  clock_.Advance(std::chrono::hours(36));
  Hear({"o1", "o2", "o3", "o4", "x1"});
  ASSERT_TRUE(watch_->Tick());
  EXPECT_THAT(Open(), IsEmpty()) << "a Sunday";
  clock_.Advance(std::chrono::hours(24));
  Hear({"o1", "o2", "o3", "o4", "x1"});
  ASSERT_TRUE(watch_->Tick());
  EXPECT_THAT(Open(), IsEmpty()) << "who is late is late";
}

TEST_F(SilenceTest, WhatWasOffIsToldAfterTwoOfItsDays) {
  clock_.Advance(std::chrono::hours(8) + seconds(60));  // Friday, 20:01
  Hear({"o1", "o2", "o3", "o4", "k1", "x1"});
  ASSERT_TRUE(watch_->Tick());
  clock_.Advance(std::chrono::hours(60));  // Monday, 08:01
  const auto wait = [&](std::chrono::minutes time) {
    for (; time.count() > 0; --time) {
      clock_.Advance(std::chrono::minutes(1));
      Hear({"o1", "o2", "o3", "o4", "x1"});
      ASSERT_TRUE(watch_->Tick());
    }
  };
  wait(std::chrono::hours(24));
  EXPECT_THAT(Open(), IsEmpty());
  wait(std::chrono::hours(7));
  EXPECT_THAT(Open(), ElementsAre("terminal_silent k1"));
}

// A site that nobody switched on is not one that fell silent.
TEST_F(SilenceTest, AMorningOnWhichNobodyComesIsNoOutage) {
  clock_.Advance(std::chrono::hours(8) + seconds(60));
  Hear({"o1", "o2", "o3", "o4", "k1", "x1"});
  ASSERT_TRUE(watch_->Tick());
  clock_.Advance(std::chrono::hours(60));
  Pass(seconds(300), {"k1", "x1"});
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(SilenceTest, WhatFallsSilentWithAMediumInUseIsForTheSoc) {
  Tell("o4", event::v1::EVENT_KIND_MEDIUM_MOUNTED, 0);
  Tell("o4", event::v1::EVENT_KIND_TRANSFER, 5);
  Pass(seconds(110), {"o1", "o2", "o3", "k1", "x1"});
  ASSERT_THAT(Open(), ElementsAre("silent_in_use o4"));
  const auto alert = store_->ListAlerts({}, {}).value().rows.at(0);
  EXPECT_EQ(alert.severity, "high");
  EXPECT_EQ(alert.person, "oda");
  EXPECT_EQ(alert.device_id, "0951:1666:A1");
  Begin();
  Pass(seconds(10), {"o1", "o2", "o3", "o4", "k1", "x1"});
  EXPECT_THAT(Open(), IsEmpty()) << "over, also after a restart";
}

TEST_F(SilenceTest, ACopyThatWasNotInspectedCountsAsOne) {
  Tell("o4", event::v1::EVENT_KIND_MEDIUM_MOUNTED, 0);
  Tell("o4", event::v1::EVENT_KIND_TRANSFER, 0, event::v1::INSPECTION_NONE);
  Pass(seconds(110), {"o1", "o2", "o3", "k1", "x1"});
  EXPECT_THAT(Open(), ElementsAre("silent_in_use o4"));
}

TEST_F(SilenceTest, LogsOnAMediumAreForIt) {
  Tell("o4", event::v1::EVENT_KIND_MEDIUM_MOUNTED, 0);
  Tell("o4", event::v1::EVENT_KIND_TRANSFER, 0);
  Pass(seconds(110), {"o1", "o2", "o3", "k1", "x1"});
  EXPECT_THAT(Open(), ElementsAre("terminal_silent o4"));
  EXPECT_EQ(store_->ListAlerts({}, {}).value().rows.at(0).severity, "low");
}

TEST_F(SilenceTest, AMediumThatWentIsNotInUse) {
  Tell("o4", event::v1::EVENT_KIND_MEDIUM_MOUNTED, 0);
  Tell("o4", event::v1::EVENT_KIND_TRANSFER, 5);
  Tell("o4", event::v1::EVENT_KIND_MEDIUM_UNMOUNTED, 0);
  Pass(seconds(110), {"o1", "o2", "o3", "k1", "x1"});
  EXPECT_THAT(Open(), ElementsAre("terminal_silent o4"));
}

TEST_F(SilenceTest, PeoplesDataOnItCountAtAnyHour) {
  clock_.Advance(std::chrono::hours(12));  // midnight
  Hear({"o1", "o2", "o3", "o4", "k1", "x1"});
  ASSERT_TRUE(watch_->Tick());
  Tell("o3", event::v1::EVENT_KIND_MEDIUM_MOUNTED, 0);
  Tell("o4", event::v1::EVENT_KIND_MEDIUM_MOUNTED, 0);
  Tell("o4", event::v1::EVENT_KIND_TRANSFER, 5);
  Pass(seconds(110), {"o1", "o2", "k1", "x1"});
  ASSERT_THAT(Open(), ElementsAre("silent_in_use o4"));
  EXPECT_EQ(store_->ListAlerts({}, {}).value().rows.at(0).severity, "high");
}

// A switch takes a part of a large site away.
TEST_F(SilenceTest, APartOfASiteIsOneIncident) {
  std::vector<store::RegisteredTerminal> rows;
  for (int i = 0; i < 40; ++i) {
    const std::string name = "n" + std::to_string(i);
    store::NewAgent agent;
    agent.agent_id = "id-" + name;
    agent.terminal = name;
    agent.enrol_time = kNoon;
    ASSERT_TRUE(store_->AddAgent(agent));
    Add(rows, name, "Nara");
  }
  ASSERT_TRUE(store_->PutRegister(rows, kNoon));
  const auto pass = [&](int seconds_left, int first) {
    for (; seconds_left > 0; seconds_left -= 10) {
      clock_.Advance(seconds(10));
      for (int i = first; i < 40; ++i) {
        ASSERT_TRUE(presence_->Heard("id-n" + std::to_string(i)));
      }
      Hear({"o1", "o2", "o3", "o4", "k1", "x1"});
      ASSERT_TRUE(watch_->Tick());
    }
  };
  pass(10, 0);
  pass(70, 8);
  EXPECT_THAT(Open(), ElementsAre("site_silent "));
  pass(20, 0);
  EXPECT_THAT(Open(), IsEmpty());
}

TEST_F(SilenceTest, ATerminalThatIsRevokedInAnOutageLeavesIt) {
  Pass(seconds(70), {"k1", "x1"});
  presence_->Revoke("id-o4");
  Pass(seconds(20), {"o1", "o2", "o3", "k1", "x1"});
  EXPECT_THAT(Open(), IsEmpty());
}

}  // namespace
}  // namespace sekisho::alert
