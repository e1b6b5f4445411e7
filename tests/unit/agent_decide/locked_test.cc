// Encrypted media: they wait, are unlocked, served, and locked again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/decide/decider.h"
#include "tests/unit/agent_decide/fake_world.h"

namespace sekisho::decide {
namespace {

using policy::Access;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class LockedTest : public testing::Test {
 protected:
  void Start(Access access = Access::kInspect) {
    decider = std::make_unique<Decider>(clock, world, Snap(Approving(access)),
                                        policy::TerminalFacts{});
    decider->Start();
    world.Take();
  }
  static policy::Policy Approving(Access access = Access::kInspect) {
    policy::DeviceMatch match;
    match.serial = "S1";
    policy::DeviceRule rule = Rule("approved", match, access);
    rule.encrypted_only = true;
    return Enforcing({rule});
  }
  static policy::MediumFacts Luks() {
    policy::MediumFacts medium = Vfat();
    medium.filesystem = kLuks;
    medium.encryption = "luks";
    return medium;
  }
  static policy::MediumFacts Inside(const std::string& filesystem) {
    policy::MediumFacts medium = Luks();
    medium.filesystem = filesystem;
    return medium;
  }
  // From the plug to the moment at which it waits.
  DeviceId Waiting() {
    Plug plug;
    plug.facts = Stick();
    const DeviceId id = decider->OnPlugged(std::move(plug));
    decider->OnAuthorized(id, {});
    decider->OnDiskReady(id);
    decider->OnProbed(id, Luks());
    world.Take();
    return id;
  }
  const Decider::Device& Of(DeviceId id) { return *decider->Find(id); }

  FakeClock clock;
  FakeEffects world;
  std::unique_ptr<Decider> decider;
};

TEST_F(LockedTest, WaitsWithItsDeviceKeptAndNothingOpened) {
  Start();
  const DeviceId id = Waiting();
  EXPECT_EQ(Of(id).judged.goal, Goal::kAwaitKey);
  EXPECT_FALSE(Of(id).open);
  EXPECT_EQ(Of(id).authorized, Authorization::kMedium);
  EXPECT_TRUE(world.reports.back().waits_for_key);
  EXPECT_THAT(world.reports.back().decision.reason,
              HasSubstr("sekisho unlock"));
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(LockedTest, IsServedOnceUnlockedAndLockedAgainWhenClosed) {
  Start();
  const DeviceId id = Waiting();
  EXPECT_TRUE(decider->OnUnlocked(id, Inside("vfat")));
  EXPECT_THAT(world.Take(), ElementsAre("1 open inspect"));
  decider->OnOpened(id, std::string("/media/sekisho/STICK"));
  EXPECT_EQ(Of(id).open, Access::kInspect);
  EXPECT_EQ(Of(id).Facts().medium->encryption, "luks");
  EXPECT_FALSE(world.reports.back().waits_for_key);
  // Its gate ends: the mapping went with it.
  decider->OnGateLost(id, "the gate ended");
  EXPECT_THAT(world.Take(), ElementsAre("1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
  decider->OnProbed(id, Luks());
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(Of(id).judged.goal, Goal::kAwaitKey);
}

TEST_F(LockedTest, WhatIsInsideIsJudgedToo) {
  Start();
  const DeviceId id = Waiting();
  EXPECT_TRUE(decider->OnUnlocked(id, Inside("ntfs")));
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  decider->OnAuthorized(id, {});
  decider->OnDiskGone(id);
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());  // not looked at in a circle
  EXPECT_EQ(Of(id).judged.goal, Goal::kRefuse);
}

TEST_F(LockedTest, RevokedMeanwhileIsNotOpened) {
  Start();
  const DeviceId id = Waiting();
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  EXPECT_FALSE(decider->OnUnlocked(id, Inside("vfat")));
  decider->OnAuthorized(id, {});
  EXPECT_FALSE(decider->OnUnlocked(id, Inside("vfat")));
  EXPECT_THAT(world.Take(), IsEmpty());
}

// Somebody may have unlocked it himself while nothing was enforced: his mapping
// lives as long as the disk does.
TEST_F(LockedTest, TakesAwayWhatOthersMayHaveUnlocked) {
  decider = std::make_unique<Decider>(
      clock, world, Snap(policy::ObservePolicy()), policy::TerminalFacts{});
  decider->Start();
  Plug plug;
  plug.facts = Stick();
  plug.authorized = Authorization::kAll;
  const DeviceId id = decider->OnPlugged(std::move(plug));
  decider->OnDiskReady(id);
  decider->OnProbed(id, Luks());
  world.Take();
  decider->OnPolicy(Snap(Approving()), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("mode enforce", "1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  decider->OnAuthorized(id, {});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
  decider->OnProbed(id, Luks());
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(Of(id).judged.goal, Goal::kAwaitKey);
}

TEST_F(LockedTest, RestartAdoptsAnUnlockedMedium) {
  Start();
  Plug plug;
  plug.facts = Stick();
  plug.authorized = Authorization::kMedium;
  plug.adopted = Plug::Adopted{.access = Access::kInspect,
                               .mount_point = "/media/sekisho/STICK",
                               .medium = Inside("vfat")};
  const DeviceId id = decider->OnPlugged(std::move(plug));
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(Of(id).open, Access::kInspect);
  decider->OnGateLost(id, "the gate ended");
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 close", "1 probe"));
}

TEST_F(LockedTest, APlainMediumIsRefusedByEncryptedOnly) {
  Start();
  Plug plug;
  plug.facts = Stick();
  const DeviceId id = decider->OnPlugged(std::move(plug));
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  world.Take();
  decider->OnProbed(id, Vfat());
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
}

}  // namespace
}  // namespace sekisho::decide
