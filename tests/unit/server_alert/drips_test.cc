// Small copies of one person over several terminals.
#include "server/alert/drips.h"

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

using std::chrono::days;
using std::chrono::hours;
using testing::HasSubstr;
using testing::IsEmpty;

class FakeClock final : public Clock {
 public:
  WallTime Now() const override {
    return WallTime(std::chrono::seconds(1'795'143'600)) + past_;
  }
  BootTime SinceBoot() const override { return hours(1) + past_; }
  void Advance(BootTime by) { past_ += by; }

 private:
  BootTime past_{0};
};

class DripsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-drips-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    store_ = support::OpenTestStore(dir_ + "/test.db").value();
    for (const char* name : {"desk-1", "desk-2"}) {
      store::NewAgent agent;
      agent.agent_id = name;
      agent.terminal = name;
      ASSERT_TRUE(store_->AddAgent(agent));
    }
    Begin();
  }
  void TearDown() override {
    watch_.reset();
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  void Begin() {
    watch_ = std::make_unique<DripWatch>(*store_, changes_, clock_);
    ASSERT_TRUE(watch_->Load());
  }
  void Copy(const std::string& terminal, const std::string& person,
            int64_t persons, int64_t grant = 0) {
    event::v1::PublicPart part;
    part.set_agent_id(terminal);
    part.set_kind(event::v1::EVENT_KIND_TRANSFER);
    part.set_outcome(event::v1::OUTCOME_ALLOWED);
    part.set_person_count(persons);
    part.set_persons_written_count(persons);
    part.set_grant_id(grant);
    part.mutable_device()->set_vendor_id("0951");
    part.mutable_device()->set_product_id("1666");
    part.mutable_device()->set_serial("S-" + terminal);
    event::v1::PersonalPart personal;
    personal.set_person(person);
    const auto record =
        event::Append(heads_[terminal], part, personal, keys_.secret_key)
            .value();
    std::promise<bool> stored;
    store_->Append({terminal, {record}, clock_.Now()},
                   [&](const Result<event::Head>& head) {
                     stored.set_value(head.has_value());
                   });
    ASSERT_TRUE(stored.get_future().get());
    core::Indexer indexer(*store_, changes_, AlertsFor);
    ASSERT_TRUE(indexer.RunOnce());
  }
  std::vector<store::Alert> Told() {
    clock_.Advance(hours(1));
    EXPECT_TRUE(watch_->Tick());
    return store_->ListAlerts({}, {}).value().rows;
  }

  std::string dir_;
  FakeClock clock_;
  core::Changes changes_;
  const event::ChainKeyPair keys_ = event::NewChainKeyPair();
  std::map<std::string, event::Head> heads_;
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<DripWatch> watch_;
};

TEST_F(DripsTest, SmallCopiesFromTwoTerminalsAddUp) {
  for (int day = 0; day < 7; ++day) {
    Copy("desk-1", "mori", 10);
    if (day % 2 == 0) Copy("desk-2", "mori", 10);
    Copy("desk-1", "sato", 3);
    if (day < 6) {
      EXPECT_THAT(Told(), IsEmpty()) << day;
    }
    clock_.Advance(hours(23));
  }
  const auto told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].kind, kDripKind);
  EXPECT_EQ(told[0].severity, "high");
  EXPECT_EQ(told[0].person, "mori");
  EXPECT_THAT(told[0].title,
              HasSubstr("about 110 people away in 11 copies, from 2 terminals "
                        "to 2 media"));
}

TEST_F(DripsTest, IsToldAgainWhenItDoubledAlsoAfterARestart) {
  for (const char* terminal : {"desk-1", "desk-2"}) Copy(terminal, "mori", 60);
  ASSERT_EQ(Told().size(), 1U);
  Copy("desk-1", "mori", 60);
  EXPECT_EQ(Told().size(), 1U);
  Begin();
  EXPECT_EQ(Told().size(), 1U);
  Copy("desk-1", "mori", 200);
  EXPECT_EQ(Told().size(), 2U);
}

TEST_F(DripsTest, WhatOneTerminalSumsUpItselfIsItsOwnMatter) {
  for (int i = 0; i < 10; ++i) Copy("desk-1", "mori", 15);
  EXPECT_THAT(Told(), IsEmpty());
}

TEST_F(DripsTest, WhatWasGrantedIsLongAgoOrNobodysCountsNot) {
  Copy("desk-1", "mori", 60, 7);
  Copy("desk-2", "mori", 60);
  for (const char* terminal : {"desk-1", "desk-2"}) {
    Copy(terminal, "unknown", 90);
    Copy(terminal, "", 90);
  }
  EXPECT_THAT(Told(), IsEmpty());
  clock_.Advance(days(31));
  Copy("desk-1", "mori", 60);
  EXPECT_THAT(Told(), IsEmpty());
}

}  // namespace
}  // namespace sekisho::alert
