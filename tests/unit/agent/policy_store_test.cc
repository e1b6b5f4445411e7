#include "agent/policy_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/boot_flag.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using testing::HasSubstr;

constexpr char kEnforcing[] =
    "policy: 1\nname: test\nmode: enforce\ndevice_default: block\n"
    "content_default: allow\n";

class PolicyStoreTest : public testing::Test {
 protected:
  std::string RootText() const {
    policy::Root root;
    root.roles["policy"].keys = {key.public_key};
    root.roles["devices"].keys = {key.public_key};
    root.roles["upgrade"].keys = {key.public_key};
    root.roles["unlock"].keys = {key.public_key};
    return policy::PrintRoot(root);
  }
  std::string Sealed(const std::string& type, int64_t version,
                     const std::string& body, int64_t expires = 0) const {
    policy::Envelope envelope;
    envelope.type = type;
    envelope.version = version;
    envelope.issued_seconds = 1;
    envelope.expires_seconds = expires;
    envelope.body = body;
    return policy::Seal(envelope, {key});
  }
  PolicyStore Open() const { return PolicyStore(dir.path(), "agent-1"); }

  const policy::KeyPair key = policy::NewKeyPair();
  const SystemClock clock;
  const TempDir dir;
};

TEST_F(PolicyStoreTest, ObservesBeforeAnyPolicy) {
  EXPECT_EQ(Open().snapshot()->policy().mode, policy::Mode::kObserve);
}

TEST_F(PolicyStoreTest, TakesASignedPolicyAndKeepsItOverARestart) {
  PolicyStore store = Open();
  EXPECT_FALSE(store.Take("policy", Sealed("policy", 3, kEnforcing)));
  ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
  const auto taken = store.Take("policy", Sealed("policy", 3, kEnforcing));
  ASSERT_TRUE(taken) << taken.error().message;
  EXPECT_TRUE(taken->changed);
  EXPECT_EQ(store.snapshot()->policy().mode, policy::Mode::kEnforce);
  EXPECT_EQ(store.version("policy"), 3);
  EXPECT_EQ(Open().snapshot()->policy().mode, policy::Mode::kEnforce);
  EXPECT_EQ(Open().version("policy"), 3);
}

TEST_F(PolicyStoreTest, UndoesTheNewestForTheOneBefore) {
  const std::string second =
      "policy: 1\nname: second\nmode: enforce\ndevice_default: block\n"
      "content_default: block\n";
  {
    PolicyStore store = Open();
    ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
    EXPECT_EQ(store.UndoPolicy("x").error().code, Code::kFailedPrecondition);
    ASSERT_TRUE(store.Take("policy", Sealed("policy", 3, kEnforcing)));
    ASSERT_TRUE(store.Take("policy", Sealed("policy", 4, second)));
    ASSERT_TRUE(store.BeginTrial("adapter"));
    ASSERT_TRUE(store.UndoPolicy("why\nnot"));
    EXPECT_EQ(store.version("policy"), 3);
    EXPECT_EQ(store.snapshot()->policy().name, "test");
    EXPECT_FALSE(store.trial());
    EXPECT_EQ(store.undone()->version, 4);
  }
  PolicyStore store = Open();
  EXPECT_TRUE(store.problems().empty());
  EXPECT_EQ(store.version("policy"), 3);
  EXPECT_EQ(store.snapshot()->policy().name, "test");
  EXPECT_EQ(store.undone()->why, "why\\nnot");
  EXPECT_FALSE(store.trial());
  // It is not taken again, whatever it says now, nor is what came before it.
  EXPECT_FALSE(store.Take("policy", Sealed("policy", 4, second))->changed);
  EXPECT_FALSE(store.Take("policy", Sealed("policy", 4, kEnforcing))->changed);
  EXPECT_EQ(store.Take("policy", Sealed("policy", 3, second)).error().code,
            Code::kFailedPrecondition);
  EXPECT_EQ(store.version("policy"), 3);
  ASSERT_TRUE(store.Take("policy", Sealed("policy", 5, second))->changed);
  EXPECT_FALSE(store.undone());
  EXPECT_FALSE(Open().undone());
  EXPECT_EQ(Open().version("policy"), 5);
  // And that one gives way to the third, not to the one that was undone.
  ASSERT_TRUE(store.UndoPolicy("again"));
  EXPECT_EQ(store.version("policy"), 3);
  EXPECT_EQ(Open().version("policy"), 3);
}

