// What a terminal needs to go on working is never taken away.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_decide/fake_world.h"

namespace sekisho::decide {
namespace {

using policy::Access;
using testing::ElementsAre;
using testing::IsEmpty;

class KeyboardsTest : public testing::Test {
 protected:
  void SetUp() override {
    decider = std::make_unique<Decider>(
        clock, world, Snap(policy::ObservePolicy()), policy::TerminalFacts{});
    decider->Start();
    world.Take();
  }
  DeviceId Attached(policy::DeviceFacts facts,
                    Standing standing = Standing::kEssential) {
    Plug plug;
    plug.facts = std::move(facts);
    plug.standing = standing;
    plug.attached_at_start = true;
    plug.authorized = Authorization::kAll;
    return decider->OnPlugged(plug);
  }
  static policy::DeviceFacts Hub(const std::string& port) {
    policy::DeviceFacts facts;
    facts.interfaces = {{9, 0, 0}};
    facts.port = port;
    return facts;
  }
  static policy::Policy NamesKeyboards() {
    policy::DeviceMatch match;
    match.interfaces_any = {{.klass = 3, .subclass = {}, .protocol = {}}};
    return Enforcing({Rule("no-keyboards", match, Access::kBlock)});
  }

  FakeClock clock;
  FakeEffects world;
  std::unique_ptr<Decider> decider;
};

TEST_F(KeyboardsTest, DefaultBlockKeepsWhatWasInUse) {
  Attached(Keyboard());
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("mode enforce"));
  EXPECT_THAT(world.reports.back().decision.reason, testing::HasSubstr("kept"));
}

TEST_F(KeyboardsTest, KeyboardPluggedLaterFollowsPolicy) {
  Attached(Keyboard());
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  world.Take();
  Plug second;
  second.facts = Keyboard("1-3");
  second.standing = Standing::kEssential;
  decider->OnPlugged(second);
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(KeyboardsTest, ExplicitBlockLeavesTheLastKeyboard) {
  const DeviceId first = Attached(Keyboard("1-2"));
  const DeviceId second = Attached(Keyboard("1-3"));
  decider->OnPolicy(Snap(NamesKeyboards()), std::nullopt);
  EXPECT_THAT(
      world.Take(),
      ElementsAre("mode enforce", fmt::format("{} authorize none", first)));
  decider->OnAuthorized(first, {});
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(decider->Find(second)->authorized, Authorization::kAll);
}

TEST_F(KeyboardsTest, RootHubAndBootDiskAreAlwaysKept) {
  Attached(Hub("usb1"), Standing::kSystem);
  policy::DeviceFacts disk = Stick();
  Attached(disk, Standing::kSystem);
  policy::DeviceMatch all;
  decider->OnPolicy(Snap(Enforcing({Rule("all", all, Access::kBlock)})),
                    std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("mode enforce"));
}

TEST_F(KeyboardsTest, HubWithAKeptKeyboardBehindItIsKept) {
  policy::DeviceMatch hubs;
  hubs.interfaces_any = {{.klass = 9, .subclass = {}, .protocol = {}}};
  const auto policy = Enforcing({Rule("no-hubs", hubs, Access::kBlock)});
  Attached(Hub("1-1"), Standing::kOrdinary);
  Attached(Keyboard("1-1.2"));
  const DeviceId bare = Attached(Hub("1-10"), Standing::kOrdinary);
  decider->OnPolicy(Snap(policy), std::nullopt);
  EXPECT_THAT(
      world.Take(),
      ElementsAre("mode enforce", fmt::format("{} authorize none", bare)));
}

TEST_F(KeyboardsTest, OrdinaryDeviceInUseIsTakenAway) {
  policy::DeviceFacts camera = Stick();
  camera.interfaces = {{6, 1, 1}};
  const DeviceId id = Attached(camera, Standing::kOrdinary);
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("mode enforce",
                                        fmt::format("{} authorize none", id)));
}

}  // namespace
}  // namespace sekisho::decide
