#include "policy/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

constexpr std::string_view kSmallest =
    "policy: 1\n"
    "name: office\n"
    "mode: observe\n"
    "device_default: block\n"
    "content_default: allow\n";

std::string With(std::string_view more) {
  return std::string(kSmallest) + std::string(more);
}

std::string Refusal(std::string_view text) {
  const auto policy = ParsePolicy(text, "p.yaml");
  if (policy) return "accepted";
  EXPECT_EQ(policy.error().code, Code::kInvalidArgument);
  return policy.error().message;
}

std::string DeviceRuleText(std::string_view match) {
  return With("devices:\n  - { id: r, access: full, match: { " +
              std::string(match) + " } }\n");
}

TEST(Parser, ReadsTheSmallestPolicy) {
  const auto policy = ParsePolicy(kSmallest, "p.yaml");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->name, "office");
  EXPECT_EQ(policy->mode, Mode::kObserve);
  EXPECT_EQ(policy->when_stale, WhenStale::kKeep);
  EXPECT_EQ(policy->device_default, Access::kBlock);
  EXPECT_EQ(policy->content_default, Verdict::kAllow);
}

TEST(Parser, ReadsEveryKey) {
  const auto policy = ParsePolicy(
      "policy: 1\n"
      "name: all\n"
      "mode: enforce\n"
      "when_stale: stricter\n"
      "devices:\n"
      "  - id: a\n"
      "    match:\n"
      "      bus: usb\n"
      "      vendor_id: 0951\n"
      "      product_id: \"16A?\"\n"
      "      serial: \"A*\"\n"
      "      manufacturer: Kingston\n"
      "      product: \"Data*\"\n"
      "      port: \"1-1.?\"\n"
      "      descriptor_hash: \"ab*\"\n"
      "      filesystem: vfat\n"
      "      volume_uuid: 1234-5678\n"
      "      volume_label: WORK\n"
      "      encryption: luks\n"
      "      medium_serial: \"*\"\n"
      "      size_bytes: { at_least: 1, at_most: 64000000000 }\n"
      "      interfaces_all: [\"08/06/50\", \"03/*/*\"]\n"
      "      interfaces_any: [\"*/*/*\"]\n"
      "      persons: [operator]\n"
      "      origins: [console]\n"
      "      terminals: [\"desk-*\"]\n"
      "    access: read_only\n"
      "    encrypted_only: true\n"
      "    no_exec: false\n"
      "    notify: { en: \"hello\", ja: \"こんにちは\" }\n"
      "  - id: b\n"
      "    list: approvals\n"
      "device_default: inspect\n"
      "content:\n"
      "  - id: c\n"
      "    when:\n"
      "      persons: { at_least: 21 }\n"
      "      bytes: { at_most: 10 }\n"
      "      data: [my_number, \"custom:ward-list\"]\n"
      "      inspection: [partial, none]\n"
      "      reason: [encrypted, \"limit:*\", limit:depth]\n"
      "      format: [csv]\n"
      "    verdict: alert\n"
      "content_default: block\n"
      "contact: { en: \"ask\" }\n",
      "p.yaml");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->mode, Mode::kEnforce);
  EXPECT_EQ(policy->when_stale, WhenStale::kStricter);
  ASSERT_EQ(policy->devices.size(), 2U);
  const DeviceRule& a = policy->devices[0];
  EXPECT_EQ(a.line, 6);
  EXPECT_EQ(a.match.vendor_id, "0951");
  EXPECT_EQ(a.match.product_id, "16a?");
  EXPECT_EQ(a.match.size_bytes->at_most, 64000000000);
  ASSERT_EQ(a.match.interfaces_all.size(), 2U);
  EXPECT_EQ(a.match.interfaces_all[0], (InterfacePattern{0x08, 0x06, 0x50}));
  EXPECT_EQ(a.match.interfaces_all[1],
            (InterfacePattern{0x03, std::nullopt, std::nullopt}));
  EXPECT_EQ(a.access, Access::kReadOnly);
  EXPECT_TRUE(a.encrypted_only);
  EXPECT_FALSE(a.no_exec);
  EXPECT_EQ(a.notify.at("ja"), "こんにちは");
  EXPECT_TRUE(a.match.NeedsMedium());
  EXPECT_EQ(policy->devices[1].list, "approvals");
  EXPECT_TRUE(policy->devices[1].no_exec);
  ASSERT_EQ(policy->content.size(), 1U);
  EXPECT_EQ(policy->content[0].match.persons->at_least, 21);
  EXPECT_EQ(policy->content[0].match.data.size(), 2U);
  EXPECT_EQ(policy->content[0].match.reason.size(), 3U);
  EXPECT_EQ(policy->content[0].verdict, Verdict::kAlert);
  EXPECT_EQ(policy->contact.at("en"), "ask");
}

