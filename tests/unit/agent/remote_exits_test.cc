#include "agent/remote_exits.h"

#include <gtest/gtest.h>

#include "agent/enforce/fake_kernel_gate.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using enforce::DeviceNumber;
using enforce::NodeAccess;
using enforce::NodeKind;

constexpr DeviceNumber kXrdp{NodeKind::kRemote, 0, enforce::kRemoteXrdp};
constexpr DeviceNumber kWebdav{NodeKind::kChar, 245, 3};
constexpr DeviceNumber kAgentPort{NodeKind::kChar, 245, 2};
constexpr DeviceNumber kNbd{NodeKind::kBlock, 43, 16};

class RemoteExitsTest : public testing::Test {
 protected:
  void SetUp() override {
    auto loop = EventLoop::Create();
    ASSERT_TRUE(loop);
    loop_ = std::move(*loop);
    std::filesystem::create_directories(dir_.path() + "/dev");
    Port("vport1p2", "org.qemu.guest_agent.0", "245:2");
    Port("vport1p3", "org.spice-space.webdav.0", "245:3");
    dir_.Put("sys/class/block/nbd1/dev", "43:16\n");
    dir_.Put("sys/class/block/sda/dev", "8:0\n");
    exits_ = std::make_unique<RemoteExits>(
        *loop_, gate_,
        RemoteExits::Options{.sysfs_root = dir_.path() + "/sys",
                             .dev_dir = dir_.path() + "/dev"},
        RemoteExits::Events{
            .decide =
                [this](const policy::DeviceFacts& facts) {
                  policy::DeviceDecision decision;
                  decision.access = facts.bus == open_bus_
                                        ? policy::Access::kFull
                                        : policy::Access::kInspect;
                  return decision;
                },
            .problem = [this](const std::string& what) { problem_ = what; }});
  }
  void Port(const std::string& port, const std::string& name,
            const std::string& number) {
    dir_.Put("sys/class/virtio-ports/" + port + "/name", name + "\n");
    dir_.Put("sys/class/virtio-ports/" + port + "/dev", number + "\n");
  }

  TempDir dir_;
  enforce::FakeKernelGate gate_;
  std::unique_ptr<EventLoop> loop_;
  std::string open_bus_;
  std::string problem_;
  std::unique_ptr<RemoteExits> exits_;
};

TEST_F(RemoteExitsTest, WhatPolicyDoesNotOpenWholeIsClosed) {
  gate_.open[kNbd] = NodeAccess::kFull;
  exits_->Apply();
  EXPECT_FALSE(gate_.open.contains(kXrdp));
  EXPECT_FALSE(gate_.open.contains(kNbd));
  // Its major is open to others: it takes an entry to close one port.
  ASSERT_TRUE(gate_.open.contains(kWebdav));
  EXPECT_EQ(gate_.open[kWebdav], NodeAccess::kGate);
  EXPECT_FALSE(gate_.open.contains(kAgentPort));
  EXPECT_EQ(problem_, "");
}

TEST_F(RemoteExitsTest, PolicyOpensEachByItsBus) {
  open_bus_ = "rdp";
  exits_->Apply();
  EXPECT_EQ(gate_.open.at(kXrdp), NodeAccess::kFull);
  EXPECT_FALSE(gate_.open.contains(kNbd));
  open_bus_ = "nbd";
  exits_->Apply();
  EXPECT_FALSE(gate_.open.contains(kXrdp));
  EXPECT_EQ(gate_.open.at(kNbd), NodeAccess::kFull);
  open_bus_ = "spice";
  exits_->Apply();
  EXPECT_EQ(gate_.open.at(kWebdav), NodeAccess::kFull);
}

TEST_F(RemoteExitsTest, APortThatComesLaterIsClosedToo) {
  exits_->Apply();
  Port("vport1p4", "org.spice-space.webdav.1", "245:4");
  dir_.Put("dev/vport1p4", "");
  const DeviceNumber later{NodeKind::kChar, 245, 4};
  const std::function<void()> look = [&] {
    if (gate_.open.contains(later)) return loop_->Stop();
    loop_->After(std::chrono::milliseconds(5), look);
  };
  loop_->After(std::chrono::seconds(20), [this] { loop_->Stop(); });
  look();
  loop_->Run();
  EXPECT_EQ(gate_.open[later], NodeAccess::kGate);
}

TEST_F(RemoteExitsTest, KnowsWhatADenialIsOf) {
  exits_->Apply();
  EXPECT_EQ(exits_->FactsOf(kXrdp)->bus, "rdp");
  EXPECT_EQ(exits_->FactsOf(kWebdav)->port, "vport1p3");
  EXPECT_EQ(exits_->FactsOf(kNbd)->port, "nbd1");
  EXPECT_EQ(exits_->FactsOf({NodeKind::kBlock, 43, 99})->bus, "nbd");
  EXPECT_FALSE(exits_->FactsOf(kAgentPort));
  EXPECT_FALSE(exits_->FactsOf({NodeKind::kBlock, 8, 0}));
}

}  // namespace
}  // namespace sekisho::agent
