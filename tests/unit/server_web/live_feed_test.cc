#include "server/web/live_feed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/server_web/fake_desk.h"

namespace sekisho::web {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(LiveFeed, TellsOpenReadersOnce) {
  FakeDesk desk;
  LiveFeed feed(desk);
  int woken = 0;
  const auto reader = feed.Open([&woken] { ++woken; });
  desk.AddBlockedTransfer();  // an event and an alert
  EXPECT_EQ(woken, 2);
  const std::string told = reader->Take();
  EXPECT_THAT(told, HasSubstr("event: change\ndata: {"));
  EXPECT_THAT(told, HasSubstr("\"what\":\"alert\""));
  EXPECT_THAT(told, Not(HasSubstr("resync")));
  EXPECT_EQ(reader->Take(), "");
}

TEST(LiveFeed, SlowReaderIsToldToReadAgain) {
  FakeDesk desk;
  LiveFeed feed(desk);
  const auto reader = feed.Open([] {});
  for (int i = 0; i < 200; ++i) desk.AddBlockedTransfer();
  EXPECT_THAT(reader->Take(), HasSubstr("event: resync\n"));
  desk.AddBlockedTransfer();
  EXPECT_THAT(reader->Take(), Not(HasSubstr("resync")));
}

TEST(LiveFeed, WakesNobodyAfterStop) {
  FakeDesk desk;
  LiveFeed feed(desk);
  int woken = 0;
  const auto reader = feed.Open([&woken] { ++woken; });
  feed.Stop();
  desk.AddBlockedTransfer();
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(desk.subscriber_count(), 0u);
}

}  // namespace
}  // namespace sekisho::web