struct Bad {
  const char* name;
  std::string text;
  const char* message;  // must be part of what is said
};

class ParserRefuses : public testing::TestWithParam<Bad> {};

TEST_P(ParserRefuses, WithPositionAndWhatWasExpected) {
  EXPECT_THAT(Refusal(GetParam().text), HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Policies, ParserRefuses,
    testing::Values(
        Bad{"empty", "", "p.yaml:1:1: expected a policy, found an empty file"},
        Bad{"a_list", "- 1\n", "p.yaml:1:1: expected a policy: a mapping"},
        Bad{"unknown_key", With("contactt: {}\n"),
            "p.yaml:6:1: expected a key of the policy (policy, name, mode, "
            "when_stale, devices, device_default, content, content_default, "
            "contact), found 'contactt' (did you mean 'contact'?)"},
        Bad{"duplicate_key", With("name: again\n"),
            "p.yaml:6:1: expected each key once, found 'name' again"},
        Bad{"bad_mode",
            "policy: 1\nname: a\nmode: enforced\ndevice_default: block\n"
            "content_default: block\n",
            "p.yaml:3:7: expected one of observe, enforce, found 'enforced' "
            "(did you mean 'enforce'?)"},
        Bad{"missing_default",
            "policy: 1\nname: a\nmode: observe\n"
            "content_default: allow\n",
            "p.yaml:1:1: expected 'device_default' in the policy, found none"},
        Bad{"newer_schema", "policy: 3\nnew_key: [x]\n",
            "p.yaml:1:9: expected schema version 2 or older, found version 3"},
        Bad{"newer_key", With("groups: {}\n"),
            "p.yaml:6:1: expected 'policy: 2' above for the key 'groups', "
            "found 'policy: 1'"},
        Bad{"schema_zero", "policy: 0\n", "p.yaml:1:9: expected schema"},
        Bad{"anchor", With("contact: &x { en: a }\n"),
            "p.yaml:6:10: expected a plain value, found the anchor 'x'"},
        Bad{"alias", With("contact: { en: *x }\n"), "found the alias 'x'"},
        Bad{"tag", With("contact: { en: !!str a }\n"), "found the tag"},
        Bad{"directive", "%YAML 1.1\n---\n" + std::string(kSmallest),
            "found a YAML directive"},
        Bad{"two_documents", With("---\na: b\n"), "found a second one"},
        Bad{"syntax", With("contact: { en: \"a\n"), "found a syntax error"},
        Bad{"tab", With("contact:\n\ten: a\n"), "p.yaml:7:1: expected YAML"},
        Bad{"nul", With(std::string("contact: { en: a\0b }\n", 21)),
            "expected YAML"},
        Bad{"bad_utf8", With("contact: { en: \"\xff\" }\n"), "expected YAML"},
        Bad{"deep", With("contact: {a: {a: {a: {a: {a: {a: {a: {a: 1}}}}}}}}"),
            "at most 8 levels of nesting"},
        Bad{"key_is_list", With("? [a]\n: b\n"), "expected a word as key"},
        Bad{"nothing", With("contact:\n"), "found nothing"},
        Bad{"rules_not_list", With("devices: { id: a }\n"),
            "p.yaml:6:10: expected a list of device rules, found a mapping"},
        Bad{"rule_not_mapping", With("devices: [ a ]\n"),
            "p.yaml:6:12: expected a rule"},
        Bad{"rule_without_id",
            With("devices:\n  - { match: {}, access: full }\n"),
            "p.yaml:7:5: expected 'id' in a rule"},
        Bad{"rule_without_match", With("devices: [ { id: a, access: full } ]"),
            "expected 'match' or 'list' in the rule"},
        Bad{"rule_without_access", With("devices: [ { id: a, match: {} } ]"),
            "expected 'access' in the rule"},
        Bad{"list_and_access",
            With("devices: [ { id: a, list: approvals, access: full } ]"),
            "no 'access' beside 'list'"},
        Bad{"bad_access",
            With("devices: [ { id: a, match: {}, access: readonly } ]"),
            "found 'readonly' (did you mean 'read_only'?)"},
        Bad{"duplicate_rule",
            With("devices:\n  - { id: a, match: {}, access: full }\n"
                 "  - { id: a, match: {}, access: full }\n"),
            "p.yaml:8:11: expected each rule id once, found 'a' again"},
        Bad{"duplicate_rule_across",
            With("devices:\n  - { id: a, match: {}, access: full }\n"
                 "content:\n  - { id: a, when: {}, verdict: allow }\n"),
            "p.yaml:9:11: expected each rule id once"},
        Bad{"rule_called_default",
            With("devices: [ { id: default, match: {}, access: full } ]"),
            "expected another id"},
        Bad{"id_with_space",
            With("devices: [ { id: \"a b\", match: {}, access: full } ]"),
            "expected an id of at most 64"},
        Bad{"quoted_flag",
            With("devices: [ { id: a, match: {}, access: full, no_exec: "
                 "\"true\" } ]"),
            "expected true or false, found the quoted text 'true'"},
        Bad{"yes_flag",
            With("devices: [{ id: a, match: {}, access: full, no_exec: yes }]"),
            "expected true or false, found 'yes'"},
        Bad{"unknown_condition", DeviceRuleText("vendor: \"0951\""),
            "found 'vendor' (did you mean 'vendor_id'?)"},
        Bad{"short_vendor", DeviceRuleText("vendor_id: \"951\""),
            "expected 4 hex digits"},
        Bad{"hex_prefix", DeviceRuleText("vendor_id: 0x0951"),
            "expected 4 hex digits"},
        Bad{"vendor_number_list", DeviceRuleText("vendor_id: [1]"),
            "expected 4 hex digits such as \"0951\", or a pattern with '*' or "
            "'?', found a list"},
        Bad{"bad_bus", DeviceRuleText("bus: usbb"), "did you mean 'usb'?"},
        Bad{"bad_encryption", DeviceRuleText("encryption: lux"),
            "did you mean 'luks'?"},
        Bad{"bad_origin", DeviceRuleText("origins: [sssh]"),
            "did you mean 'ssh'?"},
        Bad{"bad_interface", DeviceRuleText("interfaces_all: [\"8/6/50\"]"),
            "expected class/subclass/protocol"},
        Bad{"empty_list", DeviceRuleText("interfaces_all: []"),
            "expected a list of 1 to 1000 entries, found 0"},
        Bad{"not_a_list", DeviceRuleText("persons: me"),
            "expected a list such as"},
        Bad{"range_empty", DeviceRuleText("size_bytes: {}"),
            "expected at_least or at_most"},
        Bad{"range_turned",
            DeviceRuleText("size_bytes: { at_least: 2, at_most: 1 }"),
            "nothing can match"},
        Bad{"range_key", DeviceRuleText("size_bytes: { at_leest: 2 }"),
            "did you mean 'at_least'?"},
        Bad{"negative", DeviceRuleText("size_bytes: { at_least: -1 }"),
            "expected a whole number from 0"},
        Bad{"too_big",
            DeviceRuleText("size_bytes: { at_least: 9223372036854775808 }"),
            "expected a whole number from 0"},
        Bad{"quoted_number", DeviceRuleText("size_bytes: { at_least: \"1\" }"),
            "expected a whole number from 0"},
        Bad{"bad_data",
            With("content: [ { id: a, verdict: block, when: { data: "
                 "[mynumber] } } ]"),
            "did you mean 'my_number'?"},
        Bad{"empty_custom",
            With("content: [ { id: a, verdict: block, when: { data: "
                 "[\"custom:\"] } } ]"),
            "expected a data type"},
        Bad{"bad_inspection",
            With("content: [ { id: a, verdict: block, when: { inspection: "
                 "[nonne] } } ]"),
            "expected one of full, partial, none, found 'nonne'"},
        Bad{"bad_reason",
            With("content: [ { id: a, verdict: block, when: { reason: "
                 "[encrpted] } } ]"),
            "did you mean 'encrypted'?"},
        Bad{"no_when", With("content: [ { id: a, verdict: block } ]"),
            "expected 'when' in the rule"},
        Bad{"bad_language", With("contact: { EN: a }"),
            "expected a language such as en or ja"},
        Bad{"control_characters_are_shown_escaped", With("\"a\\eb\": c\n"),
            "found 'a\\u{1b}b'"}),
    [](const auto& test) { return std::string(test.param.name); });

TEST(Parser, ListsEveryProblemInOrder) {
  const auto policy = ParsePolicyDetailed(
      "policy: 1\n"
      "name: a\n"
      "mode: x\n"
      "when_stale: y\n"
      "device_default: z\n"
      "content_default: w\n",
      "p.yaml");
  ASSERT_FALSE(policy);
  ASSERT_EQ(policy.error().size(), 4U);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(policy.error()[static_cast<size_t>(i)].line, i + 3);
  }
}

