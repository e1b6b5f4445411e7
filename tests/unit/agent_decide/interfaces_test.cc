// A device is let in interface by interface.
#include "agent/decide/interfaces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/agent_decide/fake_world.h"

namespace sekisho::decide {
namespace {

using policy::Access;
using policy::DeviceMatch;
using policy::InterfacePattern;
using policy::UsbInterface;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr UsbInterface kStorage{0x08, 0x06, 0x50};
constexpr UsbInterface kKeys{0x03, 0x01, 0x01};
constexpr UsbInterface kButtons{0x03, 0x00, 0x00};
constexpr UsbInterface kSound{0x01, 0x01, 0x00};
constexpr UsbInterface kNet{0x02, 0x06, 0x00};

InterfacePattern Class(uint8_t klass) {
  return {.klass = klass, .subclass = {}, .protocol = {}};
}
DeviceMatch Any(uint8_t klass) {
  DeviceMatch match;
  match.interfaces_any = {Class(klass)};
  return match;
}
DeviceMatch All(std::initializer_list<uint8_t> classes) {
  DeviceMatch match;
  for (const uint8_t klass : classes) {
    match.interfaces_all.push_back(Class(klass));
  }
  return match;
}
DeviceMatch Serial() {
  DeviceMatch match;
  match.serial = "S1";
  return match;
}

class InterfacesTest : public testing::Test {
 protected:
  void Start(std::vector<policy::DeviceRule> rules) {
    decider = std::make_unique<Decider>(clock, world,
                                        Snap(Enforcing(std::move(rules))),
                                        policy::TerminalFacts{});
    decider->Start();
    world.Take();
  }
  DeviceId Plugged(std::vector<UsbInterface> interfaces) {
    Plug plug;
    plug.facts = Stick();
    plug.facts.interfaces = std::move(interfaces);
    return decider->OnPlugged(std::move(plug));
  }
  // From the authorisation that was asked to the answer of the probe.
  void Probed(DeviceId id, const policy::MediumFacts& medium) {
    decider->OnAuthorized(id, {});
    decider->OnDiskReady(id);
    EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
    decider->OnProbed(id, medium);
  }
  const std::string& Reason() const {
    return world.reports.back().decision.reason;
  }

