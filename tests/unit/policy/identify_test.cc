// Shared accounts and jobs: what the language takes, and what becomes of a copy
// by somebody who has not said who he is.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/evaluator.h"
#include "policy/parser.h"
#include "policy/words.h"

namespace sekisho::policy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr char kHead[] =
    "policy: 2\nname: a\nmode: enforce\ndevice_default: block\n"
    "content_default: allow\n";

Policy Read(const std::string& more) {
  auto policy = ParsePolicy(kHead + more, "p.yaml");
  EXPECT_TRUE(policy) << policy.error().message;
  return policy.value_or(Policy{});
}

std::string Refused(const std::string& more) {
  const auto policy = ParsePolicy(kHead + more, "p.yaml");
  return policy ? "accepted" : policy.error().message;
}

TEST(Identify, IsReadAndPrinted) {
  const Policy policy = Read(
      "identify: { accounts: [maint, root], proof: [totp, pin, totp] }\n"
      "jobs: [{ unit: a@b.service, owner: yamada }]\n");
  ASSERT_TRUE(policy.identify);
  EXPECT_THAT(policy.identify->accounts, ElementsAre("maint", "root"));
  EXPECT_THAT(policy.identify->proof, ElementsAre(Proof::kTotp, Proof::kPin));
  EXPECT_EQ(policy.identify->lasts_hours, 8);
  EXPECT_THAT(policy.jobs, ElementsAre(Job{"a@b.service", "yamada"}));
  EXPECT_TRUE(NeedsVersion2(policy));
  const auto again = ParsePolicy(PrintPolicy(policy), "again");
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(*again, policy);
  EXPECT_THAT(
      ParsePolicy("policy: 1\nname: a\nmode: enforce\ndevice_default: block\n"
                  "content_default: allow\n"
                  "identify: { accounts: [a], proof: [pin] }\n",
                  "p")
          .error()
          .message,
      HasSubstr("identify"));
}

TEST(Identify, WhatIsWrongHasItsPlaceAndItsFix) {
  const auto identify = [](const std::string& text) {
    return Refused("identify: { " + text + " }\n");
  };
  EXPECT_EQ(identify("accounts: [a], proof: [pin], lasts: 7d"), "accepted");
  EXPECT_THAT(identify("proof: [pin]"), HasSubstr("accounts"));
  EXPECT_THAT(identify("accounts: [a]"), HasSubstr("proof"));
  EXPECT_THAT(identify("accounts: [], proof: [pin]"),
              HasSubstr("list of 1 to 64"));
  EXPECT_THAT(identify("accounts: [\"ma*\"], proof: [pin]"),
              HasSubstr("p.yaml:6:24: expected the name of an account such as "
                        "maint, whole, found the quoted text 'ma*'"));
  EXPECT_THAT(identify("accounts: [a, a], proof: [pin]"),
              HasSubstr("each account once"));
  EXPECT_THAT(identify("accounts: [a], proof: [pim]"),
              HasSubstr("one of pin, totp, found 'pim' (did you mean 'pin'?)"));
  for (const char* lasts : {"169h", "8d", "0h", "30m", "[8h]"}) {
    EXPECT_THAT(
        identify("accounts: [a], proof: [pin], lasts: " + std::string(lasts)),
        HasSubstr("a time such as 8h, at most 7d"));
  }
  EXPECT_THAT(Refused("identify: [maint]\n"), HasSubstr("identify such as"));
}

TEST(Jobs, NameASystemServiceAndAPerson) {
  const auto job = [](const std::string& text) {
    return Refused("jobs: [{ " + text + " }]\n");
  };
  EXPECT_EQ(job("unit: n.service, owner: yamada@example.jp"), "accepted");
  for (const char* unit : {"n", "n.timer", ".service", "n@.service",
                           "a b.service", "*.service", "a/b.service"}) {
    EXPECT_THAT(job("unit: \"" + std::string(unit) + "\", owner: yamada"),
                HasSubstr("the whole name of a system service"))
        << unit;
  }
  for (const char* owner : {"root", "unknown", "a b", "-a", "山田"}) {
    EXPECT_THAT(job("unit: n.service, owner: \"" + std::string(owner) + "\""),
                HasSubstr("the id of the person whose job it is"))
        << owner;
  }
  EXPECT_THAT(Refused("jobs: [{ unit: n.service, owner: a },\n"
                      "       { unit: n.service, owner: b }]\n"),
              HasSubstr("p.yaml:7:16: expected each service once"));
  std::string many = "jobs:\n";
  for (size_t i = 0; i < 256; ++i) {
    many += "  - { unit: n" + std::to_string(i) + ".service, owner: a }\n";
  }
  EXPECT_EQ(Refused(many), "accepted");
  EXPECT_THAT(Refused(many + "  - { unit: n.service, owner: a }\n"),
              HasSubstr("list of 1 to 256"));
}

ContentFacts People(int64_t persons) {
  ContentFacts content;
  content.persons = persons;
  content.inspection = Inspection::kFull;
  return content;
}

ContentDecision Decide(const Snapshot& snapshot, int64_t persons,
                       const PersonFacts& person) {
  return snapshot.DecideContent(People(persons), {}, person, {}, {});
}

PersonFacts Login(const std::string& account) {
  PersonFacts person;
  person.person = account;
  return person;
}

TEST(Identify, StopsPeoplesDataOfASharedAccountUntilSomebodySaysWhoHeIs) {
  const auto snapshot = Snapshot::Make(
      Read("identify: { accounts: [maint], proof: [pin] }\n"
           "content: [{ id: few, when: { persons: { at_least: 1 } }, match: { "
           "persons: [yamada] }, verdict: alert }]\n"),
      {}, 1);
  const auto refused = Decide(*snapshot, 1, Login("maint"));
  EXPECT_EQ(refused.verdict, Verdict::kBlock);
  EXPECT_EQ(refused.rule, kIdentifyRule);
  EXPECT_FALSE(refused.grantable);
  EXPECT_THAT(refused.notify.at("en"), HasSubstr("sekisho iam"));
  EXPECT_THAT(refused.notify.at("ja"), HasSubstr("sekisho iam"));
  // No people, no question.
  EXPECT_EQ(Decide(*snapshot, 0, Login("maint")).verdict, Verdict::kAllow);
  // His own account says who he is.
  EXPECT_EQ(Decide(*snapshot, 1, Login("sato")).verdict, Verdict::kAllow);
  PersonFacts yamada = Login("yamada");
  yamada.account = "maint";
  EXPECT_EQ(Decide(*snapshot, 1, yamada).rule, "few");
  const auto steps =
      snapshot->ExplainContent(People(1), {}, Login("maint"), {}, {});
  ASSERT_EQ(steps.size(), 1U);
  EXPECT_TRUE(steps[0].matched);
  EXPECT_THAT(steps[0].why, HasSubstr("several people use"));
  EXPECT_EQ(snapshot->ExplainContent(People(1), {}, yamada, {}, {}).size(), 2U);
}

}  // namespace
}  // namespace sekisho::policy