TEST_F(PolicyStoreTest, TheFirstPolicyGivesWayToNone) {
  {
    PolicyStore store = Open();
    ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
    ASSERT_TRUE(store.Take("policy", Sealed("policy", 3, kEnforcing)));
    ASSERT_TRUE(store.UndoPolicy("why"));
    EXPECT_EQ(store.snapshot()->policy().mode, policy::Mode::kObserve);
    EXPECT_EQ(store.version("policy"), 0);
  }
  dir.Put("mode", "enforce\n");  // it ended before the mode was written
  EXPECT_EQ(Open().snapshot()->policy().mode, policy::Mode::kObserve);
}

TEST_F(PolicyStoreTest, ATrialIsOfOneVersionAndSurvivesARestart) {
  PolicyStore store = Open();
  ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
  ASSERT_TRUE(store.Take("policy", Sealed("policy", 3, kEnforcing)));
  ASSERT_TRUE(store.BeginTrial("adapter"));
  EXPECT_EQ(*Open().trial(), "adapter");
  ASSERT_TRUE(store.Take("policy", Sealed("policy", 4, kEnforcing)));
  EXPECT_FALSE(store.trial());
  EXPECT_FALSE(Open().trial());
  ASSERT_TRUE(store.BeginTrial("another"));
  ASSERT_TRUE(store.EndTrial());
  EXPECT_FALSE(Open().trial());
}

TEST_F(PolicyStoreTest, KeepsTheUpgradeManifestAndRefusesAnother) {
  const std::string good =
      "sekisho-upgrade-1\npackage p 1\n" + std::string(64, 'a') + " 7 /a\n";
  {
    PolicyStore store = Open();
    ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
    ASSERT_TRUE(store.Take("upgrade", Sealed("upgrade", 2, good)));
    EXPECT_FALSE(store.Take("upgrade", Sealed("upgrade", 1, good)));
    EXPECT_FALSE(store.Take("upgrade", Sealed("upgrade", 3, good + "x")));
    EXPECT_FALSE(store.Take("upgrade", Sealed("policy", 3, good)));
    std::string altered = Sealed("upgrade", 3, good);
    altered[altered.find("/a")] = 'x';
    EXPECT_EQ(store.Take("upgrade", altered).error().code,
              Code::kUnauthenticated);
  }
  const PolicyStore again = Open();
  EXPECT_EQ(again.version("upgrade"), 2);
  ASSERT_TRUE(again.upgrade());
  EXPECT_EQ(policy::PrintUpgradeManifest(*again.upgrade()), good);
}

