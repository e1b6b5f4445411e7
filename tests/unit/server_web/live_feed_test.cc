#include "server/web/live_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/demo_world.h"

namespace sekisho::web {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(LiveFeed, TellsOpenReadersOnce) {
  demo::DemoWorld world;
  LiveFeed feed(world.desk());
  int woken = 0;
  const auto reader = feed.Open([&woken] { ++woken; });
  world.AddBlockedTransfer();  // an event, its device and an alert
  EXPECT_EQ(woken, 3);
  const std::string told = LiveFeed::Print(reader->Take());
  EXPECT_THAT(told, HasSubstr("event: change\ndata: {"));
  EXPECT_THAT(told, HasSubstr("\"what\":\"alert\""));
  EXPECT_THAT(told, Not(HasSubstr("resync")));
  EXPECT_TRUE(reader->Take().empty());
}

TEST(LiveFeed, SlowReaderIsToldToReadAgain) {
  demo::DemoWorld world;
  LiveFeed feed(world.desk());
  const auto reader = feed.Open([] {});
  for (int i = 0; i < 200; ++i) world.AddBlockedTransfer();
  EXPECT_THAT(LiveFeed::Print(reader->Take()), HasSubstr("event: resync\n"));
  world.AddBlockedTransfer();
  EXPECT_FALSE(reader->Take().lost);
}

TEST(LiveFeed, WakesNobodyAfterStop) {
  demo::DemoWorld world;
  LiveFeed feed(world.desk());
  int woken = 0;
  const auto reader = feed.Open([&woken] { ++woken; });
  feed.Stop();
  world.AddBlockedTransfer();
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(world.subscriber_count(), 0u);
}

}  // namespace
}  // namespace sekisho::web
