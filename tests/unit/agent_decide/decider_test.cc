#include "agent/decide/decider.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

#include "tests/unit/agent_decide/fake_world.h"

namespace sekisho::decide {
namespace {

using policy::Access;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr WallTime::duration kHour = std::chrono::hours(1);

class DeciderTest : public testing::Test {
 protected:
  void Start(std::shared_ptr<const policy::Snapshot> snapshot) {
    decider = std::make_unique<Decider>(clock, world, std::move(snapshot),
                                        policy::TerminalFacts{});
    decider->Start();
    world.Take();
  }
  DeviceId Plugged(policy::DeviceFacts facts,
                   Authorization authorized = Authorization::kNone) {
    Plug plug;
    plug.facts = std::move(facts);
    plug.authorized = authorized;
    return decider->OnPlugged(std::move(plug));
  }
  // From the plug until it is asked to be opened.
  DeviceId Opening() {
    const DeviceId id = Plugged(Stick());
    decider->OnAuthorized(id, {});
    decider->OnDiskReady(id);
    decider->OnProbed(id, Vfat());
    return id;
  }
  // From the plug to the mount.
  DeviceId Mounted(Access access = Access::kInspect) {
    const DeviceId id = Opening();
    decider->OnOpened(id, std::string("/media/sekisho/STICK"));
    EXPECT_EQ(decider->Find(id)->open, access);
    world.Take();
    return id;
  }
  // Closed and deauthorised, without any further wish.
  void ExpectTakenAway(DeviceId id) {
    EXPECT_THAT(world.Take(), ElementsAre(fmt::format("{} close", id)));
    decider->OnClosed(id);
    EXPECT_THAT(world.Take(),
                ElementsAre(fmt::format("{} authorize none", id)));
    decider->OnAuthorized(id, {});
    decider->OnDiskGone(id);
    EXPECT_THAT(world.Take(), IsEmpty());
    EXPECT_FALSE(decider->Find(id)->open);
  }
  Report::Kind LastReport() const { return world.reports.back().kind; }

  policy::Policy Approving(Access access = Access::kInspect) {
    policy::DeviceMatch match;
    match.serial = "S1";
    return Enforcing({Rule("approved", match, access)});
  }

