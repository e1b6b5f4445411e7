// The whole agent on a fake sysfs, with a client on each socket; no rights.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "agent/agent.h"
#include "agent/agent_gate.h"
#include "agent/mount_records.h"
#include "proto/event_bytes.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {

using event::v1::EventKind;

inline constexpr char kEnforcing[] = R"(policy: 1
name: test
mode: enforce
devices:
  - id: approved
    match: { serial: "S1" }
    access: inspect
device_default: block
content:
  - id: too-many-people
    when: { persons: { at_least: 21 } }
    verdict: block
content_default: allow
)";

inline const std::string kStick =
    std::string(
        "\x12\x01\x00\x02\x00\x00\x00\x40\x51\x09\x66\x16\x00\x01\x01"
        "\x02\x03\x01",
        18) +
    std::string("\x09\x02\x12\x00\x01\x01\x00\x80\x32", 9) +
    std::string("\x09\x04\x00\x00\x02\x08\x06\x50\x00", 9);

// One peer of a socket; every wait has an end.
class Client {
 public:
  explicit Client(const std::string& path) {
    fd_ = std::move(*ConnectSeqpacket(path));
    const timeval timeout{.tv_sec = 20, .tv_usec = 0};
    ::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  }
  template <typename M>
  void Send(const M& message, const std::vector<int>& fds = {}) {
    ASSERT_TRUE(SendPacket(fd_.get(), ipc::Encode(message), fds));
  }
  // The next message of this type; others are passed over.
  template <typename M>
  M Next() {
    while (true) {
      auto packet = ReceivePacket(fd_.get());
      if (!packet) {
        ADD_FAILURE() << packet.error().message;
        return {};
      }
      last_fds = packet->fds.size();
      last_fd_ = last_fds > 0 ? std::move(packet->fds[0]) : UniqueFd();
      if (auto message = ipc::Decode<M>(packet->bytes)) return *message;
    }
  }
  size_t last_fds = 0;
  // The first that came with the last message.
  UniqueFd TakeFd() { return std::move(last_fd_); }

 private:
  UniqueFd fd_, last_fd_;
};

class AgentTest : public testing::Test {
 protected:
  void SetUp() override {
    options = TestOptions(dir.path());
    options.spool_bytes = spool_bytes;
    path = dir.path() + "/sys/devices/pci0/usb1/1-1";
    PlugStick("S1", "0");
    StartAgent();
  }
  void TearDown() override { StopAgent(); }

