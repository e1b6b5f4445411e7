#include "policy/evaluator.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/match.h"
#include "policy/parser.h"

namespace sekisho::policy {
namespace {

using std::chrono::hours;
using testing::HasSubstr;

const UsbInterface kStorage{0x08, 0x06, 0x50};
const UsbInterface kKeyboard{0x03, 0x01, 0x01};

const WallTime kNow{std::chrono::seconds(1'763'900'000)};

std::shared_ptr<const Snapshot> Load(std::string_view rules,
                                     std::vector<DeviceEntry> entries = {}) {
  const std::string text =
      "policy: 1\nname: t\nmode: enforce\ndevice_default: block\n"
      "content_default: allow\n" +
      std::string(rules);
  auto policy = ParsePolicy(text, "t.yaml");
  EXPECT_TRUE(policy) << policy.error().message;
  return Snapshot::Make(policy.value_or(Policy{}), std::move(entries), 3);
}

DeviceFacts Stick() {
  DeviceFacts device;
  device.vendor_id = "0951";
  device.product_id = "1666";
  device.serial = "AA00";
  device.interfaces = {kStorage};
  return device;
}

DeviceFacts Probed(DeviceFacts device, MediumFacts medium) {
  device.medium = std::move(medium);
  return device;
}

DeviceEntry Row(std::string serial, Access access) {
  DeviceEntry row;
  row.list = "approvals";
  row.vendor_id = "0951";
  row.product_id = "1666";
  row.serial = std::move(serial);
  row.access = access;
  return row;
}

DeviceDecision Decide(const Snapshot& snapshot, const DeviceFacts& device,
                      const PersonFacts& person = {},
                      std::string terminal = "desk-1", WallTime now = kNow) {
  TerminalFacts facts;
  facts.terminal = std::move(terminal);
  return snapshot.DecideDevice(device, person, facts, now);
}

TEST(Evaluator, BlocksStorageWithoutMatchingRule) {
  const auto decision = Decide(*Load(""), Stick());
  EXPECT_EQ(decision.access, Access::kBlock);
  EXPECT_EQ(decision.rule, "default");
  EXPECT_EQ(decision.rule_line, 0);
  EXPECT_FALSE(decision.needs_probe);
}

TEST(Evaluator, FirstMatchWins) {
  const auto snapshot = Load(
      "devices:\n"
      "  - { id: a, match: { vendor_id: \"0951\" }, access: read_only }\n"
      "  - { id: b, match: { vendor_id: \"0951\", product_id: \"1666\" },"
      " access: full }\n"
      "  - { id: c, match: {}, access: audit }\n");
  EXPECT_EQ(Decide(*snapshot, Stick()).rule, "a");
  EXPECT_EQ(Decide(*snapshot, Stick()).rule_line, 7);
  DeviceFacts other = Stick();
  other.vendor_id = "1111";
  EXPECT_EQ(Decide(*snapshot, other).rule, "c");
}

TEST(Evaluator, KeyboardRuleDoesNotMatchAStickThatIsAlsoAKeyboard) {
  const auto snapshot = Load(
      "devices: [ { id: keyboards, match: { interfaces_all: [\"03/*/*\"] },"
      " access: full } ]\n");
  DeviceFacts keyboard;
  keyboard.interfaces = {kKeyboard};
  EXPECT_EQ(Decide(*snapshot, keyboard).access, Access::kFull);
  keyboard.interfaces = {kKeyboard, kStorage};
  EXPECT_EQ(Decide(*snapshot, keyboard).access, Access::kBlock);
  keyboard.interfaces = {kStorage, kKeyboard};
  EXPECT_EQ(Decide(*snapshot, keyboard).access, Access::kBlock);
  keyboard.interfaces = {};
  EXPECT_EQ(Decide(*snapshot, keyboard).access, Access::kBlock);
}

TEST(Evaluator, AsksTheProbeOnlyWhenTheAnswerHangsOnIt) {
  const auto snapshot = Load(
      "devices:\n"
      "  - { id: printers, match: { interfaces_any: [\"07/*/*\"] },"
      " access: full }\n"
      "  - { id: fat, match: { vendor_id: \"0951\", filesystem: vfat },"
      " access: inspect }\n"
      "  - { id: rest, match: { vendor_id: \"0951\" }, access: read_only }\n");
  const auto asked = Decide(*snapshot, Stick());
  EXPECT_TRUE(asked.needs_probe);
  EXPECT_EQ(asked.access, Access::kBlock);
  EXPECT_EQ(asked.rule, "fat");

  MediumFacts medium;
  medium.filesystem = "vfat";
  auto probed = Decide(*snapshot, Probed(Stick(), medium));
  EXPECT_FALSE(probed.needs_probe);
  EXPECT_EQ(probed.access, Access::kInspect);
  medium.filesystem = "ext4";
  probed = Decide(*snapshot, Probed(Stick(), medium));
  EXPECT_FALSE(probed.needs_probe);
  EXPECT_EQ(probed.rule, "rest");

  DeviceFacts other = Stick();  // the vendor fails: no need to look
  other.vendor_id = "1111";
  EXPECT_FALSE(Decide(*snapshot, other).needs_probe);

  DeviceFacts printer = Stick();  // an earlier rule decides
  printer.interfaces.push_back({0x07, 0x01, 0x02});
  EXPECT_FALSE(Decide(*snapshot, printer).needs_probe);

  DeviceFacts keyboard = Stick();  // holds no medium
  keyboard.interfaces = {kKeyboard};
  EXPECT_FALSE(Decide(*snapshot, keyboard).needs_probe);
  EXPECT_EQ(Decide(*snapshot, keyboard).rule, "rest");

  DeviceFacts card = Stick();  // a block device of another bus does
  card.bus = "mmc";
  card.interfaces = {};
  EXPECT_TRUE(Decide(*snapshot, card).needs_probe);
}

TEST(Evaluator, ListGivesEachRowItsOwnAccess) {
  const auto snapshot =
      Load("devices: [ { id: approved, list: approvals } ]\n",
           {Row("AA00", Access::kInspect), Row("BB11", Access::kReadOnly)});
  EXPECT_EQ(Decide(*snapshot, Stick()).access, Access::kInspect);
  EXPECT_EQ(Decide(*snapshot, Stick()).rule, "approved");
  DeviceFacts other = Stick();
  other.serial = "BB11";
  EXPECT_EQ(Decide(*snapshot, other).access, Access::kReadOnly);
  other.serial = "CC22";
  EXPECT_EQ(Decide(*snapshot, other).rule, "default");
  other.serial = "";
  EXPECT_EQ(Decide(*snapshot, other).rule, "default");
}

TEST(Evaluator, ListRowsCanNameAllSerialsOrAllProducts) {
  DeviceEntry vendor = Row("*", Access::kReadOnly);
  vendor.product_id = "*";
  const auto snapshot =
      Load("devices: [ { id: approved, list: approvals } ]\n",
           {Row("AA00", Access::kBlock), Row("*", Access::kInspect), vendor});
  EXPECT_EQ(Decide(*snapshot, Stick()).access, Access::kBlock);
  EXPECT_EQ(Decide(*snapshot, Stick()).rule, "approved");
  DeviceFacts other = Stick();
  other.serial = "ZZ";
  EXPECT_EQ(Decide(*snapshot, other).access, Access::kInspect);
  other.product_id = "9999";
  EXPECT_EQ(Decide(*snapshot, other).access, Access::kReadOnly);
}

TEST(Evaluator, RowsEndAndHoldOnlyForTheirTerminalAndDescriptors) {
  DeviceEntry row = Row("AA00", Access::kInspect);
  row.expires = kNow + hours(1);
  row.terminal = "desk-1";
  row.descriptor_hash = "ff";
  const auto snapshot =
      Load("devices: [ { id: approved, list: approvals } ]\n", {row});
  DeviceFacts device = Stick();
  EXPECT_EQ(Decide(*snapshot, device).access, Access::kBlock);
  device.descriptor_hash = "ff";
  EXPECT_EQ(Decide(*snapshot, device).access, Access::kInspect);
  EXPECT_EQ(Decide(*snapshot, device, {}, "desk-2").access, Access::kBlock);
  const WallTime end = *row.expires;
  EXPECT_EQ(Decide(*snapshot, device, {}, "desk-1", end).access,
            Access::kBlock);
  EXPECT_EQ(Decide(*snapshot, device, {}, "desk-1",
                   end - std::chrono::microseconds(1))
                .access,
            Access::kInspect);
  EXPECT_EQ(snapshot->NextExpiry(kNow), end);
  EXPECT_EQ(snapshot->NextExpiry(end), std::nullopt);
}

TEST(Evaluator, TheTerminalsOwnRowGoesFirstButABlockBeatsBoth) {
  DeviceEntry here = Row("AA00", Access::kInspect);
  here.terminal = "desk-1";
  std::vector<DeviceEntry> rows{Row("AA00", Access::kReadOnly), here};
  const std::string_view policy =
      "devices: [ { id: approved, list: approvals } ]\n";
  EXPECT_EQ(Decide(*Load(policy, rows), Stick()).access, Access::kInspect);
  EXPECT_EQ(Decide(*Load(policy, rows), Stick(), {}, "desk-2").access,
            Access::kReadOnly);
  rows.push_back(Row("AA00", Access::kBlock));
  EXPECT_EQ(Decide(*Load(policy, rows), Stick()).access, Access::kBlock);
}

TEST(Evaluator, EncryptedOnlyAsksThenRefusesAPlainMedium) {
  const auto snapshot = Load(
      "devices:\n"
      "  - { id: e, match: { vendor_id: \"0951\" }, access: inspect,"
      " encrypted_only: true }\n");
  EXPECT_TRUE(Decide(*snapshot, Stick()).needs_probe);
  for (const char* state : {"none", "unknown", ""}) {
    MediumFacts medium;
    medium.encryption = state;
    const auto decision = Decide(*snapshot, Probed(Stick(), medium));
    EXPECT_EQ(decision.access, Access::kBlock) << state;
    EXPECT_EQ(decision.rule, "e");
    EXPECT_THAT(decision.reason, HasSubstr("encrypted"));
  }
  for (const char* state : {"luks", "bitlocker"}) {
    MediumFacts medium;
    medium.encryption = state;
    const auto decision = Decide(*snapshot, Probed(Stick(), medium));
    EXPECT_EQ(decision.access, Access::kInspect) << state;
    EXPECT_TRUE(decision.encrypted_only);
  }
  DeviceFacts phone = Stick();
  phone.interfaces = {{0x06, 0x01, 0x01}};
  EXPECT_FALSE(Decide(*snapshot, phone).needs_probe);
  EXPECT_EQ(Decide(*snapshot, phone).access, Access::kBlock);
}

TEST(Evaluator, AnUnknownPersonIsTheWordUnknown) {
  const auto snapshot = Load(
      "devices:\n"
      "  - { id: u, match: { persons: [unknown] }, access: block }\n"
      "  - { id: o, match: { persons: [\"op*\"], origins: [console] },"
      " access: full }\n");
  EXPECT_EQ(Decide(*snapshot, Stick()).rule, "u");
  PersonFacts person;
  person.person = "operator";
  EXPECT_EQ(Decide(*snapshot, Stick(), person).rule, "default");
  person.origin = "console";
  EXPECT_EQ(Decide(*snapshot, Stick(), person).rule, "o");
}

TEST(Evaluator, ContentIsJudgedByTheFirstRule) {
  const auto snapshot = Load(
      "content:\n"
      "  - { id: n, when: { data: [my_number] }, verdict: block }\n"
      "  - { id: p, when: { persons: { at_least: 21 } }, verdict: block }\n"
      "  - { id: u, when: { inspection: [partial, none],"
      " reason: [\"limit:*\"] }, verdict: alert }\n");
  ContentFacts content;
  content.inspection = Inspection::kFull;
  content.persons = 20;
  EXPECT_EQ(snapshot->DecideContent(content).rule, "default");
  EXPECT_EQ(snapshot->DecideContent(content).verdict, Verdict::kAllow);
  content.persons = 21;
  EXPECT_EQ(snapshot->DecideContent(content).rule, "p");
  EXPECT_EQ(snapshot->DecideContent(content).rule_line, 8);
  content.data["my_number"] = 0;
  EXPECT_EQ(snapshot->DecideContent(content).rule, "p");
  content.data["my_number"] = 1;
  EXPECT_EQ(snapshot->DecideContent(content).rule, "n");
  content = {};
  content.reason = "limit:depth";
  EXPECT_EQ(snapshot->DecideContent(content).verdict, Verdict::kAlert);
  content.reason = "encrypted";
  EXPECT_EQ(snapshot->DecideContent(content).rule, "default");
}

TEST(Evaluator, BlocksWhatAScanCannotHaveFound) {
  const auto snapshot = Load("");
  ContentFacts content;
  content.persons = -1;
  EXPECT_EQ(snapshot->DecideContent(content).verdict, Verdict::kBlock);
  content.persons = 0;
  content.inspection = static_cast<Inspection>(9);
  EXPECT_EQ(snapshot->DecideContent(content).verdict, Verdict::kBlock);
}

TEST(Evaluator, ExplainsEachRuleUpToTheOneThatDecided) {
  const auto snapshot = Load(
      "devices:\n"
      "  - { id: a, match: { vendor_id: \"1111\" }, access: full }\n"
      "  - { id: b, list: approvals }\n"
      "  - { id: c, match: { bus: usb }, access: read_only }\n"
      "  - { id: d, match: {}, access: full }\n");
  const auto steps = snapshot->Explain(Stick(), {}, {}, kNow);
  ASSERT_EQ(steps.size(), 3U);
  EXPECT_EQ(steps[0].why, "vendor_id is '0951', not '1111'");
  EXPECT_THAT(steps[1].why, HasSubstr("no row of list 'approvals'"));
  EXPECT_TRUE(steps[2].matched);
  EXPECT_EQ(steps[2].line, 9);
  const auto none = Load("")->Explain(Stick(), {}, {}, kNow);
  ASSERT_EQ(none.size(), 1U);
  EXPECT_EQ(none[0].rule, "default");
}

TEST(Evaluator, StaleAndStricterLetsNothingBeWritten) {
  DeviceDecision decision;
  decision.access = Access::kInspect;
  EXPECT_EQ(StricterWhenStale(decision, Stick()).access, Access::kReadOnly);
  decision.access = Access::kBlock;
  EXPECT_EQ(StricterWhenStale(decision, Stick()).access, Access::kBlock);
  decision.access = Access::kFull;
  DeviceFacts keyboard;
  keyboard.interfaces = {kKeyboard};
  EXPECT_EQ(StricterWhenStale(decision, keyboard).access, Access::kFull);
  keyboard.interfaces = {{0x06, 0x01, 0x01}};
  EXPECT_EQ(StricterWhenStale(decision, keyboard).access, Access::kReadOnly);
}

struct PatternCase {
  const char* pattern;
  const char* text;
  bool matches;
};

class Pattern : public testing::TestWithParam<PatternCase> {};

TEST_P(Pattern, Matches) {
  EXPECT_EQ(MatchesPattern(GetParam().pattern, GetParam().text),
            GetParam().matches)
      << GetParam().pattern << " / " << GetParam().text;
}

INSTANTIATE_TEST_SUITE_P(
    Cases, Pattern,
    testing::Values(
        PatternCase{"", "", true}, PatternCase{"", "a", false},
        PatternCase{"*", "", true}, PatternCase{"?*", "", false},
        PatternCase{"a*c", "abc", true}, PatternCase{"a*c", "abcd", false},
        PatternCase{"*ab*ab", "abxabab", true}, PatternCase{"a?c", "abc", true},
        PatternCase{"A", "a", false}, PatternCase{"?", "\xe5\xb1\xb1", true},
        PatternCase{"??", "\xe5\xb1\xb1", false},
        PatternCase{"*b",
                    "\xff\x80"
                    "b",
                    true},
        PatternCase{"**a**", "bab", true}));

}  // namespace
}  // namespace sekisho::policy
