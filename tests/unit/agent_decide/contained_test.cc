// What a containment does to attached devices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/decide/decider.h"
#include "tests/unit/agent_decide/fake_world.h"

namespace sekisho::decide {
namespace {

using policy::Access;
using policy::ContainKind;
using testing::ElementsAre;
using testing::IsEmpty;

class ContainedTest : public testing::Test {
 protected:
  void Start(policy::Policy policy) {
    decider = std::make_unique<Decider>(clock, world, Snap(std::move(policy)),
                                        policy::TerminalFacts{});
    decider->Start();
    world.Take();
  }
  static policy::Policy Approving(Access access) {
    policy::DeviceMatch match;
    match.vendor_id = "0951";
    policy::DeviceMatch keyboard;
    keyboard.interfaces_any = {
        {.klass = 3, .subclass = std::nullopt, .protocol = std::nullopt}};
    return Enforcing({Rule("keyboards", keyboard, Access::kFull),
                      Rule("approved", match, access)});
  }
  DeviceId Plugged(policy::DeviceFacts facts, const std::string& person,
                   Authorization authorized = Authorization::kNone) {
    Plug plug;
    plug.facts = std::move(facts);
    plug.person.person = person;
    plug.authorized = authorized;
    return decider->OnPlugged(std::move(plug));
  }
  DeviceId Mounted(const std::string& person,
                   const std::string& serial = "S1") {
    const DeviceId id = Plugged(Stick(serial), person);
    Mount(id);
    return id;
  }
  void Mount(DeviceId id) {
    decider->OnAuthorized(id, {});
    decider->OnDiskReady(id);
    decider->OnProbed(id, Vfat());
    decider->OnOpened(id, std::string("/media/sekisho/STICK"));
    EXPECT_TRUE(decider->Find(id)->open);
    world.Take();
  }
  static policy::Containment Of(ContainKind kind, const std::string& target) {
    return {.id = 9,
            .kind = kind,
            .target = target,
            .from_seconds = 0,
            .until_seconds = 60};
  }
  bool Closes(DeviceId id) {
    const auto calls = world.Take();
    return calls == std::vector<std::string>{fmt::format("{} close", id)};
  }

  FakeClock clock;
  FakeEffects world;
  std::unique_ptr<Decider> decider;
};

TEST_F(ContainedTest, ATerminalLosesEveryMediumAndGetsItBackAtTheEnd) {
  Start(Approving(Access::kInspect));
  const DeviceId id = Mounted("tanaka");
  decider->SetContained({Of(ContainKind::kTerminal, "agent-1")});
  EXPECT_TRUE(Closes(id));
  EXPECT_EQ(decider->Find(id)->judged.decision.rule, "contain:9");
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  decider->OnAuthorized(id, {});
  decider->OnDiskGone(id);
  EXPECT_THAT(world.Take(), IsEmpty());

  const DeviceId again = Plugged(Stick("S2"), "suzuki");
  EXPECT_THAT(world.Take(), IsEmpty()) << "a new plug is refused too";
  EXPECT_EQ(world.reports.back().decision.rule, "contain:9");
  decider->OnRemoved(again);
  world.Take();

  decider->SetContained({});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
  Mount(id);
}

TEST_F(ContainedTest, FullAccessIsClosedToo) {
  Start(Approving(Access::kFull));
  const DeviceId id = Plugged(Stick(), "tanaka");
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  decider->OnOpened(id, std::string());
  world.Take();
  decider->SetContained({Of(ContainKind::kDevice, "0951:1666:S1")});
  EXPECT_TRUE(Closes(id));
}

TEST_F(ContainedTest, OnlyWhatItCoversIsClosed) {
  Start(Approving(Access::kInspect));
  const DeviceId mine = Mounted("tanaka", "S1");
  const DeviceId other = Mounted("suzuki", "S2");
  decider->SetContained({Of(ContainKind::kPerson, "tanaka")});
  EXPECT_TRUE(Closes(mine));
  decider->OnClosed(mine);
  world.Take();
  EXPECT_TRUE(decider->Find(other)->open);
  decider->SetContained({Of(ContainKind::kDevice, "0951:1666:S2")});
  const auto calls = world.Take();
  EXPECT_THAT(calls, testing::Contains(fmt::format("{} close", other)));
}

TEST_F(ContainedTest, KeyboardsAndTheKeyboardOfAStickStay) {
  Start(Approving(Access::kInspect));
  const DeviceId keyboard = Plugged(Keyboard(), "", Authorization::kAll);
  policy::DeviceFacts both = Stick("S3");
  both.interfaces.push_back({3, 1, 1});
  const DeviceId composite = Plugged(both, "", Authorization::kNone);
  EXPECT_FALSE(decider->Find(composite)->judged.medium_left_out);
  world.Take();
  decider->SetContained({Of(ContainKind::kTerminal, "agent-1")});
  EXPECT_EQ(decider->ContainedBy(Keyboard(), ""), nullptr);
  EXPECT_NE(decider->Find(keyboard)->judged.goal, Goal::kRefuse);
  EXPECT_EQ(decider->Find(keyboard)->authorized, Authorization::kAll);
  EXPECT_EQ(decider->Find(composite)->judged.goal, Goal::kAllow);
  EXPECT_TRUE(decider->Find(composite)->judged.medium_left_out);
}

TEST_F(ContainedTest, TheDiskOfTheSystemStays) {
  Start(Approving(Access::kInspect));
  Plug plug;
  plug.facts = Stick();
  plug.standing = Standing::kSystem;
  plug.authorized = Authorization::kAll;
  plug.attached_at_start = true;
  const DeviceId id = decider->OnPlugged(plug);
  world.Take();
  decider->SetContained({Of(ContainKind::kTerminal, "agent-1")});
  EXPECT_EQ(decider->Find(id)->judged.goal, Goal::kAllow);
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(ContainedTest, ObserveTellsWhatWouldBeClosedAndClosesNothing) {
  policy::Policy policy = Approving(Access::kInspect);
  policy.mode = policy::Mode::kObserve;
  Start(policy);
  const DeviceId id = Plugged(Stick(), "tanaka", Authorization::kAll);
  world.Take();
  decider->SetContained({Of(ContainKind::kTerminal, "agent-1")});
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(world.reports.back().decision.rule, "contain:9");
  EXPECT_EQ(world.reports.back().decision.access, Access::kBlock);
  EXPECT_TRUE(world.reports.back().observe_only);
  EXPECT_EQ(decider->Find(id)->judged.goal, Goal::kLeaveAlone);
}

TEST_F(ContainedTest, OneThatComesInTheMiddleOfAMountClosesItAfterwards) {
  Start(Approving(Access::kInspect));
  const DeviceId id = Plugged(Stick(), "tanaka");
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  decider->OnProbed(id, Vfat());
  world.Take();
  decider->SetContained({Of(ContainKind::kTerminal, "agent-1")});
  EXPECT_THAT(world.Take(), IsEmpty()) << "busy";
  decider->OnOpened(id, std::string("/media/sekisho/STICK"));
  EXPECT_TRUE(Closes(id));
}

}  // namespace
}  // namespace sekisho::decide
