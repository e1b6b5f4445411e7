#include "policy/covers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/lint.h"
#include "policy/match.h"
#include "tests/unit/policy/random_policy.h"

namespace sekisho::policy {
namespace {

// Whatever the narrow condition takes, the wide one takes.
TEST(Covers, IsNeverWrongAboutRandomConditions) {
  int covered = 0;
  for (uint64_t seed = 1; seed <= 300; ++seed) {
    RandomWorld world(seed);
    const Policy policy = world.MakePolicy(20);
    const NamedSets sets(policy.sets);
    std::vector<DeviceFacts> devices;
    for (int i = 0; i < 20; ++i) devices.push_back(world.MakeDevice());
    const PersonFacts person = world.MakePerson();
    const TerminalFacts terminal = world.MakeTerminal();
    const WallTime now = world.MakeTime();
    for (const DeviceRule& wide : policy.devices) {
      for (const DeviceRule& narrow : policy.devices) {
        if (&wide == &narrow || !Covers(wide.match, narrow.match)) continue;
        ++covered;
        for (const DeviceFacts& device : devices) {
          const Question question(sets, device, person, terminal, now);
          const Match inner = MatchDevice(narrow.match, question);
          if (inner != Match::kYes) continue;
          ASSERT_NE(MatchDevice(wide.match, question), Match::kNo)
              << "seed " << seed << ": " << wide.id << " over " << narrow.id;
        }
      }
    }
    for (const ContentRule& wide : policy.content) {
      for (const ContentRule& narrow : policy.content) {
        if (&wide == &narrow || !Covers(wide, narrow)) continue;
        for (int i = 0; i < 20; ++i) {
          const ContentFacts content = world.MakeContent();
          if (!MatchContent(narrow.match, content, sets)) continue;
          ASSERT_TRUE(MatchContent(wide.match, content, sets))
              << "seed " << seed << ": " << wide.id << " over " << narrow.id;
        }
      }
    }
  }
  EXPECT_GT(covered, 200);
}

TEST(Covers, FindsARuleThatAnEarlierOneShadows) {
  const auto policy = ParsePolicy(
      "policy: 2\nname: a\nmode: observe\ndevice_default: block\n"
      "content_default: block\ndevices:\n"
      "- { id: vendor, match: { vendor_id: \"09*\" }, access: block }\n"
      "- { id: stick, match: { vendor_id: \"0951\", serial: \"A\" }, access: "
      "full }\n"
      "- { id: night, match: { vendor_id: \"0781\" }, access: full }\n"
      "content:\n"
      "- { id: few, when: { persons: { at_least: 1 } }, verdict: alert }\n"
      "- { id: many, when: { persons: { at_least: 100 } }, verdict: block }\n",
      "p.yaml");
  ASSERT_TRUE(policy) << policy.error().message;
  const auto warnings = Lint(*policy, "p.yaml");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_EQ(Format(warnings[0]),
            "p.yaml:8:1: rule 'stick' is never reached: rule 'vendor' (line 7) "
            "takes all that it could match");
  EXPECT_EQ(warnings[1].line, 12);
}

TEST(Lint, AKeyboardThatIsTakenAtNightIsALockOut) {
  const auto policy = ParsePolicy(
      "policy: 2\nname: a\nmode: enforce\nzone: Asia/Tokyo\n"
      "device_default: full\ncontent_default: block\n"
      "windows: { night: { from: \"22:00\", to: \"06:00\" } }\n"
      "devices: [ { id: night, match: { during: [night] }, access: block } ]\n",
      "p.yaml");
  ASSERT_TRUE(policy) << policy.error().message;
  const auto warnings = Lint(*policy, "p.yaml");
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_THAT(warnings[0].message,
              testing::HasSubstr("a keyboard would be blocked by rule "
                                 "'night'"));
}

TEST(Lint, CountsTheKnownDevicesThatEachRuleDecidesAbout) {
  const auto policy = ParsePolicy(
      "policy: 1\nname: a\nmode: observe\ndevice_default: block\n"
      "content_default: block\ndevices:\n"
      "- { id: vendor, match: { vendor_id: \"0951\" }, access: block }\n"
      "- { id: approved, list: approvals }\n",
      "p.yaml");
  ASSERT_TRUE(policy);
  std::vector<DeviceEntry> rows(4);
  for (DeviceEntry& row : rows) {
    row.list = "approvals";
    row.vendor_id = "0781";
    row.product_id = "5581";
    row.access = Access::kInspect;
  }
  rows[0].serial = "A";
  rows[1].serial = "B";
  rows[2].serial = "C";
  rows[2].vendor_id = "0951";
  rows[3].serial = "*";
  const auto coverage = CountCovered(*policy, rows, WallTime{});
  ASSERT_EQ(coverage.size(), 4U);
  EXPECT_EQ(coverage[0].devices, 1);
  EXPECT_EQ(coverage[1].devices, 2);
  EXPECT_EQ(coverage[2].devices, 0);
  EXPECT_EQ(coverage[3].devices, 1);
}

}  // namespace
}  // namespace sekisho::policy
