#include "server/core/unlocks.h"

#include <gtest/gtest.h>

namespace sekisho::core {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

const WallTime kNow{seconds(1'800'000'000)};

Caller Who(const std::string& user) {
  return {.user = user, .roles = Roles::All(), .door = "socket", .address = {}};
}

UnlockWish Wish(seconds length = minutes(30),
                const std::string& reason = "disk") {
  return {.agent_id = "a-1", .length = length, .reason = reason};
}

TEST(Unlocks, AnotherPersonAgreesOnce) {
  Unlocks unlocks;
  ASSERT_TRUE(unlocks.Ask(Who("root (tanaka)"), Wish(), kNow));
  unlocks.SetAlert("a-1", 7);
  EXPECT_EQ(unlocks.Confirm(Who("tanaka"), "a-1", kNow).error().code,
            Code::kPermissionDenied);
  EXPECT_EQ(unlocks.Confirm(Who("root"), "a-1", kNow).error().code,
            Code::kPermissionDenied);
  EXPECT_EQ(unlocks.Confirm(Who("suzuki"), "a-2", kNow).error().code,
            Code::kNotFound);
  const auto agreed = unlocks.Confirm(Who("root (suzuki)"), "a-1", kNow);
  ASSERT_TRUE(agreed) << agreed.error().message;
  EXPECT_EQ(agreed->requested_by, "root (tanaka)");
  EXPECT_EQ(agreed->wish.reason, "disk");
  EXPECT_EQ(agreed->alert_id, 7);
  EXPECT_EQ(unlocks.Confirm(Who("suzuki"), "a-1", kNow).error().code,
            Code::kNotFound);
}

TEST(Unlocks, ARequestWaitsAnHour) {
  Unlocks unlocks;
  ASSERT_TRUE(unlocks.Ask(Who("tanaka"), Wish(), kNow));
  EXPECT_FALSE(
      unlocks.Confirm(Who("suzuki"), "a-1", kNow + minutes(60) + seconds(1)));
  ASSERT_TRUE(unlocks.Ask(Who("tanaka"), Wish(), kNow));
  EXPECT_TRUE(unlocks.Confirm(Who("suzuki"), "a-1", kNow + minutes(60)));
}

TEST(Unlocks, TheLastRequestCounts) {
  Unlocks unlocks;
  ASSERT_TRUE(unlocks.Ask(Who("tanaka"), Wish(minutes(30), "one"), kNow));
  ASSERT_TRUE(unlocks.Ask(Who("suzuki"), Wish(minutes(30), "two"), kNow));
  EXPECT_FALSE(unlocks.Confirm(Who("suzuki"), "a-1", kNow));
  EXPECT_EQ(unlocks.Confirm(Who("tanaka"), "a-1", kNow)->wish.reason, "two");
}

TEST(Unlocks, RefusesWhatIsNoRequest) {
  Unlocks unlocks;
  const auto code = [&](const Caller& who, const UnlockWish& wish) {
    const Status asked = unlocks.Ask(who, wish, kNow);
    return asked ? Code::kOk : asked.error().code;
  };
  EXPECT_EQ(code(Who("tanaka"), Wish(seconds(60))), Code::kOk);
  EXPECT_EQ(code(Who("tanaka"), Wish(seconds(59))), Code::kInvalidArgument);
  EXPECT_EQ(code(Who("tanaka"), Wish(seconds(86'400))), Code::kOk);
  EXPECT_EQ(code(Who("tanaka"), Wish(seconds(86'401))), Code::kInvalidArgument);
  EXPECT_EQ(code(Who("tanaka"), Wish(minutes(1), "")), Code::kInvalidArgument);
  EXPECT_EQ(code(Who("tanaka"), Wish(minutes(1), "a\nb")),
            Code::kInvalidArgument);
  EXPECT_EQ(code(Who("root"), Wish()), Code::kPermissionDenied);
}

}  // namespace
}  // namespace sekisho::core