TEST(Parser, CountsProblemsBeyondTheFirstHundred) {
  std::string text = With("");
  for (int i = 0; i < 150; ++i) text += "k" + std::to_string(i) + ": 1\n";
  const auto policy = ParsePolicyDetailed(text, "p.yaml");
  ASSERT_FALSE(policy);
  ASSERT_EQ(policy.error().size(), 101U);
  EXPECT_EQ(policy.error().back().message, "50 more problems are not listed");
}

TEST(Parser, TakesATextAtTheSizeCapAndRefusesOneByteMore) {
  std::string text = With("#");
  text.resize(kMaxPolicyBytes, 'x');
  EXPECT_TRUE(ParsePolicy(text, "p.yaml"));
  text += 'x';
  EXPECT_THAT(Refusal(text), HasSubstr("expected at most 1048576 bytes"));
}

TEST(Parser, TakesTheMostRulesAndRefusesOneMore) {
  std::string text = With("devices:\n");
  for (size_t i = 0; i < kMaxRules; ++i) {
    text += "- {id: r" + std::to_string(i) + ", match: {}, access: full}\n";
  }
  const auto policy = ParsePolicy(text, "p.yaml");
  ASSERT_TRUE(policy) << policy.error().message;
  EXPECT_EQ(policy->devices.size(), kMaxRules);
  text += "- {id: one-more, match: {}, access: full}\n";
  EXPECT_THAT(Refusal(text), HasSubstr("expected at most 10000 device rules"));
}