TEST_F(PolicyStoreTest, AnUnlockLastsAtMostADay) {
  PolicyStore store = Open();
  ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
  const std::string body = policy::PrintUnlock(
      {.requested_by = "a", .confirmed_by = "b", .reason = "c"});
  // Issued at second 1.
  EXPECT_FALSE(store.Take("unlock", Sealed("unlock", 1, body)));
  EXPECT_FALSE(store.Take("unlock", Sealed("unlock", 1, body, 1)));
  EXPECT_FALSE(store.Take("unlock", Sealed("unlock", 1, body, 86'402)));
  EXPECT_FALSE(store.unlock());
  ASSERT_TRUE(store.Take("unlock", Sealed("unlock", 1, body, 86'401)));
  EXPECT_EQ(store.unlock()->expires_seconds, 86'401);
  EXPECT_FALSE(store.Take("unlock", Sealed("unlock", 1, body, 86'401))->changed)
      << "the same does not begin again";
}

TEST_F(PolicyStoreTest, KeepsTheContainmentsAlsoOfAnOlderRoot) {
  const std::string one = "sekisho-contain-1\n1 person 0 60 tanaka\n";
  {
    // The root of before there were containments: whoever signs policy.
    PolicyStore store = Open();
    ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
    EXPECT_FALSE(store.Take("contain", Sealed("contain", 1, one + "x")));
    ASSERT_TRUE(store.Take("contain", Sealed("contain", 1, one)));
    EXPECT_FALSE(store.Take("contain", Sealed("contain", 0, one)));
    std::string altered = Sealed("contain", 2, one);
    altered[altered.find("tanaka")] = 'T';
    EXPECT_EQ(store.Take("contain", altered).error().code,
              Code::kUnauthenticated);
    ASSERT_EQ(store.containments().size(), 1U);
  }
  EXPECT_EQ(policy::PrintContainments(Open().containments()), one);
  PolicyStore store = Open();
  policy::Root root = *policy::ParseRoot(RootText());
  root.roles["contain"].keys = {policy::NewKeyPair().public_key};
  ASSERT_TRUE(store.SetRoot(policy::PrintRoot(root), "agent-1"));
  EXPECT_EQ(store.Take("contain", Sealed("contain", 5, one)).error().code,
            Code::kUnauthenticated)
      << "the role's own key counts, where there is one";
}

TEST_F(PolicyStoreTest, RefusedEnvelopesLeaveTheLastGoodOne) {
  PolicyStore store = Open();
  ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
  const std::string good = Sealed("policy", 3, kEnforcing);
  ASSERT_TRUE(store.Take("policy", good));
  std::string altered = Sealed("policy", 4, kEnforcing);
  altered[altered.size() / 2] ^= 1;
  EXPECT_FALSE(store.Take("policy", altered));
  EXPECT_FALSE(store.Take("policy", Sealed("policy", 2, kEnforcing)));
  EXPECT_FALSE(store.Take("devices", good));
  EXPECT_FALSE(store.Take("unlock", good));
  const auto bad = store.Take("policy", Sealed("policy", 5, "mode: maybe\n"));
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().code, Code::kInvalidArgument);
  EXPECT_EQ(store.version("policy"), 3);
  EXPECT_FALSE(store.Take("policy", good)->changed);
}

TEST_F(PolicyStoreTest, StaysClosedWhenTheEnforcingPolicyIsDamaged) {
  {
    PolicyStore store = Open();
    ASSERT_TRUE(store.SetRoot(RootText(), "agent-1"));
    ASSERT_TRUE(store.Take("policy", Sealed("policy", 3, kEnforcing)));
  }
  dir.Put("mode", "enforce\n");
  dir.Put("policy.envelope", "damaged");
  PolicyStore store = Open();
  EXPECT_EQ(store.snapshot()->policy().mode, policy::Mode::kEnforce);
  EXPECT_THAT(store.problems(), testing::Not(testing::IsEmpty()));
  policy::DeviceFacts keyboard;
  keyboard.interfaces = {{3, 1, 1}};
  policy::DeviceFacts stick;
  stick.interfaces = {{8, 6, 0x50}};
  EXPECT_EQ(
      store.snapshot()->DecideDevice(keyboard, {}, {}, clock.Now()).access,
      policy::Access::kFull);
  EXPECT_EQ(store.snapshot()->DecideDevice(stick, {}, {}, clock.Now()).access,
            policy::Access::kBlock);
}

TEST(BootFlag, ChangesOnlyWhenTheModeDoes) {
  const TempDir dir;
  std::filesystem::create_directories(dir.path() + "/core");
  std::filesystem::create_directories(dir.path() + "/boot");
  const auto write = [&](policy::Mode mode) {
    return *WriteBootFlag(dir.path(), mode);
  };
  EXPECT_EQ(write(policy::Mode::kObserve), FlagChange::kNone);
  EXPECT_EQ(write(policy::Mode::kEnforce), FlagChange::kChanged);
  EXPECT_TRUE(std::filesystem::exists(dir.path() + "/boot/enforce"));
  EXPECT_EQ(dir.Get("core/mode"), "enforce\n");
  EXPECT_EQ(write(policy::Mode::kEnforce), FlagChange::kNone);
  EXPECT_EQ(write(policy::Mode::kObserve), FlagChange::kChanged);
  EXPECT_FALSE(std::filesystem::exists(dir.path() + "/boot/enforce"));
}

}  // namespace
}  // namespace sekisho::agent
