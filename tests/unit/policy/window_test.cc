#include "policy/window.h"

#include <gtest/gtest.h>

#include <random>

#include "policy/evaluator.h"
#include "policy/parser.h"

namespace sekisho::policy {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::sys_days;
using std::chrono::year;

std::shared_ptr<const Snapshot> Load(const std::string& text) {
  auto policy = ParsePolicy(text, "p.yaml");
  EXPECT_TRUE(policy) << policy.error().message;
  return Snapshot::Make(policy.value_or(Policy{}), {}, 1);
}

OpenTimes TheWindow(const std::string& window) {
  const auto policy = ParsePolicy(
      "policy: 2\nname: a\nmode: enforce\ndevice_default: block\n"
      "content_default: block\nholidays: { feast: [\"11-03\", "
      "\"2026-12-29..2027-01-03\"] }\nwindows: { w: " +
          window + " }\n",
      "p.yaml");
  EXPECT_TRUE(policy) << policy.error().message;
  return OpenTimes(policy->sets.windows.at(0), policy->sets.holidays);
}

// 2026-11-02 is a Monday. Tokyo is nine hours ahead, all year.
WallTime Tokyo(int month, int day, int hour, int minute = 0) {
  return sys_days(year(2026) / month / day) + hours(hour - 9) + minutes(minute);
}

TEST(Window, OpensAndClosesByTheClockOfItsZone) {
  const auto office = TheWindow(
      "{ zone: Asia/Tokyo, days: [mon, tue, wed, thu, fri], from: \"09:00\", "
      "to: \"18:00\" }");
  EXPECT_FALSE(office.IsOpenAt(Tokyo(11, 2, 8, 59)));
  EXPECT_TRUE(office.IsOpenAt(Tokyo(11, 2, 9)));
  EXPECT_TRUE(office.IsOpenAt(Tokyo(11, 2, 17, 59)));
  EXPECT_FALSE(office.IsOpenAt(Tokyo(11, 2, 18)));
  EXPECT_FALSE(office.IsOpenAt(Tokyo(11, 7, 12)));  // Saturday
  EXPECT_EQ(office.NextChange(Tokyo(11, 2, 9)), Tokyo(11, 2, 18));
  EXPECT_EQ(office.NextChange(Tokyo(11, 6, 18)), Tokyo(11, 9, 9));
}

TEST(Window, ANightBelongsToTheDayOnWhichItBegins) {
  const auto night = TheWindow(
      "{ zone: Asia/Tokyo, days: [fri], from: \"22:00\", to: \"06:00\" }");
  EXPECT_TRUE(night.IsOpenAt(Tokyo(11, 6, 22)));
  EXPECT_TRUE(night.IsOpenAt(Tokyo(11, 7, 5, 59)));
  EXPECT_FALSE(night.IsOpenAt(Tokyo(11, 7, 6)));
  EXPECT_FALSE(night.IsOpenAt(Tokyo(11, 6, 5)));   // Friday morning
  EXPECT_FALSE(night.IsOpenAt(Tokyo(11, 7, 22)));  // Saturday
}

TEST(Window, DoesNotBeginOnHolidaysOrOnlyThen) {
  const auto office = TheWindow(
      "{ zone: Asia/Tokyo, from: \"09:00\", to: \"18:00\", except: [feast] }");
  EXPECT_TRUE(office.IsOpenAt(Tokyo(11, 2, 12)));
  EXPECT_FALSE(office.IsOpenAt(Tokyo(11, 3, 12)));
  EXPECT_FALSE(office.IsOpenAt(Tokyo(12, 31, 12)));
  const auto feast = TheWindow("{ zone: Asia/Tokyo, only_on: [feast] }");
  EXPECT_FALSE(feast.IsOpenAt(Tokyo(11, 2, 23, 59)));
  EXPECT_TRUE(feast.IsOpenAt(Tokyo(11, 3, 0)));
  EXPECT_TRUE(feast.IsOpenAt(Tokyo(11, 3, 23, 59)));
  EXPECT_FALSE(feast.IsOpenAt(Tokyo(11, 4, 0)));
}

TEST(Window, NothingChangesBeforeNextChange) {
  std::mt19937_64 random(3);
  for (const char* text :
       {"{ zone: Europe/Berlin, from: \"01:30\", to: \"02:30\" }",
        "{ zone: America/New_York, from: \"23:00\", to: \"02:30\" }",
        "{ zone: Australia/Lord_Howe, days: [sun], from: \"01:45\", to: "
        "\"24:00\" }",
        "{ zone: Asia/Tokyo, days: [mon, thu], from: \"22:00\", to: "
        "\"21:00\", except: [feast] }"}) {
    const OpenTimes window = TheWindow(text);
    for (int i = 0; i < 300; ++i) {
      const WallTime now = sys_days(year(2026) / 1 / 1) +
                           minutes(static_cast<int>(random() % 525'600U));
      const auto next = window.NextChange(now);
      ASSERT_TRUE(next);
      ASSERT_GT(*next, now);
      const bool open = window.IsOpenAt(now);
      for (WallTime t = now; t < *next; t += minutes(15)) {
        ASSERT_EQ(window.IsOpenAt(t), open) << text << " " << FormatUtc(t);
      }
    }
  }
}

TEST(Window, ASnapshotAsksToBeAskedAgainWhenAWindowChanges) {
  const auto snapshot = Load(
      "policy: 2\nname: a\nmode: enforce\nzone: Asia/Tokyo\n"
      "device_default: block\ncontent_default: block\n"
      "windows: { office: { from: \"09:00\", to: \"18:00\" } }\n"
      "devices: [ { id: a, match: { during: [office] }, access: full } ]\n");
  const auto access = [&](WallTime now) {
    return snapshot->DecideDevice({}, {}, {}, now).access;
  };
  EXPECT_EQ(access(Tokyo(11, 2, 17)), Access::kFull);
  const auto next = snapshot->NextChange(Tokyo(11, 2, 17));
  ASSERT_EQ(next, Tokyo(11, 2, 18));
  EXPECT_EQ(access(*next), Access::kBlock);
}

}  // namespace
}  // namespace sekisho::policy
