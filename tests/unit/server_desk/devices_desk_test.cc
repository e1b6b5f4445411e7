#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

const Caller kSuzuki{"suzuki", Roles::All(), "console", ""};
const Caller kTanaka{"tanaka", Role::kAnalyst, "console", ""};
constexpr char kStick[] = "0411:0282:A07110012345";

LostMark Stolen(std::string note = "from a car") {
  LostMark mark;
  mark.device_id = kStick;
  mark.how = "stolen";
  mark.note = std::move(note);
  return mark;
}

class DevicesDeskTest : public ::testing::Test {
 protected:
  Device Stick() {
    DeviceFilter filter;
    filter.device_id = kStick;
    return world_.desk().ListDevices(kTanaka, filter, {}).value().rows.at(0);
  }
  size_t LostAlerts() {
    AlertFilter filter;
    filter.kind = "lost_device";
    return world_.desk().ListAlerts(kTanaka, filter, {})->rows.size();
  }

  demo::DemoWorld world_;
};

TEST_F(DevicesDeskTest, AStolenStickIsBlockedAndAnAlertWhenItIsSeen) {
  ASSERT_TRUE(world_.desk().MarkLost(kSuzuki, Stolen()));
  EXPECT_EQ(Stick().approved_access, "block");
  ASSERT_TRUE(Stick().lost);
  EXPECT_EQ(Stick().lost->marked_by, "suzuki");
  EXPECT_EQ(LostAlerts(), 0U);
  world_.PlugStick();
  world_.PlugStick();
  // Twice on one terminal is one alert.
  ASSERT_EQ(LostAlerts(), 1U);
  ASSERT_TRUE(world_.desk().ClearLost(kSuzuki, kStick, "it was in a drawer"));
  EXPECT_FALSE(Stick().lost);
  EXPECT_EQ(Stick().approved_access, "");
  world_.PlugStick();
  EXPECT_EQ(LostAlerts(), 1U);
}

TEST_F(DevicesDeskTest, OnlyAnAdminReportsALossAndItIsWrittenDown) {
  EXPECT_EQ(world_.desk().MarkLost(kTanaka, Stolen()).error().code,
            Code::kPermissionDenied);
  EXPECT_FALSE(Stick().lost);
  LostMark wrong = Stolen();
  wrong.how = "borrowed";
  EXPECT_EQ(world_.desk().MarkLost(kSuzuki, wrong).error().code,
            Code::kInvalidArgument);
  EXPECT_TRUE(world_.desk().MarkLost(kSuzuki, Stolen(std::string(200, 'n'))));
  EXPECT_EQ(world_.desk()
                .MarkLost(kSuzuki, Stolen(std::string(201, 'n')))
                .error()
                .code,
            Code::kInvalidArgument);
  const auto audit =
      world_.store().AuditOf(std::string("device ") + kStick).value();
  int denied = 0;
  for (const AuditEntry& entry : audit) {
    denied += entry.action == "device.lost" && entry.user == "tanaka" ? 1 : 0;
  }
  EXPECT_EQ(denied, 1);
}

TEST_F(DevicesDeskTest, WhatWentWithItIsInTheAuditAndAnAlert) {
  const auto contents = world_.desk().GetDeviceContents(kTanaka, kStick);
  ASSERT_TRUE(contents);
  ASSERT_EQ(contents->media.size(), 1U);
  const MediumContents& medium = contents->media[0];
  ASSERT_EQ(medium.files.size(), 1U);
  EXPECT_EQ(medium.persons, 15);
  EXPECT_EQ(medium.files[0].copy->personal_part.person(), "op02 (mori)");
  ASSERT_TRUE(world_.desk().MarkLost(kSuzuki, Stolen()));
  const std::string with =
      "1 files on it as far as known, 1 with personal "
      "data of 15 people";
  AlertFilter filter;
  filter.kind = "device_lost";
  const auto alerts = world_.desk().ListAlerts(kTanaka, filter, {});
  ASSERT_EQ(alerts->rows.size(), 1U);
  EXPECT_EQ(alerts->rows[0].severity, "critical");
  EXPECT_NE(alerts->rows[0].title.find(with), std::string::npos)
      << alerts->rows[0].title;
  EXPECT_EQ(alerts->rows[0].device_id, kStick);
  const auto audit =
      world_.store().AuditOf(std::string("device ") + kStick).value();
  EXPECT_TRUE(std::ranges::any_of(audit, [&](const AuditEntry& entry) {
    return entry.action == "device.lost" &&
           entry.detail.find(with) != std::string::npos;
  }));
  EXPECT_EQ(
      world_.desk().GetDeviceContents(kTanaka, "ffff:ffff:none").error().code,
      Code::kNotFound);
}

