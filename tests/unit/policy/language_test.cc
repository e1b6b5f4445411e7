// What version 2 of the language added: sets, situations, totals, includes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/evaluator.h"
#include "policy/field_reader.h"
#include "policy/parser.h"
#include "policy/samples_key.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

using testing::HasSubstr;

constexpr char kHead[] =
    "policy: 2\nname: a\nmode: enforce\ndevice_default: block\n"
    "content_default: allow\n";

Policy Read(const std::string& text) {
  auto policy = ParsePolicy(text, "p.yaml");
  EXPECT_TRUE(policy) << policy.error().message;
  return policy.value_or(Policy{});
}

std::string Refused(const std::string& more) {
  const auto policy = ParsePolicy(kHead + more, "p.yaml");
  return policy ? "accepted" : policy.error().message;
}

TEST(Language, NamesOfSetsMustStandInThePolicy) {
  EXPECT_THAT(
      Refused("groups: { persons: { staff: [a] } }\ndevices: [ { id: a, match: "
              "{ person_groups: [stuff] }, access: full } ]\n"),
      HasSubstr("p.yaml:7:46: expected the name of a group of persons of this "
                "policy (staff), found 'stuff' (did you mean 'staff'?)"));
  EXPECT_THAT(Refused("windows: { w: { zone: UTC, except: [x] } }\n"),
              HasSubstr("set of holidays of this policy (there is none)"));
  EXPECT_THAT(Refused("groups: { devices: { a: { device_groups: [a] } } }\n"),
              HasSubstr("(there is none), found 'a'"));
}

TEST(Language, TypesOfItsOwnAreReadAndNamed) {
  const Policy policy = Read(std::string(kHead) +
                             "types:\n"
                             "  ward:\n"
                             "    pattern: \"W[0-9]{6}\"\n"
                             "    headers: [病棟番号, \"ward no\"]\n"
                             "    check: luhn\n"
                             "    values: [W123456]\n"
                             "content:\n"
                             "  - id: a\n"
                             "    when: { data: [\"custom:ward\"] }\n"
                             "    verdict: block\n");
  ASSERT_EQ(policy.sets.types.size(), 1U);
  EXPECT_EQ(policy.sets.types[0], (CustomType{"ward",
                                              "W[0-9]{6}",
                                              {"病棟番号", "ward no"},
                                              TypeCheck::kLuhn,
                                              {"W123456"}}));
  EXPECT_TRUE(NeedsVersion2(policy));
  const auto snapshot = Snapshot::Make(policy, {}, 1);
  ContentFacts content;
  content.inspection = Inspection::kFull;
  EXPECT_EQ(snapshot->DecideContent(content).verdict, Verdict::kAllow);
  content.data["custom:ward"] = 1;
  EXPECT_EQ(snapshot->DecideContent(content).verdict, Verdict::kBlock);
}

// The generator of P-256 and its checksum.
constexpr std::string_view kSamplesKey =
    "sekisho-p256:BGsX0fLhLEJH+Lzm5WOkQPJ3A32BLeszoPShOUXYmMKWT+N"
    "C4v4af5uO5+tKfA+eFivOM1drMV7Oy7ZAaDe/UfVpi+pj";

TEST(Language, SamplesNameTheKeyOfTheAnalysts) {
  const std::string text = std::string(kHead) + "samples: { key: \"" +
                           std::string(kSamplesKey) + "\" }\n";
  const Policy policy = Read(text);
  EXPECT_EQ(policy.samples_key, kSamplesKey);
  EXPECT_TRUE(NeedsVersion2(policy));
  EXPECT_EQ(Read(PrintPolicy(policy)), policy);
  const auto point = ParseSamplesKey(kSamplesKey);
  ASSERT_TRUE(point);
  EXPECT_EQ(PrintSamplesKey(*point), kSamplesKey);
}