  FakeClock clock;
  FakeEffects world;
  std::unique_ptr<Decider> decider;
};

TEST_F(DeciderTest, UnknownStickIsNeverAuthorised) {
  Start(Snap(Enforcing()));
  const DeviceId id = Plugged(Stick());
  EXPECT_THAT(world.Take(), IsEmpty());
  ASSERT_EQ(world.reports.size(), 1u);
  EXPECT_EQ(world.reports[0].kind, Report::Kind::kPlugged);
  EXPECT_EQ(world.reports[0].decision.access, Access::kBlock);
  EXPECT_FALSE(world.reports[0].observe_only);
  decider->OnRemoved(id);
  EXPECT_EQ(LastReport(), Report::Kind::kRemoved);
  EXPECT_EQ(decider->Find(id), nullptr);
}

TEST_F(DeciderTest, ApprovedStickIsProbedThenServed) {
  Start(Snap(Approving()));
  const DeviceId id = Plugged(Stick());
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
  decider->OnAuthorized(id, {});
  EXPECT_THAT(world.Take(), IsEmpty());  // no disk yet
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
  decider->OnProbed(id, Vfat());
  EXPECT_THAT(world.Take(), ElementsAre("1 open inspect"));
  decider->OnOpened(id, std::string("/media/sekisho/STICK"));
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(LastReport(), Report::Kind::kMounted);
  EXPECT_EQ(world.reports.back().mount_point, "/media/sekisho/STICK");
}

TEST_F(DeciderTest, RuleOnTheVolumeWaitsForTheProbe) {
  policy::DeviceMatch match;
  match.volume_uuid = "1234-5678";
  Start(Snap(Enforcing({Rule("volume", match, Access::kReadOnly)})));
  const DeviceId id = Plugged(Stick());
  EXPECT_FALSE(world.reports.back().settled);
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  world.Take();
  decider->OnProbed(id, Vfat());
  EXPECT_THAT(world.Take(), ElementsAre("1 open read_only"));
  EXPECT_EQ(LastReport(), Report::Kind::kDecided);
  EXPECT_TRUE(world.reports.back().settled);
}

TEST_F(DeciderTest, OtherVolumeIsRefusedAndNotProbedAgain) {
  policy::DeviceMatch match;
  match.volume_uuid = "other";
  Start(Snap(Enforcing({Rule("volume", match, Access::kReadOnly)})));
  const DeviceId id = Plugged(Stick());
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  world.Take();
  decider->OnProbed(id, Vfat());
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  decider->OnAuthorized(id, {});
  decider->OnDiskGone(id);
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
}

policy::MediumFacts MediumWith(const std::string& filesystem,
                               const std::string& encryption) {
  policy::MediumFacts medium = Vfat();
  medium.filesystem = filesystem;
  medium.encryption = encryption;
  return medium;
}

struct Unservable {
  const char* name;
  const char* filesystem;
  const char* encryption;
};
class UnservableTest : public DeciderTest,
                       public testing::WithParamInterface<Unservable> {};
TEST_P(UnservableTest, IsRefusedAfterTheProbe) {
  Start(Snap(Approving()));
  const DeviceId id = Plugged(Stick());
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  world.Take();
  decider->OnProbed(id,
                    MediumWith(GetParam().filesystem, GetParam().encryption));
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  EXPECT_EQ(decider->Find(id)->judged.decision.access, Access::kBlock);
}
INSTANTIATE_TEST_SUITE_P(
    Table, UnservableTest,
    testing::Values(Unservable{"NoFilesystem", "", "none"},
                    Unservable{"Ntfs", "ntfs", "none"},
                    Unservable{"Ext4Unasked", "ext4", "none"},
                    Unservable{"Luks", "", "luks"},
                    Unservable{"Bitlocker", "ntfs", "bitlocker"}),
    [](const auto& c) { return c.param.name; });

TEST_F(DeciderTest, FailedProbeIsRefused) {
  Start(Snap(Approving()));
  const DeviceId id = Plugged(Stick());
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  world.Take();
  for (const char* wait : {"1 wait 2000", "1 wait 4000", "1 wait 8000"}) {
    decider->OnProbed(id, Fail(Code::kDeadlineExceeded, "no answer"));
    EXPECT_THAT(world.Take(), ElementsAre(wait));
    EXPECT_EQ(LastReport(), Report::Kind::kProblem);
    EXPECT_THAT(world.reports.back().detail, testing::HasSubstr("no answer"));
    decider->OnWaited(id);
    EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
  }
  decider->OnProbed(id, Fail(Code::kDeadlineExceeded, "no answer"));
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  decider->OnAuthorized(id, {});
  decider->OnDiskGone(id);
  EXPECT_THAT(decider->Find(id)->judged.decision.reason,
              testing::HasSubstr("could not be looked at"));
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(DeciderTest, MountThatFailedOnceIsTriedAgain) {
  Start(Snap(Approving()));
  const DeviceId id = Opening();
  world.Take();
  decider->OnOpened(id, Fail(Code::kDeadlineExceeded, "no gate in time"));
  EXPECT_THAT(world.Take(), ElementsAre("1 wait 2000"));
  EXPECT_THAT(world.reports.back().detail,
              testing::HasSubstr("tried again soon"));
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->OnWaited(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 open inspect"));
  decider->OnOpened(id, std::string("/media/sekisho/STICK"));
  EXPECT_EQ(LastReport(), Report::Kind::kMounted);
}

TEST_F(DeciderTest, FailedMountClosesTheDevice) {
  Start(Snap(Approving()));
  const DeviceId id = Opening();
  world.Take();
  for (int i = 0; i < kMaxRetries; ++i) {
    decider->OnOpened(id, Fail(Code::kInvalidArgument, "bad superblock"));
    decider->OnWaited(id);
  }
  world.Take();
  decider->OnOpened(id, Fail(Code::kInvalidArgument, "bad superblock"));
  EXPECT_EQ(LastReport(), Report::Kind::kProblem);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
  decider->OnAuthorized(id, {});
  decider->OnDiskGone(id);
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(DeciderTest, FailedAuthorisationIsNotRetriedInACircle) {
  Start(Snap(Approving()));
  const DeviceId id = Plugged(Stick());
  world.Take();
  decider->OnAuthorized(id, Fail(Code::kAborted, "another device is there"));
  EXPECT_EQ(LastReport(), Report::Kind::kProblem);
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(DeciderTest, ApprovalOpensAPluggedStickWithoutReplug) {
  Start(Snap(Enforcing()));
  Plugged(Stick());
  world.Take();
  decider->OnPolicy(Snap(Approving()), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
  EXPECT_EQ(LastReport(), Report::Kind::kDecided);
}

TEST_F(DeciderTest, RevocationTakesTheMediumAway) {
  Start(Snap(Approving()));
  const DeviceId id = Mounted();
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  ExpectTakenAway(id);
}

TEST_F(DeciderTest, RevocationWhileMountingWaitsForTheAnswer) {
  Start(Snap(Approving()));
  const DeviceId id = Opening();
  world.Take();
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->OnOpened(id, std::string("/media/sekisho/STICK"));
  ExpectTakenAway(id);
}

TEST_F(DeciderTest, VanishedInTheMiddleOfTheProbeIsForgotten) {
  Start(Snap(Approving()));
  const DeviceId id = Plugged(Stick());
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  decider->OnRemoved(id);
  world.Take();
  decider->OnProbed(id, Vfat());  // late
  decider->OnOpened(id, std::string("/x"));
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(LastReport(), Report::Kind::kRemoved);
}

TEST_F(DeciderTest, AnswersOfTheOldPlugDoNotTouchTheNewOne) {
  Start(Snap(Approving()));
  const DeviceId old_id = Plugged(Stick());
  decider->OnRemoved(old_id);
  const DeviceId new_id = Plugged(Stick("other"));
  EXPECT_NE(old_id, new_id);
  world.Take();
  decider->OnAuthorized(old_id, {});
  decider->OnDiskReady(old_id);
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(decider->Find(new_id)->authorized, Authorization::kNone);
}

TEST_F(DeciderTest, ApprovalEndsByItself) {
  policy::DeviceRule rule;
  rule.id = "approved";
  rule.list = "approvals";
  policy::DeviceEntry row;
  row.list = "approvals";
  row.vendor_id = "0951";
  row.product_id = "1666";
  row.serial = "S1";
  row.access = Access::kInspect;
  row.expires = clock.now + kHour;
  Start(Snap(Enforcing({rule}), {row}));
  const DeviceId id = Mounted();
  EXPECT_EQ(decider->NextWake(), row.expires);
  decider->OnTime();
  EXPECT_THAT(world.Take(), IsEmpty());
  clock.now += kHour;
  decider->OnTime();
  ExpectTakenAway(id);
}

TEST_F(DeciderTest, StalePolicyKeepsEnforcingOrBecomesStricter) {
  policy::Policy policy = Approving();
  policy.when_stale = policy::WhenStale::kStricter;
  Start(Snap(policy));
  const DeviceId id = Mounted();
  decider->OnPolicy(Snap(policy), clock.now + kHour);
  EXPECT_THAT(world.Take(), IsEmpty());
  clock.now += kHour;
  decider->OnTime();
  EXPECT_THAT(world.Take(), ElementsAre("1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 open read_only"));
}

TEST_F(DeciderTest, InspectAndAuditChangeInPlaceReadOnlyDoesNot) {
  Start(Snap(Approving()));
  Mounted();
  decider->OnPolicy(Snap(Approving(Access::kAudit)), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("1 access audit"));
  decider->OnPolicy(Snap(Approving(Access::kReadOnly)), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("1 close"));
}

TEST_F(DeciderTest, ObserveRefusesNothingAndSaysWhatEnforceWouldDo) {
  Start(Snap(policy::ObservePolicy()));
  const DeviceId id = Plugged(Stick(), Authorization::kAll);
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_TRUE(world.reports.back().observe_only);
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
  decider->OnProbed(id, Fail(Code::kUnavailable, "dead"));
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(DeciderTest, SwitchToEnforceClosesWhatOthersMounted) {
  Start(Snap(policy::ObservePolicy()));
  const DeviceId id = Plugged(Stick(), Authorization::kAll);
  decider->OnDiskReady(id);
  decider->OnProbed(id, Vfat());
  world.Take();
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("mode enforce", "1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize none"));
}

TEST_F(DeciderTest, SwitchToEnforceMovesAnApprovedStickBehindTheGate) {
  Start(Snap(policy::ObservePolicy()));
  const DeviceId id = Plugged(Stick(), Authorization::kAll);
  decider->OnDiskReady(id);
  decider->OnProbed(id, Vfat());
  world.Take();
  decider->OnPolicy(Snap(Approving()), std::nullopt);
  EXPECT_THAT(world.Take(), ElementsAre("mode enforce", "1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
  decider->OnAuthorized(id, {});
  EXPECT_THAT(world.Take(), ElementsAre("1 open inspect"));
}

TEST_F(DeciderTest, SwitchToObserveGivesEverythingBack) {
  Start(Snap(Approving()));
  const DeviceId served = Mounted();
  const DeviceId refused = Plugged(Stick("other"));
  world.Take();
  decider->OnPolicy(Snap(policy::ObservePolicy()), std::nullopt);
  EXPECT_THAT(
      world.Take(),
      ElementsAre("mode observe", fmt::format("{} access audit", served),
                  fmt::format("{} authorize all", served),
                  fmt::format("{} authorize all", refused)));
}

TEST_F(DeciderTest, FullAccessOpensEveryNodeThatComes) {
  Start(Snap(Approving(Access::kFull)));
  const DeviceId id = Plugged(Stick());
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize all"));
  decider->OnAuthorized(id, {});
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 open full"));
  decider->OnOpened(id, std::string());
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 open full"));
}

TEST_F(DeciderTest, OnlyStorageInterfacesOfAnApprovedStickAreAuthorised) {
  Start(Snap(Approving()));
  policy::DeviceFacts facts = Stick();
  facts.interfaces.push_back({3, 1, 1});
  Plugged(facts);
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize medium"));
}

TEST_F(DeciderTest, MalformedDeviceStaysBlockedWhateverPolicySays) {
  policy::Policy policy = Enforcing();
  policy.device_default = Access::kFull;
  Start(Snap(policy));
  Plug plug;
  plug.malformed = "bLength does not fit";
  decider->OnPlugged(plug);
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(world.reports.back().decision.access, Access::kBlock);
}

TEST_F(DeciderTest, DeviceThatCannotBeInspectedIsRefusedForInspect) {
  policy::Policy policy = Enforcing();
  policy.device_default = Access::kInspect;
  Start(Snap(policy));
  policy::DeviceFacts phone = Stick();
  phone.interfaces = {{6, 1, 1}};
  Plugged(phone);
  EXPECT_THAT(world.Take(), IsEmpty());
  Plugged(Keyboard());
  EXPECT_THAT(world.Take(), ElementsAre("2 authorize all"));
}

TEST_F(DeciderTest, FullPhoneGetsItsUsbfsNode) {
  policy::Policy policy = Enforcing();
  policy.device_default = Access::kFull;
  Start(Snap(policy));
  policy::DeviceFacts phone = Stick();
  phone.interfaces = {{6, 1, 1}};
  const DeviceId id = Plugged(phone);
  decider->OnAuthorized(id, {});
  EXPECT_THAT(world.Take(), ElementsAre("1 authorize all", "1 open full"));
  decider->OnOpened(id, std::string());
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  ExpectTakenAway(id);
}

TEST_F(DeciderTest, RestartAdoptsAMountedMedium) {
  Start(Snap(Approving()));
  Plug plug;
  plug.facts = Stick();
  plug.attached_at_start = true;
  plug.authorized = Authorization::kMedium;
  plug.adopted = Plug::Adopted{.access = Access::kInspect,
                               .mount_point = "/media/sekisho/STICK",
                               .medium = Vfat()};
  const DeviceId id = decider->OnPlugged(plug);
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), IsEmpty());
  EXPECT_EQ(decider->Find(id)->open, Access::kInspect);
}

TEST_F(DeciderTest, LostGateIsStartedAgainAFewTimes) {
  Start(Snap(Approving()));
  const DeviceId id = Mounted();
  for (int i = 1; i < kMaxGateLosses; ++i) {
    decider->OnGateLost(id, "killed");
    EXPECT_THAT(world.Take(), ElementsAre("1 close"));
    decider->OnClosed(id);
    EXPECT_THAT(world.Take(), ElementsAre("1 open inspect"));
    decider->OnOpened(id, std::string("/media/sekisho/STICK"));
  }
  decider->OnGateLost(id, "killed");
  ExpectTakenAway(id);
}

TEST_F(DeciderTest, GateThatIsLostNowAndThenIsAlwaysStartedAgain) {
  Start(Snap(Approving()));
  const DeviceId id = Mounted();
  for (int i = 0; i < 2 * kMaxGateLosses; ++i) {
    decider->OnGateLost(id, "killed");
    decider->OnClosed(id);
    EXPECT_THAT(world.Take(), ElementsAre("1 close", "1 open inspect"));
    decider->OnOpened(id, std::string("/media/sekisho/STICK"));
    clock.now += kGateLossesWithin + std::chrono::seconds(1);
  }
}

TEST_F(DeciderTest, EjectedStaysClosedUntilTheMediumIsAnother) {
  Start(Snap(Approving()));
  const DeviceId id = Mounted();
  decider->OnEjected(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 close"));
  decider->OnClosed(id);
  EXPECT_EQ(world.reports.back().kind, Report::Kind::kUnmounted);
  EXPECT_EQ(world.reports.back().detail, "it was ejected");
  // Neither time nor a policy that allows it as before brings it back.
  decider->OnTime();
  decider->OnPolicy(Snap(Approving()), std::nullopt);
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->OnDiskGone(id);
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
}

TEST_F(DeciderTest, EjectedWhileItsAccessChangesIsClosedAfterThat) {
  Start(Snap(Approving()));
  const DeviceId id = Mounted();
  decider->OnGateLost(id, "killed");
  decider->OnEjected(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), IsEmpty());
}

TEST_F(DeciderTest, CardSwapInAReaderIsJudgedAnew) {
  Start(Snap(Approving()));
  const DeviceId id = Mounted();
  decider->OnDiskGone(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 close"));
  decider->OnClosed(id);
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
}

TEST_F(DeciderTest, CardOutsideUsbNeedsNoAuthorisation) {
  policy::DeviceMatch match;
  match.bus = "mmc";
  Start(Snap(Enforcing({Rule("cards", match, Access::kInspect)})));
  policy::DeviceFacts card;
  card.bus = "mmc";
  const DeviceId id = Plugged(card);
  EXPECT_THAT(world.Take(), IsEmpty());
  decider->OnDiskReady(id);
  EXPECT_THAT(world.Take(), ElementsAre("1 probe"));
  decider->OnPolicy(Snap(Enforcing()), std::nullopt);
  decider->OnProbed(id, Vfat());
  EXPECT_THAT(world.Take(), IsEmpty());
}

// Random events in random order: never two questions open for one device, and
// when everything was answered, what is open is what policy says.
TEST_F(DeciderTest, RandomOrdersEndWherePolicySays) {
  std::mt19937 random(20261123);
  for (int round = 0; round < 200; ++round) {
    world = FakeEffects();
    Start(Snap(policy::ObservePolicy()));
    const DeviceId id = Plugged(Stick());
    std::shared_ptr<const policy::Snapshot> last;
    for (int i = 0; i < 60; ++i) {
      ASSERT_LE(world.waiting[id], 1) << round;
      const bool waits = world.waiting[id] == 1;
      const auto busy = decider->Find(id)->busy;
      using Busy = Decider::Device::Busy;
      const auto choice = i < 40 ? random() % 8 : 7;
      if (choice == 0) decider->OnDiskReady(id);
      if (choice == 1) decider->OnDiskGone(id);
      if (choice == 2 || i == 39) {
        const Access words[] = {Access::kBlock, Access::kReadOnly,
                                Access::kInspect, Access::kFull};
        decider->OnPolicy(last = Snap(Approving(words[random() % 4])),
                          std::nullopt);
      }
      if (choice == 3 && i < 30) {
        decider->OnPolicy(Snap(policy::ObservePolicy()), std::nullopt);
      }
      if (choice == 4 || i == 40) decider->OnWaited(id);
      if (choice > 3 && waits) {
        --world.waiting[id];
        switch (busy) {
          case Busy::kAuthorizing:
            decider->OnAuthorized(id, {});
            if (decider->Find(id)->authorized == Authorization::kNone) {
              decider->OnDiskGone(id);
            } else {
              decider->OnDiskReady(id);
            }
            break;
          case Busy::kProbing:
            if (i < 40 && random() % 3 == 0) {
              decider->OnProbed(id, Fail(Code::kUnavailable, "it ended"));
            } else {
              decider->OnProbed(id, Vfat());
            }
            break;
          case Busy::kOpening:
            decider->OnOpened(id, std::string("/m"));
            break;
          case Busy::kClosing:
            decider->OnClosed(id);
            break;
          case Busy::kNo:
            FAIL();
        }
      }
    }
    if (decider->Find(id)->authorized != Authorization::kNone) {
      decider->OnDiskReady(id);
    }
    ASSERT_TRUE(last);
    const Decider::Device* device = decider->Find(id);
    const Access wanted = last->policy().devices[0].access;
    if (wanted == Access::kBlock) {
      EXPECT_FALSE(device->open) << round;
      EXPECT_EQ(device->authorized, Authorization::kNone) << round;
    } else if (device->open) {
      EXPECT_EQ(*device->open, wanted) << round;
    }
  }
}

}  // namespace
}  // namespace sekisho::decide
