// What a code over the phone opens, and what it does not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/decide/decider.h"
#include "tests/unit/agent_decide/fake_world.h"

namespace sekisho::decide {
namespace {

using policy::Access;
using testing::ElementsAre;
using testing::IsEmpty;

class CodedTest : public testing::Test {
 protected:
  void SetUp() override { Start(Enforcing()); }
  void Start(policy::Policy policy) {
    decider = std::make_unique<Decider>(clock, world, Snap(std::move(policy)),
                                        policy::TerminalFacts{});
    decider->Start();
    world.Take();
  }
  DeviceId Plugged(policy::DeviceFacts facts) {
    Plug plug;
    plug.facts = std::move(facts);
    return decider->OnPlugged(std::move(plug));
  }
  static Coded For(const policy::DeviceFacts& facts) {
    return {.device = policy::DeviceKey(facts),
            .descriptor_hash = facts.descriptor_hash,
            .rule = "code:1a2b3c4d",
            .reason = "opened by a code"};
  }
  const Decider::Device& Of(DeviceId id) const { return *decider->Find(id); }
  bool Waits(DeviceId id) const { return decider->WaitsForCode(Of(id)); }

  FakeClock clock;
  FakeEffects world;
  std::unique_ptr<Decider> decider;
};

TEST_F(CodedTest, OpensInspectedAndClosesAtTheEnd) {
  const DeviceId id = Plugged(Stick());
  EXPECT_TRUE(Waits(id));
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->SetCoded({For(Stick())});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  decider->OnProbed(id, Vfat());
  EXPECT_THAT(world.Take(), ElementsAre("1 probe", "1 open inspect"));
  decider->OnOpened(id, std::string("/media/sekisho/STICK"));
  EXPECT_EQ(Of(id).judged.decision.rule, "code:1a2b3c4d");
  EXPECT_EQ(Of(id).open, Access::kInspect);
  EXPECT_FALSE(Waits(id));

  decider->SetCoded({});
  EXPECT_THAT(world.Take(), ElementsAre("1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
}

TEST_F(CodedTest, AnotherDeviceOrOtherDescriptorsStayClosed) {
  policy::DeviceFacts facts = Stick();
  facts.descriptor_hash = "aa";
  Plugged(facts);
  Plugged(Stick("S2"));
  Coded other = For(facts);
  other.descriptor_hash = "bb";
  decider->SetCoded({other, For(Stick("S3"))});
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(CodedTest, OnlyItsStorageGetsADriver) {
  policy::DeviceFacts facts = Stick();
  facts.interfaces.push_back({3, 1, 1});  // a keyboard in the stick
  const DeviceId id = Plugged(facts);
  EXPECT_TRUE(Waits(id));
  decider->SetCoded({For(facts)});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
}

TEST_F(CodedTest, WhatARuleOpensBesideItStaysOpen) {
  policy::DeviceMatch keyboards;
  keyboards.interfaces_any = {
      {.klass = 3, .subclass = std::nullopt, .protocol = std::nullopt}};
  Start(Enforcing({Rule("keyboards", keyboards, Access::kFull)}));
  policy::DeviceFacts facts = Stick();
  facts.interfaces.push_back({3, 1, 1});
  const DeviceId id = Plugged(facts);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 03/01/01"));
  EXPECT_TRUE(Waits(id)) << "its storage is blocked";
  decider->OnAuthorized(id, {});
  decider->SetCoded({For(facts)});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 03/01/01, 08/06/50"));
}

TEST_F(CodedTest, AContainmentStandsAboveIt) {
  const DeviceId id = Plugged(Stick());
  decider->SetContained({{.id = 9,
                          .kind = policy::ContainKind::kTerminal,
                          .target = "agent",
                          .from_seconds = 0,
                          .until_seconds = 60}});
  EXPECT_FALSE(Waits(id));
  decider->SetCoded({For(Stick())});
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->SetContained({});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
}

TEST_F(CodedTest, WhatCannotBeInspectedStaysClosed) {
  const DeviceId id = Plugged(Stick());
  decider->SetCoded({For(Stick())});
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  world.Take();
  policy::MediumFacts locked = Vfat();
  locked.encryption = "luks";
  decider->OnProbed(id, locked);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  EXPECT_EQ(Of(id).judged.decision.access, Access::kBlock);
}

TEST_F(CodedTest, WhatLiesOrHoldsNoMediumIsNotAskedFor) {
  Plug plug;
  plug.facts = Stick();
  plug.malformed = "at byte 3";
  const DeviceId lying = decider->OnPlugged(plug);
  policy::DeviceFacts phone = Stick("P");
  phone.interfaces = {{6, 1, 1}};
  const DeviceId camera = Plugged(phone);
  EXPECT_FALSE(Waits(lying));
  EXPECT_FALSE(Waits(camera));
  decider->SetCoded({For(Stick()), For(phone)});
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(CodedTest, WhatPolicyOpensIsLeftAsPolicySays) {
  policy::DeviceMatch match;
  match.vendor_id = "0951";
  Start(Enforcing({Rule("read", match, Access::kReadOnly)}));
  const DeviceId id = Plugged(Stick());
  decider->SetCoded({For(Stick())});
  EXPECT_EQ(Of(id).judged.decision.access, Access::kReadOnly);
  EXPECT_FALSE(Waits(id));
}

}  // namespace
}  // namespace sekisho::decide