TEST_F(DevicesDeskTest, ALossOfWhatWasNeverSeenIsNoEmergency) {
  LostMark mark = Stolen();
  mark.device_id = "abcd:1234:NEVERSEEN";
  ASSERT_TRUE(world_.desk().MarkLost(kSuzuki, mark));
  AlertFilter filter;
  filter.kind = "device_lost";
  const auto alerts = world_.desk().ListAlerts(kTanaka, filter, {});
  ASSERT_EQ(alerts->rows.size(), 1U);
  EXPECT_EQ(alerts->rows[0].severity, "medium");
  EXPECT_NE(alerts->rows[0].title.find("never seen"), std::string::npos);
}

TEST_F(DevicesDeskTest, WhatIsNotLostIsNotFound) {
  EXPECT_EQ(world_.desk().ClearLost(kSuzuki, kStick, "").error().code,
            Code::kNotFound);
  // And its approval stands.
  EXPECT_EQ(Stick().approved_access, "inspect");
}

TEST_F(DevicesDeskTest, SearchIsForTextNotPatterns) {
  const auto found = [&](const std::string& text) {
    DeviceFilter filter;
    filter.text = text;
    return world_.desk().ListDevices(kTanaka, filter, {})->rows.size();
  };
  EXPECT_EQ(found("ruf3"), 1U);
  EXPECT_EQ(found("A0711"), 1U);
  EXPECT_EQ(found("佐藤"), 1U);
  EXPECT_EQ(found("maint-tokyo-02"), 1U);
  EXPECT_EQ(found("%"), 0U);
  EXPECT_EQ(found("_"), 0U);
  EXPECT_EQ(found("' OR 1"), 0U);
}

TEST_F(DevicesDeskTest, FiltersByState) {
  const auto found = [&](DeviceState state) {
    DeviceFilter filter;
    filter.state = state;
    return world_.desk().ListDevices(kTanaka, filter, {})->rows.size();
  };
  const size_t all = world_.desk().ListDevices(kTanaka, {}, {})->rows.size();
  EXPECT_EQ(found(DeviceState::kApproved), 1U);
  EXPECT_EQ(found(DeviceState::kUnapproved), all - 1);
  EXPECT_EQ(found(DeviceState::kLost), 0U);
  EXPECT_EQ(found(DeviceState::kWeak), 2U);
  ASSERT_TRUE(world_.desk().MarkLost(kSuzuki, Stolen()));
  EXPECT_EQ(found(DeviceState::kLost), 1U);
}

TEST_F(DevicesDeskTest, TellsTheLifeOfADevice) {
  world_.AddBlockedTransfer();
  ASSERT_TRUE(world_.desk().RevokeDevice(kSuzuki, kStick));
  const auto story = world_.desk().GetDeviceStory(kTanaka, kStick, "UTC");
  ASSERT_TRUE(story);
  EXPECT_EQ(story->sum.counts.transfers, 2);
  EXPECT_EQ(story->sum.counts.blocked, 1);
  EXPECT_EQ(story->sum.counts.persons_written, 15);
  EXPECT_EQ(story->terminals.size(), 2U);
  EXPECT_EQ(story->terminals.front().value, "maint-osaka-07");  // the last
  EXPECT_EQ(story->persons.size(), 2U);
  EXPECT_EQ(story->decisions.front().action, "device.revoke");
  EXPECT_EQ(story->decisions.back().action, "device.approve");
  int64_t in_weeks = 0;
  for (const SpanCounts& week : story->weeks) in_weeks += week.events;
  EXPECT_EQ(in_weeks, story->sum.events);
  EXPECT_EQ(story->looks.size(), 1U);
  EXPECT_TRUE(story->same_serial.empty());
  EXPECT_EQ(world_.desk()
                .GetDeviceStory(kTanaka, "ffff:ffff:none", "UTC")
                .error()
                .code,
            Code::kNotFound);
}

TEST_F(DevicesDeskTest, WarnsOfAClone) {
  world_.PlugImpostor();
  const auto story = world_.desk().GetDeviceStory(kTanaka, kStick, "UTC");
  ASSERT_TRUE(story);
  ASSERT_EQ(story->looks.size(), 2U);
  EXPECT_NE(story->looks[0].descriptor_hash, story->looks[1].descriptor_hash);
  // Another model with the same serial.
  ASSERT_EQ(story->same_serial.size(), 1U);
  EXPECT_EQ(story->same_serial[0], "0411:0283:A07110012345");
}

}  // namespace
}  // namespace sekisho::core
