#include "server/core/policy_lab.h"

#include <gtest/gtest.h>

#include "policy/packs.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

const Caller kTanaka{"tanaka", Role::kAnalyst, "console", ""};
constexpr char kStick[] = "0411:0282:A07110012345";

constexpr char kOpen[] =
    "policy: 2\nname: open\nmode: enforce\ndevice_default: inspect\n"
    "content_default: allow\n";

class PolicyLabTest : public ::testing::Test {
 protected:
  PolicyTrial Try(const std::string& text) {
    auto trial = world_.desk().TryPolicy(
        kTanaka, text, demo::kDemoNow - std::chrono::days(1),
        demo::kDemoNow + std::chrono::seconds(1));
    EXPECT_TRUE(trial);
    return std::move(*trial);
  }
  PolicyAnswer Ask(PolicyQuestion question) {
    auto answer = world_.desk().ExplainPolicy(kTanaka, question);
    EXPECT_TRUE(answer);
    return std::move(*answer);
  }

  demo::DemoWorld world_;
};

TEST_F(PolicyLabTest, ChecksWithoutPushing) {
  const auto good =
      world_.desk().CheckPolicy(kTanaka, std::string(policy::PackText("appi")));
  ASSERT_TRUE(good);
  EXPECT_TRUE(good->problems.empty());
  EXPECT_EQ(good->mode, "enforce");
  EXPECT_GT(good->content_rules, 3);
  const auto bad =
      world_.desk().CheckPolicy(kTanaka, std::string(kOpen) + "colour: red\n");
  ASSERT_TRUE(bad);
  ASSERT_FALSE(bad->problems.empty());
  EXPECT_EQ(bad->problems[0].line, 6);
  EXPECT_EQ(world_.desk().ListPolicyVersions(kTanaka, {})->rows.size(), 2U);
}

TEST_F(PolicyLabTest, AnswersWithTheApprovalsOfNow) {
  PolicyQuestion question;
  question.device_id = kStick;
  question.person = "op02 (mori)";
  question.terminal = "maint-tokyo-02";
  question.persons = 1500;
  const PolicyAnswer answer = Ask(question);
  EXPECT_EQ(answer.access, "inspect");
  EXPECT_EQ(answer.rule, "approved");
  EXPECT_GT(answer.line, 0);
  EXPECT_TRUE(answer.steps.back().matched);
  EXPECT_EQ(answer.verdict, "block");
  EXPECT_EQ(answer.file_rule, "reportable-number");

  question.persons = 3;
  EXPECT_EQ(Ask(question).verdict, "allow");
  question.persons.reset();
  EXPECT_EQ(Ask(question).verdict, "");
  question.data["my_number"] = 1;
  EXPECT_EQ(Ask(question).verdict, "block");
  question.data["no such type"] = 1;
  EXPECT_EQ(world_.desk().ExplainPolicy(kTanaka, question).error().code,
            Code::kInvalidArgument);
}

TEST_F(PolicyLabTest, AnAnswerDependsOnTheTime) {
  PolicyQuestion question;
  question.device_id = kStick;
  question.time = demo::kDemoNow + std::chrono::days(7);  // the approval ended
  EXPECT_EQ(Ask(question).access, "block");
}

TEST_F(PolicyLabTest, AsksAboutADeviceThatWasNeverSeen) {
  PolicyQuestion question;
  question.device_id = "abcd:1234:NEVER";
  EXPECT_EQ(Ask(question).access, "block");
  question.text = kOpen;
  EXPECT_EQ(Ask(question).access, "inspect");
  question.text = "nonsense: [";
  EXPECT_FALSE(Ask(question).problems.empty());
  question.device_id = "no device";
  question.text.clear();
  EXPECT_FALSE(world_.desk().ExplainPolicy(kTanaka, question));
}

TEST_F(PolicyLabTest, TriesADraftOnWhatHappened) {
  world_.AddBlockedTransfer();
  // The hostile copy and this one were blocked; the open draft frees both.
  const PolicyTrial open = Try(kOpen);
  EXPECT_EQ(open.transfers_freed, 2);
  EXPECT_EQ(open.devices_freed, 1);
  EXPECT_EQ(open.transfers_blocked, 0);
  EXPECT_FALSE(open.cut);
  ASSERT_EQ(open.changes.size(), 3U);
  // What is in force blocks nothing anew: the copy to the approved stick stays.
  const PolicyTrial same = Try("");
  EXPECT_EQ(same.transfers_freed, 0);
  EXPECT_EQ(same.transfers_blocked, 0);
  EXPECT_EQ(same.events, open.events);
  EXPECT_FALSE(Try("nonsense: [").problems.empty());
}

}  // namespace
}  // namespace sekisho::core