TEST(Parser, RefusesMoreValuesThanTheTreeMayHold) {
  std::string text = With("devices: [");
  for (int i = 0; i < 400'000; ++i) text += "a,";
  EXPECT_THAT(Refusal(text + "a]\n"), HasSubstr("at most 400000 values"));
}

TEST(Parser, TakesTextsAtTheirCapsAndRefusesOneByteMore) {
  const auto with_id = [](size_t size) {
    return With("devices: [ { id: " + std::string(size, 'a') +
                ", match: {}, access: full } ]\n");
  };
  EXPECT_TRUE(ParsePolicy(with_id(64), "p.yaml"));
  EXPECT_FALSE(ParsePolicy(with_id(65), "p.yaml"));
  const auto with_serial = [](size_t size) {
    return DeviceRuleText("serial: " + std::string(size, 'a'));
  };
  EXPECT_TRUE(ParsePolicy(with_serial(256), "p.yaml"));
  EXPECT_FALSE(ParsePolicy(with_serial(257), "p.yaml"));
  const auto with_contact = [](size_t size) {
    return With("contact: { en: " + std::string(size, 'a') + " }\n");
  };
  EXPECT_TRUE(ParsePolicy(with_contact(2000), "p.yaml"));
  EXPECT_FALSE(ParsePolicy(with_contact(2001), "p.yaml"));
}

TEST(Parser, ReadsAFileWithByteOrderMark) {
  EXPECT_TRUE(ParsePolicy("\xef\xbb\xbf" + std::string(kSmallest), "p.yaml"));
}

}  // namespace
}  // namespace sekisho::policy
