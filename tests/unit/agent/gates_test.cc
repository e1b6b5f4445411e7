// Gates that wait for a medium, and the rest of their life.
#include "agent/gates.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <future>
#include <thread>

#include "common/unix_socket.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

class GatesTest : public testing::Test {
 protected:
  void SetUp() override {
    loop = std::move(*EventLoop::Create());
    Gates::Options options;
    options.socket_path = dir.path() + "/gate.sock";
    options.gate_uid = ::geteuid();
    auto made = Gates::Listen(
        *loop, options,
        {.unmounted = [this](int64_t id) { unmounted.set_value(id); },
         .started = [this](int64_t id,
                           const Status&) { started.set_value(id); },
         .lost = [](int64_t, const std::string& why) { ADD_FAILURE() << why; },
         .transfer = nullptr,
         .failed = nullptr,
         .release = nullptr,
         .ended = nullptr,
         .gone = [](int64_t) {}});
    ASSERT_TRUE(made) << made.error().message;
    gates = std::move(*made);
    thread = std::thread([this] { loop->Run(); });
  }
  void TearDown() override {
    loop->Stop();
    thread.join();
    gates.reset();
  }
  // `work` on the loop's thread.
  template <typename F>
  auto OnLoop(F work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto result = task.get_future();
    loop->Post([&task] { task(); });
    return result.get();
  }
  UniqueFd Hello(int64_t mount_id) {
    UniqueFd fd = std::move(*ConnectSeqpacket(dir.path() + "/gate.sock"));
    const timeval timeout{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
    EXPECT_TRUE(SendPacket(fd.get(),
                           ipc::Encode(ipc::GateHello{.mount_id = mount_id})));
    return fd;
  }
  void Expect(int64_t mount_id) {
    OnLoop([this, mount_id] {
      UniqueFd fuse(::open("/dev/null", O_RDWR | O_CLOEXEC));
      UniqueFd root(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      gates->Expect({.mount_id = mount_id, .access = "inspect"},
                    std::move(fuse), std::move(root));
    });
  }
  bool Waits(int64_t mount_id) {
    return OnLoop([this, mount_id] { return gates->Waits(mount_id); });
  }

  const TempDir dir;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<Gates> gates;
  std::thread thread;
  std::promise<int64_t> started, unmounted;
};

TEST_F(GatesTest, ReservedGateWaitsForItsMedium) {
  OnLoop([this] { gates->Reserve(7); });
  EXPECT_TRUE(Waits(7));
  EXPECT_FALSE(Waits(8));
  const UniqueFd gate = Hello(7);
  while (OnLoop([this] { return gates->PidOf(7); }) == 0) {
  }
  EXPECT_TRUE(Waits(7));
  Expect(7);
  const auto packet = ReceivePacket(gate.get());
  ASSERT_TRUE(packet) << packet.error().message;
  EXPECT_EQ(packet->fds.size(), 2u);
  const auto start = ipc::Decode<ipc::GateStart>(packet->bytes);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->access, "inspect");
  EXPECT_EQ(started.get_future().get(), 7);
  EXPECT_FALSE(Waits(7));
}

TEST_F(GatesTest, ReservedGateThatComesAfterItsMediumIsStartedToo) {
  OnLoop([this] { gates->Reserve(7); });
  Expect(7);
  const UniqueFd gate = Hello(7);
  const auto packet = ReceivePacket(gate.get());
  ASSERT_TRUE(packet) << packet.error().message;
  EXPECT_EQ(packet->fds.size(), 2u);
  EXPECT_EQ(started.get_future().get(), 7);
}

TEST_F(GatesTest, ReservedGateThatDiesIsForgotten) {
  OnLoop([this] { gates->Reserve(7); });
  {
    const UniqueFd gate = Hello(7);
    while (OnLoop([this] { return gates->PidOf(7); }) == 0) {
    }
  }
  while (Waits(7)) {
  }
  // Another with its number is no gate of ours any more.
  const UniqueFd late = Hello(7);
  const auto packet = ReceivePacket(late.get());
  ASSERT_TRUE(packet);
  EXPECT_TRUE(ipc::Decode<ipc::GateStop>(packet->bytes));
}

// Nobody waits for a gate that has said why it goes.
TEST_F(GatesTest, GateOfAMediumThatWasUnmountedIsNotLost) {
  Expect(7);
  UniqueFd gate = Hello(7);
  ASSERT_TRUE(ReceivePacket(gate.get()));
  ASSERT_TRUE(SendPacket(gate.get(), ipc::Encode(ipc::GateUnmounted{})));
  gate.Reset();
  EXPECT_EQ(unmounted.get_future().get(), 7);
}

TEST_F(GatesTest, CancelEndsAReservedGateOnly) {
  OnLoop([this] { gates->Reserve(7); });
  const UniqueFd gate = Hello(7);
  while (OnLoop([this] { return gates->PidOf(7); }) == 0) {
  }
  OnLoop([this] { gates->Cancel(7); });
  auto packet = ReceivePacket(gate.get());
  ASSERT_TRUE(packet);
  EXPECT_TRUE(ipc::Decode<ipc::GateStop>(packet->bytes));
  EXPECT_FALSE(Waits(7));

  Expect(9);
  const UniqueFd serving = Hello(9);
  packet = ReceivePacket(serving.get());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->fds.size(), 2u);
  OnLoop([this] { gates->Cancel(9); });
  EXPECT_NE(OnLoop([this] { return gates->PidOf(9); }), 0);
}

TEST_F(GatesTest, GatesGetWhatPolicyWantsFoundAndEveryChange) {
  const auto seal = [](const std::string& id) {
    return *ipc::SealScanRules({.types = {{.id = id, .check = "luhn"}}});
  };
  const auto types = [](Packet& packet, int64_t size_bytes) {
    EXPECT_FALSE(packet.fds.empty());
    auto file = ipc::TakeScanRules(std::move(packet.fds.back()), size_bytes);
    EXPECT_TRUE(file);
    auto rules = ipc::ReadScanRules(**file);
    EXPECT_TRUE(rules);
    return rules->types.at(0).id;
  };
  OnLoop([&] { gates->SetScanRules(seal("a")); });
  Expect(7);
  const UniqueFd gate = Hello(7);
  auto packet = ReceivePacket(gate.get());
  ASSERT_TRUE(packet);
  EXPECT_EQ(packet->fds.size(), 3u);
  const auto start = ipc::Decode<ipc::GateStart>(packet->bytes);
  ASSERT_TRUE(start);
  EXPECT_EQ(types(*packet, start->scan_rules_bytes), "a");

  OnLoop([&] { gates->SetScanRules(seal("b")); });
  packet = ReceivePacket(gate.get());
  ASSERT_TRUE(packet);
  auto changed = ipc::Decode<ipc::GateScanRules>(packet->bytes);
  ASSERT_TRUE(changed);
  EXPECT_EQ(types(*packet, changed->size_bytes), "b");

  OnLoop([&] { gates->SetScanRules(nullptr); });
  packet = ReceivePacket(gate.get());
  ASSERT_TRUE(packet);
  changed = ipc::Decode<ipc::GateScanRules>(packet->bytes);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->size_bytes, 0);
  EXPECT_TRUE(packet->fds.empty());
}

}  // namespace
}  // namespace sekisho::agent
