// A probe that fails is tried again, a few times.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_decide/fake_world.h"

namespace sekisho::decide {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// An approved stick that is authorised and has no disk yet.
class ProbingTest : public testing::Test {
 protected:
  void SetUp() override {
    decider = std::make_unique<Decider>(clock, world, Snap(Approving()),
                                        policy::TerminalFacts{});
    decider->Start();
    Plug plug;
    plug.facts = Stick();
    id = decider->OnPlugged(plug);
    decider->OnAuthorized(id, {});
    world.Take();
  }
  static policy::Policy Approving() {
    policy::DeviceMatch match;
    match.serial = "S1";
    return Enforcing({Rule("approved", match, policy::Access::kInspect)});
  }
  void FailOnce() {
    decider->OnDiskReady(id);
    decider->OnProbed(id, Fail(Code::kUnavailable, "it ended"));
  }

  FakeClock clock;
  FakeEffects world;
  std::unique_ptr<Decider> decider;
  DeviceId id = 0;
};

TEST_F(ProbingTest, ProbeThatSucceedsAtASecondTryIsServed) {
  FailOnce();
  world.Take();
  // Nothing but the wait begins the next try.
  decider->OnDiskReady(id);
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->OnWaited(id);
  decider->OnProbed(id, Vfat());
  EXPECT_THAT(world.Take(), ElementsAre("1 probe", "1 open inspect"));
}

TEST_F(ProbingTest, RevocationDoesNotWaitForTheNextTry) {
  FailOnce();
  world.Take();
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  decider->OnWaited(id);
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(ProbingTest, VanishedBeforeTheNextTryIsForgotten) {
  FailOnce();
  decider->OnRemoved(id);
  world.Take();
  decider->OnWaited(id);
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(ProbingTest, DiskThatComesAndGoesIsNotProbedForEver) {
  world.Take();
  int probes = 0;
  while (probes <= 2 * kMaxRetries) {
    decider->OnDiskReady(id);
    if (world.Take() != std::vector<std::string>{"1 probe"}) break;
    ++probes;
    decider->OnProbed(id, Fail(Code::kNotFound, "the disk is gone"));
    decider->OnDiskGone(id);
    decider->OnWaited(id);
    if (probes <= kMaxRetries) world.Take();
  }
  EXPECT_EQ(probes, kMaxRetries + 1);
}

}  // namespace
}  // namespace sekisho::decide
