// Who may set rings and move a rollout, and what the audit log says of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/packs.h"
#include "tests/support/demo_world.h"

namespace sekisho::core {
namespace {

using ::testing::HasSubstr;

const Caller kSuzuki{"suzuki", core::Roles::All(), "console", ""};
const Caller kTanaka{"tanaka", Role::kAnalyst, "console", ""};

constexpr char kRings[] =
    "rings:\n- {name: pilot, terminals: [maint-osaka-*]}\n- {name: rest}\n";

class RolloutDeskTest : public ::testing::Test {
 protected:
  Result<Pushed> Push(const Caller& caller, PushHow how) {
    return world_.desk().PushPolicy(
        caller, std::string(policy::PackText("appi")), "appi.yaml", "", how);
  }
  AuditEntry Newest() {
    return world_.desk().ListAudit(kSuzuki, {}, {1, ""}).value().rows.at(0);
  }

  demo::DemoWorld world_;
};

TEST_F(RolloutDeskTest, OnlyAnAdminMovesItAndEachStepIsWrittenDown) {
  auto& desk = world_.desk();
  EXPECT_EQ(desk.SetRings(kTanaka, kRings).error().code,
            Code::kPermissionDenied);
  EXPECT_TRUE(desk.GetRings(kTanaka)->text.empty());
  ASSERT_TRUE(desk.SetRings(kSuzuki, kRings)->empty());
  EXPECT_EQ(Newest().action, "rings.set");
  EXPECT_EQ(desk.GetRings(kTanaka)->set_by, "suzuki");
  const auto wrong = desk.SetRings(kSuzuki, "rings: 5");
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->size(), 1U);
  EXPECT_THAT(Newest().result, HasSubstr("rings:1:8"));
  EXPECT_EQ(desk.GetRings(kTanaka)->text, kRings);

  const auto pushed = Push(kSuzuki, PushHow::kAsConfigured);
  ASSERT_TRUE(pushed) << pushed.error().message;
  EXPECT_EQ(pushed->ring, "pilot");
  EXPECT_EQ(Newest().detail, "version=3 ring=pilot");
  for (const RolloutAct act : {RolloutAct::kAdvance, RolloutAct::kHalt,
                               RolloutAct::kResume, RolloutAct::kRollback}) {
    EXPECT_EQ(desk.ChangeRollout(kTanaka, act, "").error().code,
              Code::kPermissionDenied);
    EXPECT_EQ(Newest().user, "tanaka");
    EXPECT_THAT(Newest().result, HasSubstr("role policy_author"));
  }
  EXPECT_EQ(desk.GetRollout(kTanaka)->rings[0].terminals, 1);

  ASSERT_TRUE(desk.ChangeRollout(kSuzuki, RolloutAct::kHalt, "lunch"));
  EXPECT_EQ(Newest().action, "rollout.halt");
  EXPECT_EQ(Newest().object, "policy version 3");
  EXPECT_EQ(Newest().detail, "lunch");
  ASSERT_TRUE(desk.ChangeRollout(kSuzuki, RolloutAct::kResume, ""));
  EXPECT_EQ(Newest().action, "rollout.resume");
  const auto back = desk.ChangeRollout(kSuzuki, RolloutAct::kRollback, "no");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(Newest().detail, "version=4 no");
  EXPECT_EQ(desk.ChangeRollout(kSuzuki, RolloutAct::kHalt, "").error().code,
            Code::kFailedPrecondition);
}

TEST_F(RolloutDeskTest, NowGoesPastTheRingsAndRollbackToAVersionEndsIt) {
  ASSERT_TRUE(world_.desk().SetRings(kSuzuki, kRings)->empty());
  ASSERT_TRUE(Push(kSuzuki, PushHow::kRings));
  const auto back = world_.desk().RollbackPolicy(kSuzuki, 1);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->version, 4);
  EXPECT_EQ(world_.desk().GetRollout(kTanaka)->rollout->state,
            RolloutState::kRolledBack);
  const auto now = Push(kSuzuki, PushHow::kNow);
  ASSERT_TRUE(now);
  EXPECT_EQ(now->ring, "");
  EXPECT_FALSE(world_.desk().GetRollout(kTanaka)->is_live);
}

}  // namespace
}  // namespace sekisho::core
