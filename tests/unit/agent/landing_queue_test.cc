#include "agent/landing_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::agent {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;

Landed Of(uint64_t inode, const std::string& person = "operator",
          std::vector<std::string> hosts = {}) {
  Landed landed;
  landed.key = {.device = 1, .inode = inode};
  landed.who.person = person;
  landed.source_hosts = std::move(hosts);
  return landed;
}

TEST(LandingQueue, WaitsUntilNobodyHasWrittenForAWhile) {
  LandingQueue queue({});
  EXPECT_TRUE(queue.Offer(Of(1), seconds(10)));
  EXPECT_TRUE(queue.Offer(Of(1), seconds(11)));
  EXPECT_EQ(queue.NextDue(), seconds(13));
  EXPECT_FALSE(queue.Take(seconds(12)));
  EXPECT_TRUE(queue.Take(seconds(13)));
  EXPECT_FALSE(queue.NextDue()) << "two writes are one look";
}

TEST(LandingQueue, IsLookedAtInTheEndThoughItIsWrittenAllTheTime) {
  LandingQueue queue({});
  for (int i = 0; i < 100; ++i) queue.Offer(Of(1), seconds(100 + i));
  EXPECT_EQ(queue.NextDue(), seconds(160));
}

TEST(LandingQueue, AFileAppendedAgainAndAgainIsLookedAtLessAndLess) {
  LandingQueue queue({});
  std::vector<int64_t> looks;
  for (int now = 0; now < 4 * 3600; now += 5) {
    queue.Offer(Of(1), seconds(now));
    if (queue.Take(seconds(now))) looks.push_back(now);
  }
  // 1 minute, 2, 4, ... then each hour.
  EXPECT_LE(looks.size(), 11U);
  EXPECT_GE(looks.size(), 7U);
  // Left alone for long, it is as new.
  queue.Offer(Of(1), seconds(100'000));
  EXPECT_TRUE(queue.Take(seconds(100'002)));
}

TEST(LandingQueue, KeepsWhoAndFromWhere) {
  LandingQueue queue({});
  queue.Offer(Of(1, "operator", {"10.0.2.5:22"}), seconds(1));
  queue.Offer(Of(1, "unknown", {"10.0.2.5:22", "10.0.2.6:22"}), seconds(2));
  const auto taken = queue.Take(seconds(9));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->who.person, "operator");
  EXPECT_THAT(taken->source_hosts, ElementsAre("10.0.2.5:22", "10.0.2.6:22"));
}

TEST(LandingQueue, HasAnEndAndSaysSo) {
  LandingQueue queue({});
  for (uint64_t i = 0; i < kMaxWaitingFiles; ++i) {
    ASSERT_TRUE(queue.Offer(Of(i), seconds(1)));
  }
  EXPECT_FALSE(queue.Offer(Of(kMaxWaitingFiles), seconds(1)));
  EXPECT_TRUE(queue.Offer(Of(0), seconds(1))) << "it waits already";
  EXPECT_EQ(queue.size(), kMaxWaitingFiles);
}

TEST(LandingQueue, WhatLiesThereWaitsForNobody) {
  LandingQueue queue({});
  Landed landed = Of(1);
  landed.unchanged_since = WallTime(seconds(1));
  queue.Offer(std::move(landed), seconds(50));
  EXPECT_TRUE(queue.Take(seconds(50)));
}

TEST(LandingQueue, RemembersWhatWasToldOfAFile) {
  LandingQueue queue({});
  queue.Offer(Of(1), seconds(1));
  queue.Take(seconds(9));
  EXPECT_EQ(queue.ToldPersons({.device = 1, .inode = 1}), 0);
  queue.SetTold({.device = 1, .inode = 1}, 150);
  EXPECT_EQ(queue.ToldPersons({.device = 1, .inode = 1}), 150);
  for (uint64_t i = 10; i < 10 + 2 * kMaxSeenFiles; ++i) {
    queue.Offer(Of(i), seconds(static_cast<int64_t>(i)));
    queue.Take(seconds(static_cast<int64_t>(i) + 100));
  }
  EXPECT_EQ(queue.ToldPersons({.device = 1, .inode = 1}), 0) << "bounded";
}

}  // namespace
}  // namespace sekisho::agent
