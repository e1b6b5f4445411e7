#include "agent/grants.h"

#include <gtest/gtest.h>

#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

constexpr int64_t kNow = 1'800'000'000;

class OneTime final : public Clock {
 public:
  WallTime Now() const override { return wall; }
  BootTime SinceBoot() const override { return BootTime(0); }
  WallTime wall{std::chrono::seconds(kNow)};
};

class GrantsTest : public testing::Test {
 protected:
  static policy::GrantedTransfer Transfer() {
    return {.agent_id = "agent-1",
            .person = "yamada",
            .device = "0951:1666:A1",
            .content_hash = Bytes(32, std::byte{7})};
  }
  static policy::GrantList List(std::vector<int64_t> ids) {
    policy::GrantList list;
    for (const int64_t id : ids) {
      list.transfers.push_back({.id = id,
                                .from_seconds = kNow,
                                .until_seconds = kNow + 3600,
                                .persons = 60,
                                .types = {"address"},
                                .holder = policy::HolderOf(Transfer()),
                                .match = policy::MatchOf(Transfer())});
    }
    return list;
  }
  const policy::TransferGrant* Find(const Grants& grants) {
    return grants.Find(Transfer(), 60, {"address"});
  }

  TempDir dir_;
  const std::string path_ = dir_.path() + "/grants.used";
  OneTime clock_;
};

TEST_F(GrantsTest, OpenOnceAlsoAfterARestart) {
  {
    Grants grants(clock_, path_);
    EXPECT_EQ(Find(grants), nullptr);
    grants.Take(List({5}));
    ASSERT_NE(Find(grants), nullptr);
    EXPECT_TRUE(grants.Holds(Transfer()));
    ASSERT_TRUE(grants.Use(5));
    EXPECT_EQ(Find(grants), nullptr);
    EXPECT_FALSE(grants.Holds(Transfer()));
  }
  Grants grants(clock_, path_);
  grants.Take(List({5, 6}));
  ASSERT_NE(Find(grants), nullptr);
  EXPECT_EQ(Find(grants)->id, 6);
}

TEST_F(GrantsTest, AnotherContentHasNone) {
  Grants grants(clock_, path_);
  grants.Take(List({5}));
  policy::GrantedTransfer other = Transfer();
  other.content_hash[0] = std::byte{9};
  EXPECT_EQ(grants.Find(other, 60, {"address"}), nullptr);
  EXPECT_TRUE(grants.Holds(other)) << "of another content there is one";
  other.person = "sato";
  EXPECT_FALSE(grants.Holds(other));
  EXPECT_EQ(grants.Find(Transfer(), 61, {}), nullptr);
  clock_.wall += std::chrono::hours(1);
  EXPECT_EQ(Find(grants), nullptr);
  EXPECT_FALSE(grants.Holds(Transfer()));
}

TEST_F(GrantsTest, WhatDidNotHappenWasNotUsed) {
  Grants grants(clock_, path_);
  grants.Take(List({5}));
  ASSERT_TRUE(grants.Use(5));
  grants.TakeBack(5);
  EXPECT_NE(Find(grants), nullptr);
}

TEST_F(GrantsTest, NothingIsOpenedWhereUsesAreNotKnownOrCannotBeKept) {
  dir_.Put("grants.used", "sekisho-grants-used-1\nfive\n");
  {
    Grants grants(clock_, path_);
    EXPECT_NE(grants.problem(), "");
    grants.Take(List({5}));
    EXPECT_EQ(Find(grants), nullptr) << "it may have been used";
    grants.Take(List({5, 6}));
    ASSERT_NE(Find(grants), nullptr) << "this one is new";
    EXPECT_EQ(Find(grants)->id, 6);
  }
  Grants grants(clock_, dir_.path() + "/not/there");
  grants.Take(List({5}));
  EXPECT_FALSE(grants.Use(5));
  EXPECT_EQ(Find(grants), nullptr);
}

}  // namespace
}  // namespace sekisho::agent