TEST(Language, AKeyWithASlipInItIsRefused) {
  for (size_t i = 0; i < kSamplesKey.size(); ++i) {
    std::string other(kSamplesKey);
    other[i] = other[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(ParseSamplesKey(other)) << i;
  }
  EXPECT_FALSE(ParseSamplesKey(kSamplesKey.substr(0, kSamplesKey.size() - 1)));
  EXPECT_FALSE(ParseSamplesKey(std::string(kSamplesKey) + "AAAA"));
  EXPECT_THAT(
      Refused("samples: { key: abc }\n"),
      HasSubstr("p.yaml:6:17: expected a public key as 'sekisho samples "
                "key' prints it"));
  EXPECT_THAT(Refused("samples: {}\n"), HasSubstr("key"));
  EXPECT_THAT(Refused("samples: { kye: a }\n"), HasSubstr("'key'"));
}

TEST(Language, LandingsSayWhereAndHowMany) {
  const auto policy = ParsePolicy(
      "policy: 2\nname: p\nmode: observe\ndevice_default: audit\n"
      "content_default: allow\nlandings:\n  folders: [/home/, \"/tmp\"]\n"
      "  lies_for: 30d\n",
      "p.yaml");
  ASSERT_TRUE(policy) << policy.error().message;
  ASSERT_TRUE(policy->landings);
  EXPECT_EQ(policy->landings->persons, 100);
  EXPECT_EQ(policy->landings->folders,
            (std::vector<std::string>{"/home", "/tmp"}));
  EXPECT_EQ(policy->landings->lies_for_hours, 720);
  EXPECT_TRUE(NeedsVersion2(*policy));

  const auto landings = [](const std::string& text) {
    return Refused("landings: { " + text + " }\n");
  };
  EXPECT_EQ(landings("folders: [/]"), "accepted");
  EXPECT_EQ(landings("persons: 1, folders: [/srv/a b]"), "accepted");
  EXPECT_THAT(landings(""), HasSubstr("folders"));
  EXPECT_THAT(landings("folders: []"), HasSubstr("list of 1 to 64"));
  for (const char* folder :
       {"home", "/home/../etc", "/home/./a", "//home", ""}) {
    EXPECT_THAT(landings("folders: [\"" + std::string(folder) + "\"]"),
                HasSubstr("the full path of a folder"))
        << folder;
  }
  EXPECT_THAT(landings("persons: 0, folders: [/a]"), HasSubstr("from 1 on"));
  EXPECT_THAT(landings("folders: [/a], lies_for: 0d"),
              HasSubstr("such as 30d"));
  EXPECT_THAT(landings("folders: [/a], lies_for: 401d"),
              HasSubstr("such as 30d"));
  EXPECT_THAT(landings("folders: [/a], lies: 1d"), HasSubstr("lies_for"));
}

TEST(Language, TypesThatFindNothingAreRefused) {
  const auto type = [](const std::string& text) {
    return Refused("types: { t: { " + text + " } }\n");
  };
  EXPECT_EQ(type("headers: [a]"), "accepted");
  EXPECT_THAT(type(""), HasSubstr("p.yaml:6:13: expected one of pattern"));
  EXPECT_THAT(type("check: none"), HasSubstr("nothing to know it by"));
  EXPECT_THAT(type("pattern: \"W(\""),
              HasSubstr("p.yaml:6:24: expected a pattern in the syntax of RE2 "
                        "such as \"W[0-9]{6}\" (missing ): W(), found the "
                        "quoted text 'W('"));
  EXPECT_THAT(type("pattern: \"\""), HasSubstr("expected a pattern"));
  EXPECT_THAT(type("check: mod10"), HasSubstr("did you mean 'mod11'?"));
  EXPECT_THAT(type("headers: [\"\"]"), HasSubstr("words of the header"));
  EXPECT_THAT(type("patern: a"), HasSubstr("did you mean 'pattern'?"));
  EXPECT_THAT(Refused("types: { ward: { check: luhn } }\ncontent: [ { id: a, "
                      "when: { data: [\"custom:wards\"] }, verdict: block } "
                      "]\n"),
              HasSubstr("p.yaml:7:36: expected the name of a type of this "
                        "policy (ward), found 'custom:wards' (did you mean "
                        "'ward'?)"));
}

TEST(Language, TypesStayWithinTheirLimits) {
  const auto types = [](size_t count) {
    std::string text = "types:\n";
    for (size_t i = 0; i < count; ++i) {
      text += "  t" + std::to_string(i) + ": { check: luhn }\n";
    }
    return Refused(text);
  };
  EXPECT_EQ(types(kMaxCustomTypes), "accepted");
  EXPECT_THAT(types(kMaxCustomTypes + 1), HasSubstr("at most 64 names"));
  const auto pattern = [](const std::string& text) {
    return Refused("types: { t: { pattern: \"" + text + "\" } }\n");
  };
  EXPECT_EQ(pattern(std::string(kMaxTypePatternBytes, 'a')), "accepted");
  EXPECT_THAT(pattern(std::string(kMaxTypePatternBytes + 1, 'a')),
              HasSubstr("at most 1024 bytes"));
  // Short, and needs more memory than a pattern may have.
  EXPECT_THAT(pattern("(\\\\pL{100}){10}"), HasSubstr("pattern too large"));
  const auto values = [](size_t count, size_t bytes) {
    std::string text = "types: { t: { values: [";
    for (size_t i = 0; i < count; ++i) text += std::string(bytes, 'v') + ", ";
    return Refused(text + "w] } }\n");
  };
  EXPECT_EQ(values(kMaxTypeValues - 1, 3), "accepted");
  EXPECT_THAT(values(kMaxTypeValues, 3), HasSubstr("10001"));
  EXPECT_EQ(values(1, kMaxTypeValueBytes), "accepted");
  EXPECT_THAT(values(1, kMaxTypeValueBytes + 1),
              HasSubstr("at most 256 bytes"));
}

TEST(Language, WindowsThatAreNoneAreRefused) {
  const auto window = [](const std::string& text) {
    return Refused("windows: { w: { " + text + " } }\n");
  };
  EXPECT_THAT(window("from: \"09:00\""), HasSubstr("expected 'zone' in"));
  EXPECT_THAT(window("zone: Asia/Tokio"), HasSubstr("a time zone such as"));
  EXPECT_THAT(window("zone: UTC, from: \"9:00\""), HasSubstr("a time of day"));
  EXPECT_THAT(window("zone: UTC, from: \"09:00\", to: \"09:00\""),
              HasSubstr("with time between"));
  EXPECT_THAT(window("zone: UTC, from: \"24:00\", to: \"09:00\""),
              HasSubstr("with time between"));
  EXPECT_THAT(window("zone: UTC, days: [monday]"), HasSubstr("one of mon"));
  EXPECT_THAT(Refused("holidays: { h: [\"2026-02-30\"] }\n"),
              HasSubstr("expected a date such as"));
  EXPECT_THAT(Refused("holidays: { h: [\"2027-01-03..2026-12-29\"] }\n"),
              HasSubstr("expected a date such as"));
}

TEST(Language, TotalsAreReadStrictly) {
  const auto total = [](const std::string& text) {
    return Refused("content: [ { id: a, verdict: block, when: { totals: [ { " +
                   text + " } ] } } ]\n");
  };
  EXPECT_EQ(total("of: persons, by: person, over: 24h, at_least: 1"),
            "accepted");
  EXPECT_THAT(total("of: people, by: person, over: 24h, at_least: 1"),
              HasSubstr("one of persons, bytes, files"));
  EXPECT_THAT(total("of: files, by: person, over: 401d, at_least: 1"),
              HasSubstr("at most 400d"));
  EXPECT_THAT(total("of: files, by: person, over: 0h, at_least: 1"),
              HasSubstr("hours or days"));
  EXPECT_THAT(total("of: files, by: person, over: 24h"),
              HasSubstr("expected 'at_least'"));
}

TEST(Language, ATotalThatNobodySummedIsTheFileAlone) {
  const auto snapshot = Snapshot::Make(
      Read(std::string(kHead) +
           "content: [ { id: day, verdict: block, when: { totals: [ { of: "
           "persons, by: person, over: 24h, at_least: 21 } ] } } ]\n"),
      {}, 1);
  ASSERT_EQ(snapshot->totals().size(), 1U);
  ContentFacts content;
  content.inspection = Inspection::kFull;
  content.persons = 20;
  EXPECT_EQ(snapshot->DecideContent(content).rule, "default");
  content.persons = 21;
  EXPECT_EQ(snapshot->DecideContent(content).rule, "day");
  content.persons = 1;
  content.totals[snapshot->totals()[0]] = 21;
  EXPECT_EQ(snapshot->DecideContent(content).rule, "day");
}

TEST(Language, AContentRuleAsksForPersonTerminalAndMedium) {
  const auto snapshot = Snapshot::Make(
      Read(
          std::string(kHead) +
          "groups: { persons: { guests: { any: [\"*\"], not: [taro] } } }\n"
          "content:\n"
          "  - { id: a, when: {}, match: { person_groups: [guests] }, verdict: "
          "block }\n"
          "  - { id: b, when: {}, match: { encryption: none }, verdict: alert "
          "}\n"),
      {}, 1);
  DeviceFacts stick;
  stick.interfaces = {{8, 6, 0x50}};
  PersonFacts taro;
  taro.person = "taro";
  const auto rule = [&](const DeviceFacts& device, const PersonFacts& person) {
    return snapshot->DecideContent({}, device, person, {}, {}).rule;
  };
  EXPECT_EQ(rule(stick, {}), "a");  // "unknown" is a guest
  EXPECT_EQ(rule(stick, taro), "default");
  stick.medium.emplace().encryption = "none";
  EXPECT_EQ(rule(stick, taro), "b");
}

// What nobody looked at is taken for true by a rule that blocks only.
TEST(Language, AnUnseenMediumBlocksWhereTheRuleBlocks) {
  const auto snapshot = Snapshot::Make(
      Read(std::string(kHead) +
           "content: [ { id: a, when: {}, match: { encryption: none }, "
           "verdict: block } ]\n"),
      {}, 1);
  DeviceFacts stick;
  stick.interfaces = {{8, 6, 0x50}};
  EXPECT_EQ(snapshot->DecideContent({}, stick, {}, {}, {}).rule, "a");
}

TEST(Language, AnIncludedPackComesAfterOwnRulesAndGivesWayToThem) {
  const Policy policy = Read(
      "policy: 2\nname: ours\ninclude: pack:appi\ncontent_default: alert\n"
      "devices: [ { id: headsets, match: { interfaces_all: [\"01/*/*\"] }, "
      "access: block } ]\n");
  EXPECT_EQ(policy.name, "ours");
  EXPECT_EQ(policy.mode, Mode::kEnforce);
  EXPECT_EQ(policy.content_default, Verdict::kAlert);
  ASSERT_GE(policy.devices.size(), 2U);
  EXPECT_EQ(policy.devices[0].id, "headsets");
  EXPECT_EQ(policy.devices[0].access, Access::kBlock);
  int headsets = 0;
  for (const DeviceRule& rule : policy.devices) {
    headsets += rule.id == "headsets" ? 1 : 0;
    if (rule.id == "headsets") continue;
    EXPECT_EQ(rule.line, 0) << rule.id;
  }
  EXPECT_EQ(headsets, 1);
  EXPECT_FALSE(policy.content.empty());
  EXPECT_FALSE(policy.contact.empty());
  // Printed whole, it stands without the pack.
  EXPECT_EQ(PrintPolicy(Read(PrintPolicy(policy))), PrintPolicy(policy));
  EXPECT_THAT(Refused("include: pack:appy\n"), HasSubstr("expected a pack"));
  EXPECT_THAT(Refused("include: [appi]\n"), HasSubstr("expected a pack"));
}

TEST(Language, OnlineAndOfflineAreConditions) {
  const auto snapshot = Snapshot::Make(
      Read(std::string(kHead) +
           "devices: [ { id: a, match: { online: true }, access: full } ]\n"),
      {}, 1);
  TerminalFacts terminal;
  EXPECT_EQ(snapshot->DecideDevice({}, {}, terminal, {}).access, Access::kFull);
  terminal.online = false;
  EXPECT_EQ(snapshot->DecideDevice({}, {}, terminal, {}).access,
            Access::kBlock);
  const auto steps = snapshot->Explain({}, {}, terminal, {});
  EXPECT_EQ(steps.at(0).why, "the terminal is offline");
}

TEST(Language, WordsPrintAndReadBack) {
  for (const char* text : {"2026-12-29", "2026-12-29..2027-01-03", "02-29"}) {
    const auto span = ParseDateSpan(text);
    ASSERT_TRUE(span) << text;
    EXPECT_EQ(PrintDateSpan(*span), text);
  }
  for (const char* text :
       {"2026-12", "02-30", "12-29..01-03", "2026-12-29...2027-01-03",
        "2026-12-29..", "2026/12/29"}) {
    EXPECT_FALSE(ParseDateSpan(text)) << text;
  }
  EXPECT_EQ(ParseTimeOfDay("24:00"), 1440);
  EXPECT_FALSE(ParseTimeOfDay("24:01"));
  EXPECT_FALSE(ParseTimeOfDay("09:60"));
  EXPECT_EQ(ParseHours("400d"), kMaxTotalHours);
  EXPECT_EQ(PrintHours(36), "36h");
}

}  // namespace
}  // namespace sekisho::policy