  FakeClock clock;
  FakeEffects world;
  std::unique_ptr<Decider> decider;
};

TEST_F(InterfacesTest, StickThatIsAKeyboardTooGetsItsStorageOnly) {
  Start({Rule("keyboards", All({0x03}), Access::kFull),
         Rule("approved", Serial(), Access::kInspect)});
  const DeviceId id = Plugged({kStorage, kKeys, kNet});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
  EXPECT_THAT(Reason(), AllOf(HasSubstr("opened: 08/06/50"),
                              HasSubstr("no driver: 02/06/00, 03/01/01")));
  Probed(id, Vfat());
  EXPECT_THAT(world.Take(), ElementsAre("1 open inspect"));
  EXPECT_EQ(world.reports.back().decision.rule, "approved");
}

TEST_F(InterfacesTest, StickWithNothingElseIsNotToldInParts) {
  Start({Rule("approved", Serial(), Access::kInspect)});
  Plugged({kStorage});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
  EXPECT_THAT(Reason(), Not(HasSubstr("driver")));
}

TEST_F(InterfacesTest, RuleForTheWholeDeviceOpensAllOfIt) {
  Start({Rule("headset", All({0x01, 0x03}), Access::kFull)});
  const DeviceId id = Plugged({kSound, kButtons});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize all"));
  decider->OnAuthorized(id, {});
  EXPECT_THAT(world.Take(), ElementsAre("1 open full"));
}

TEST_F(InterfacesTest, RuleThatNamesSomeOpensThoseAndNoNode) {
  Start({Rule("sound", Any(0x01), Access::kFull)});
  const DeviceId id = Plugged({kSound, kButtons, {0xff, 0, 0}});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 01/01/00"));
  EXPECT_THAT(Reason(), HasSubstr("no driver: 03/00/00, ff/00/00"));
  decider->OnAuthorized(id, {});
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(InterfacesTest, LaterRuleCoversTheRest) {
  Start({Rule("sound", Any(0x01), Access::kFull),
         Rule("ours", Serial(), Access::kFull)});
  Plugged({kSound, kButtons});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize all"));
}

TEST_F(InterfacesTest, RuleThatDoesNotFitTheWholeDeviceCoversNothingOfIt) {
  Start({Rule("sound", Any(0x01), Access::kFull),
         Rule("keyboards", All({0x03}), Access::kFull)});
  Plugged({kSound, kKeys});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 01/01/00"));
}

TEST_F(InterfacesTest, BlockingRuleEndsIt) {
  Start({Rule("sound", Any(0x01), Access::kFull),
         Rule("no-net", Any(0x02), Access::kBlock),
         Rule("ours", Serial(), Access::kFull)});
  Plugged({kSound, kNet});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 01/01/00"));
}

TEST_F(InterfacesTest, BlockedDeviceGetsNothingAtAll) {
  Start({Rule("no-net", Any(0x02), Access::kBlock),
         Rule("ours", Serial(), Access::kFull)});
  Plugged({kSound, kNet});
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(InterfacesTest, KeyboardOfADockBesideItsApprovedStorage) {
  Start({Rule("dock", Any(0x03), Access::kFull),
         Rule("approved", Serial(), Access::kInspect)});
  const DeviceId id = Plugged({kStorage, kKeys});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 03/01/01, 08/06/50"));
  Probed(id, Vfat());
  EXPECT_THAT(world.Take(), ElementsAre("1 open inspect"));
}

TEST_F(InterfacesTest, RefusedMediumLeavesTheRestAndIsNotLookedAtInACircle) {
  Start({Rule("dock", Any(0x03), Access::kFull),
         Rule("approved", Serial(), Access::kInspect)});
  const DeviceId id = Plugged({kStorage, kKeys});
  world.Take();
  policy::MediumFacts ntfs = Vfat();
  ntfs.filesystem = "ntfs";
  Probed(id, ntfs);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 03/01/01"));
  EXPECT_EQ(world.reports.back().decision.access, Access::kBlock);
  EXPECT_THAT(Reason(), HasSubstr("no driver: 08/06/50"));
  decider->OnAuthorized(id, {});
  decider->OnDiskGone(id);
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(InterfacesTest, StorageThatNoRuleCoversIsLeftOut) {
  Start({Rule("dock", Any(0x03), Access::kFull)});
  const DeviceId id = Plugged({kStorage, kKeys});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 03/01/01"));
  decider->OnAuthorized(id, {});
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(InterfacesTest, MediumThatOthersMountedIsClosedBeforeItIsLeftOut) {
  decider = std::make_unique<Decider>(
      clock, world, Snap(policy::ObservePolicy()), policy::TerminalFacts{});
  decider->Start();
  Plug plug;
  plug.facts = Stick();
  plug.facts.interfaces = {kStorage, kKeys};
  plug.authorized = Authorization::kAll;
  const DeviceId id = decider->OnPlugged(plug);
  world.Take();
  decider->OnPolicy(Snap(Enforcing({Rule("dock", Any(0x03), Access::kFull)})),
                    std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("mode enforce", "1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 03/01/01"));
}

TEST_F(InterfacesTest, WhatIsNeededAndInUseIsNotTakenApart) {
  decider = std::make_unique<Decider>(
      clock, world, Snap(policy::ObservePolicy()), policy::TerminalFacts{});
  decider->Start();
  Plug plug;
  plug.facts = Keyboard();
  plug.facts.interfaces = {kSound, kKeys};
  plug.standing = Standing::kEssential;
  plug.attached_at_start = true;
  plug.authorized = Authorization::kAll;
  decider->OnPlugged(plug);
  world.Take();
  decider->OnPolicy(Snap(Enforcing({Rule("sound", Any(0x01), Access::kAudit)})),
                    std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("mode enforce"));
}

TEST_F(InterfacesTest, PartThatIsNeededAndInUseStays) {
  Start({Rule("sound", Any(0x01), Access::kAudit)});
  Plug plug;
  plug.facts = Keyboard();
  plug.facts.interfaces = {kSound, kKeys, kButtons};
  plug.standing = Standing::kEssential;
  plug.attached_at_start = true;
  plug.authorized = Authorization::kListed;
  plug.listed = {kKeys};
  decider->OnPlugged(plug);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 01/01/00, 03/01/01"));
}

TEST_F(InterfacesTest, PolicyChangesAMountedDevicesOtherPartInPlace) {
  const policy::DeviceRule approved =
      Rule("approved", Serial(), Access::kInspect);
  Start({approved});
  const DeviceId id = Plugged({kStorage, kKeys});
  world.Take();
  Probed(id, Vfat());
  decider->OnOpened(id, std::string("/media/sekisho/STICK"));
  world.Take();
  decider->OnPolicy(
      Snap(Enforcing({Rule("dock", Any(0x03), Access::kFull), approved})),
      std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 03/01/01, 08/06/50"));
  decider->OnAuthorized(id, {});
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->OnPolicy(Snap(Enforcing({approved})), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
}

TEST_F(InterfacesTest, FullDeviceThatIsNarrowedIsClosedFirst) {
  Start({Rule("ours", Serial(), Access::kFull)});
  const DeviceId id = Plugged({kStorage, kKeys});
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  decider->OnOpened(id, std::string());
  world.Take();
  decider->OnPolicy(
      Snap(Enforcing({Rule("storage", Any(0x08), Access::kFull)})),
      std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize 08/06/50"));
}

TEST_F(InterfacesTest, EarlyBootsPartIsMadeWhole) {
  Start({Rule("keyboards", All({0x03}), Access::kAudit)});
  Plug plug;
  plug.facts = Keyboard();
  plug.facts.interfaces = {kKeys, kButtons};
  plug.attached_at_start = true;
  plug.authorized = Authorization::kListed;
  plug.listed = {kKeys};
  decider->OnPlugged(plug);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize all"));
}

TEST_F(InterfacesTest, ObserveSaysWhatWouldBeLeftOut) {
  policy::Policy policy =
      Enforcing({Rule("approved", Serial(), Access::kInspect)});
  policy.mode = policy::Mode::kObserve;
  decider = std::make_unique<Decider>(clock, world, Snap(policy),
                                      policy::TerminalFacts{});
  Plug plug;
  plug.facts = Stick();
  plug.facts.interfaces = {kStorage, kKeys};
  plug.authorized = Authorization::kAll;
  decider->OnPlugged(plug);
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_THAT(Reason(), HasSubstr("no driver: 03/01/01"));
}

// Whatever the rules: each interface is opened or closed, once, and a rule for
// media opens nothing beside the storage.
TEST(ChooseInterfaces, PartsTheDevice) {
  std::mt19937 random(8);
  const std::array<UsbInterface, 6> kinds = {kStorage, kKeys, kButtons,
                                             kSound,   kNet,  {0xff, 0, 0}};
  const std::array<uint8_t, 5> classes = {0x08, 0x03, 0x01, 0x02, 0xff};
  constexpr std::array<Access, 3> kAccess = {Access::kBlock, Access::kInspect,
                                             Access::kFull};
  for (int round = 0; round < 2000; ++round) {
    policy::DeviceFacts facts = Stick();
    facts.interfaces.clear();
    const size_t count = 1 + random() % 6;
    while (facts.interfaces.size() < count) {
      facts.interfaces.push_back(kinds[random() % kinds.size()]);
    }
    std::vector<policy::DeviceRule> rules;
    for (size_t i = 0; i < 4; ++i) {
      const uint8_t klass = classes[random() % classes.size()];
      rules.push_back(Rule(fmt::format("r{}", i),
                           random() % 3 == 0   ? Serial()
                           : random() % 2 == 0 ? Any(klass)
                                               : All({klass, 0x08}),
                           kAccess[random() % kAccess.size()]));
    }
    const auto snapshot = Snap(Enforcing(rules));
    const auto decide = [&](const policy::DeviceFacts& asked) {
      return snapshot->DecideDevice(asked, {}, {}, WallTime{});
    };
    const auto whole = decide(facts);
    if (whole.access == Access::kBlock) continue;
    const InterfaceChoice choice =
        ChooseInterfaces(facts, whole, snapshot->policy(), decide);
    Interfaces both = choice.opened;
    both.insert(both.end(), choice.closed.begin(), choice.closed.end());
    const size_t parts = both.size();
    EXPECT_EQ(Sorted(both), Sorted(facts.interfaces)) << round;
    EXPECT_EQ(Sorted(both).size(), parts) << round;
    const bool full = std::ranges::any_of(
        rules, [](const auto& rule) { return rule.access == Access::kFull; });
    if (!full && HoldsMedium(facts)) {
      EXPECT_TRUE(std::ranges::all_of(choice.opened, IsStorage)) << round;
    }
    EXPECT_EQ(choice.storage.has_value(),
              std::ranges::any_of(choice.opened, IsStorage))
        << round;
  }
}

}  // namespace
}  // namespace sekisho::decide