  void PlugStick(const std::string& serial, const std::string& authorized) {
    const std::string at = "sys/devices/pci0/usb1/1-1/";
    dir.Put(at + "descriptors", kStick);
    dir.Put(at + "devnum", "5\n");
    dir.Put(at + "busnum", "1\n");
    dir.Put(at + "serial", serial + "\n");
    dir.Put(at + "manufacturer", "Kingston\n");
    dir.Put(at + "product", "DataTraveler\n");
    dir.Put(at + "authorized", authorized + "\n");
  }
  void StartAgent() {
    loop = std::move(*EventLoop::Create());
    auto made = Agent::Create(*loop, clock, options, nullptr, "test");
    ASSERT_TRUE(made) << made.error().message;
    agent = std::move(*made);
    const Status started = agent->Start();
    ASSERT_TRUE(started) << started.error().message;
    thread = std::thread([this] { loop->Run(); });
  }
  void StopAgent() {
    if (!thread.joinable()) return;
    loop->Post([this] {
      agent->Stop("test ends");
      loop->Stop();
    });
    thread.join();
    agent.reset();
    loop.reset();
  }
  std::string Socket(const char* name) const {
    return options.runtime_dir + "/" + name;
  }
  void Enrol() {
    policy::Root root;
    root.roles["policy"].keys = {key.public_key};
    root.roles["devices"].keys = {key.public_key};
    root.roles["upgrade"].keys = {key.public_key};
    root.roles["unlock"].keys = {key.public_key};
    Client control(Socket(ipc::kControlSocket));
    control.Send(ipc::EnrolmentDone{.agent_id = "agent-1",
                                    .terminal = "terminal-1",
                                    .root_file = policy::PrintRoot(root),
                                    .epoch = 1,
                                    .sketch_key = {}});
    const auto reply = control.Next<ipc::Reply>();
    ASSERT_TRUE(reply.ok) << reply.message;
  }
  void SendEnvelope(Client& uplink, int64_t version, bool alter = false) {
    std::string sealed = SealedOf("policy", version, kEnforcing);
    if (alter) sealed[sealed.size() / 2] ^= 1;
    SendSealed(uplink, "policy", sealed);
  }
  std::string SealedOf(const std::string& type, int64_t version,
                       const std::string& body) const {
    policy::Envelope envelope;
    envelope.type = type;
    envelope.version = version;
    envelope.issued_seconds = 1;
    envelope.body = body;
    return policy::Seal(envelope, {key});
  }
  void SendSealed(Client& uplink, const std::string& type,
                  const std::string& sealed) {
    const UniqueFd memory(
        ::memfd_create("envelope", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_EQ(::write(memory.get(), sealed.data(), sealed.size()),
              static_cast<ssize_t>(sealed.size()));
    uplink.Send(
        ipc::EnvelopeIn{.type = type,
                        .size_bytes = static_cast<int64_t>(sealed.size())},
        {memory.get()});
  }
  void TellAdded(Client& devices) {
    devices.Send(ipc::DeviceSeen{.action = ipc::DeviceAction::kAdd,
                                 .sysfs_path = path,
                                 .subsystem = "usb",
                                 .devtype = "usb_device",
                                 .major = 189,
                                 .minor = 4,
                                 .kernel_sequence = 1,
                                 .since_boot_us = 1});
    devices.Send(ipc::RescanDone{});
  }
  // As a sekishod before this one left it behind: a gate serves the stick.
  void RecordMount(int64_t mount_id) {
    MountRecord record;
    record.mount_id = mount_id;
    record.mount_point = dir.path() + "/media/STICK";
    record.access = "inspect";
    record.owner_uid = 1000;
    record.sysfs_path = path;
    record.device_number = 5;
    record.medium.filesystem = "vfat";
    record.medium.encryption = "none";
    ASSERT_TRUE(WriteRecord(options.runtime_dir + "/mounts", record));
  }
  // As mount 42, of the approved stick.
  void RestartEnforcingWithAMount() {
    Enrol();
    {
      Client uplink(Socket(ipc::kUplinkSocket));
      SendEnvelope(uplink, 3);
      uplink.Send(ipc::SendFrom{});
      NextEvent(uplink, event::v1::EVENT_KIND_POLICY_CHANGED);
    }
    StopAgent();
    last_sequence = 0;
    PlugStick("S1", "1");
    RecordMount(42);
    StartAgent();
  }
  struct Event {
    event::v1::PublicPart open;
    event::v1::PersonalPart personal;
  };
  // The next event of this kind; checks that none is missing in between.
  Event NextEvent(Client& uplink, EventKind kind) {
    while (true) {
      const auto out = uplink.Next<ipc::EventOut>();
      Event event;
      event::v1::EventRecord record;
      if (out.record.empty() || !record.ParseFromString(out.record)) {
        ADD_FAILURE() << "no record";
        return event;
      }
      EXPECT_EQ(record.sequence(), last_sequence + 1);
      last_sequence = record.sequence();
      EXPECT_TRUE(event.open.ParseFromString(record.public_part()));
      EXPECT_TRUE(event.personal.ParseFromString(record.personal_part()));
      if (event.open.kind() == kind) return event;
    }
  }

  const SystemClock clock;
  const policy::KeyPair key = policy::NewKeyPair();
  const TempDir dir;
  int64_t spool_bytes = int64_t{4} << 20;
  AgentOptions options;
  std::string path;
  std::unique_ptr<EventLoop> loop;
  std::unique_ptr<Agent> agent;
  std::thread thread;
  int64_t last_sequence = 0;
};

}  // namespace sekisho::agent
