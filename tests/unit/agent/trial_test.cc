// A policy that locks the terminal out is undone by itself.
#include <gmock/gmock.h>

#include "tests/unit/agent/agent_fixture.h"

namespace sekisho::agent {
namespace {

using testing::AllOf;
using testing::HasSubstr;

constexpr char kOpenToBoth[] = R"(policy: 1
name: open
mode: enforce
devices:
  - id: keyboards
    match: { interfaces_all: ["03/*/*"] }
    access: full
  - id: networks
    match: { interfaces_all: ["ff/*/*"] }
    access: full
device_default: block
content_default: allow
)";
constexpr char kClosedToBoth[] = R"(policy: 1
name: closed
mode: enforce
devices:
  - id: no-keyboards
    match: { interfaces_all: ["03/*/*"] }
    access: block
  - id: no-networks
    match: { interfaces_all: ["ff/*/*"] }
    access: block
device_default: block
content_default: allow
)";

// One interface; the product tells devices apart.
std::string Descriptors(char product, std::string_view interface) {
  return std::string("\x12\x01\x00\x02\x00\x00\x00\x08\x6d\x04", 10) + product +
         std::string("\xc3\x00\x01\x00\x00\x00\x01", 7) +
         std::string("\x09\x02\x12\x00\x01\x01\x00\x80\x32", 9) +
         std::string("\x09\x04\x00\x00\x00", 5) + std::string(interface) + '\0';
}
const std::string kKeyboard("\x03\x01\x01", 3);
const std::string kNetwork("\xff\xff\x00", 3);

class TrialTest : public AgentTest {
 protected:
  void SetUp() override {
    AgentTest::SetUp();
    StopAgent();
    options.proc_root = dir.path() + "/proc";
    options.trial = std::chrono::milliseconds(400);
    StartAgent();
    Enrol();
    uplink = std::make_unique<Client>(Socket(ipc::kUplinkSocket));
    devices = std::make_unique<Client>(Socket(ipc::kDevicesSocket));
    uplink->Send(ipc::SendFrom{});
    devices->Send(ipc::RescanDone{});
    Take(1, kOpenToBoth);
    EXPECT_EQ(NextPolicy().outcome(), event::v1::OUTCOME_ALLOWED);
  }
  void TearDown() override {
    uplink.reset();
    devices.reset();
    AgentTest::TearDown();
  }
  std::string At(char port) const {
    return std::string("sys/devices/pci0/usb1/1-") + port;
  }
  // Plugged in while policy 1 is in force, and let in by it.
  void Plug(char port, const std::string& interface) {
    const std::string at = At(port) + "/";
    dir.Put(at + "descriptors", Descriptors(port, interface));
    dir.Put(at + "devnum", std::string("1") + port + "\n");
    dir.Put(at + "busnum", "1\n");
    dir.Put(at + "product", "Needed\n");
    dir.Put(at + "authorized", "0\n");
    devices->Send(ipc::DeviceSeen{.action = ipc::DeviceAction::kAdd,
                                  .sysfs_path = dir.path() + "/" + At(port),
                                  .subsystem = "usb",
                                  .devtype = "usb_device",
                                  .major = 189,
                                  .minor = 4,
                                  .kernel_sequence = 2,
                                  .since_boot_us = 2});
    NextEvent(*uplink, event::v1::EVENT_KIND_DEVICE_PLUGGED);
    ExpectAuthorized(port, "1\n");
  }
  void PlugWayOut(char port) {
    dir.Put(At(port) + "/way/net/eth1/mtu", "1500\n");
    std::filesystem::create_directories(dir.path() + "/sys/class/net/eth1");
    std::filesystem::create_symlink(dir.path() + "/" + At(port) + "/way",
                                    dir.path() + "/sys/class/net/eth1/device");
    dir.Put("proc/net/route",
            "Iface\tDestination\tGateway\nlo\t0000007F\t0\n"
            "eth1\t00000000\t0102000A\n");
    Plug(port, kNetwork);
  }
  void ExpectAuthorized(char port, const std::string& wanted) {
    const auto until =
        std::chrono::steady_clock::now() + std::chrono::seconds(20);
    const std::string file = At(port) + "/authorized";
    while (dir.Get(file) != wanted &&
           std::chrono::steady_clock::now() < until) {
      std::this_thread::yield();
    }
    EXPECT_EQ(dir.Get(file), wanted) << file;
  }
  void Take(int64_t version, const std::string& text) {
    SendSealed(*uplink, "policy", SealedOf("policy", version, text));
  }
  event::v1::PublicPart NextPolicy() {
    return NextEvent(*uplink, event::v1::EVENT_KIND_POLICY_CHANGED).open;
  }
  event::v1::PublicPart NextHealth() {
    return NextEvent(*uplink, event::v1::EVENT_KIND_HEALTH).open;
  }
  // As the server does.
  void AckAll() {
    const auto state = [&] {
      Client control(Socket(ipc::kControlSocket));
      control.Send(ipc::StatusRequest{});
      return control.Next<ipc::StatusAnswer>();
    }();
    uplink->Send(ipc::EventsAcked{.head = state.head});
  }
  ipc::StatusAnswer StatusSaid() {
    Client control(Socket(ipc::kControlSocket));
    control.Send(ipc::StatusRequest{});
    return control.Next<ipc::StatusAnswer>();
  }
  void Restart() {
    uplink.reset();
    devices.reset();
    StopAgent();
    StartAgent();
    last_sequence = 0;
    uplink = std::make_unique<Client>(Socket(ipc::kUplinkSocket));
    devices = std::make_unique<Client>(Socket(ipc::kDevicesSocket));
    uplink->Send(ipc::SendFrom{});
  }

  std::unique_ptr<Client> uplink, devices;
};

TEST_F(TrialTest, ThePolicyThatTakesTheLastKeyboardIsUndoneAtOnce) {
  Plug('5', kKeyboard);
  Take(2, kClosedToBoth);
  EXPECT_EQ(NextPolicy().outcome(), event::v1::OUTCOME_ALLOWED);
  const auto undone = NextPolicy();
  EXPECT_EQ(undone.outcome(), event::v1::OUTCOME_BLOCKED);
  EXPECT_EQ(undone.rule(), "undone");
  EXPECT_EQ(undone.changed_version(), 2);
  EXPECT_EQ(undone.policy_version(), 1);
  EXPECT_THAT(undone.reason(),
              AllOf(HasSubstr("version 1 is in force again"),
                    HasSubstr("last keyboard"), HasSubstr("Needed"),
                    HasSubstr("rule no-keyboards")));
  ExpectAuthorized('5', "1\n");
  const auto status = StatusSaid();
  EXPECT_EQ(status.policy_version, 1);
  EXPECT_EQ(status.policy_name, "open");
  EXPECT_THAT(status.policy_note, HasSubstr("version 2 was undone"));

  // The server offers its newest again; a newer one counts.
  Take(2, kClosedToBoth);
  Take(3, kOpenToBoth);
  EXPECT_EQ(NextPolicy().changed_version(), 3);
  EXPECT_EQ(StatusSaid().policy_note, "");
}

TEST_F(TrialTest, AnUndonePolicyStaysUndoneOverARestart) {
  Plug('5', kKeyboard);
  Take(2, kClosedToBoth);
  NextPolicy();
  EXPECT_EQ(NextPolicy().rule(), "undone");
  Restart();
  const auto status = StatusSaid();
  EXPECT_EQ(status.policy_version, 1);
  EXPECT_EQ(status.mode, "enforce");
  EXPECT_THAT(status.policy_note, HasSubstr("last keyboard"));
}

TEST_F(TrialTest, OneKeyboardIsEnoughAndOneThatIsPulledIsNoReason) {
  Plug('5', kKeyboard);
  devices->Send(ipc::DeviceSeen{.action = ipc::DeviceAction::kRemove,
                                .sysfs_path = dir.path() + "/" + At('5'),
                                .subsystem = "usb",
                                .devtype = "usb_device",
                                .major = 189,
                                .minor = 4,
                                .kernel_sequence = 3,
                                .since_boot_us = 3});
  NextEvent(*uplink, event::v1::EVENT_KIND_DEVICE_REMOVED);
  Take(2, kClosedToBoth);
  EXPECT_EQ(NextPolicy().outcome(), event::v1::OUTCOME_ALLOWED);
  EXPECT_EQ(StatusSaid().policy_version, 2);
  Take(3, kOpenToBoth);
  EXPECT_EQ(NextPolicy().changed_version(), 3);
  Plug('5', kKeyboard);
  Plug('6', kKeyboard);
  // "Needed" with the product number of '6' alone.
  std::string one = kClosedToBoth;
  one.insert(one.find("  - id: no-keyboards"),
             "  - id: this\n    match: { product_id: \"c336\" }\n"
             "    access: full\n");
  Take(4, one);
  EXPECT_EQ(NextPolicy().changed_version(), 4);
  ExpectAuthorized('5', "0\n");
  ExpectAuthorized('6', "1\n");
  EXPECT_EQ(StatusSaid().policy_version, 4);
}

TEST_F(TrialTest, WithoutAnAnswerOfTheServerTheAdapterComesBack) {
  PlugWayOut('2');
  Take(2, kClosedToBoth);
  EXPECT_EQ(NextPolicy().outcome(), event::v1::OUTCOME_ALLOWED);
  ExpectAuthorized('2', "0\n");
  // What was sent before it was refused proves nothing.
  AckAll();
  EXPECT_THAT(NextHealth().reason(),
              AllOf(HasSubstr("version 2 is on trial"), HasSubstr("Needed")));
  const auto undone = NextPolicy();
  EXPECT_EQ(undone.rule(), "undone");
  EXPECT_THAT(undone.reason(), HasSubstr("did not answer"));
  ExpectAuthorized('2', "1\n");
  EXPECT_EQ(StatusSaid().policy_version, 1);
}

TEST_F(TrialTest, AnAnswerOnAnotherWayConfirmsIt) {
  PlugWayOut('2');
  Take(2, kClosedToBoth);
  EXPECT_EQ(NextPolicy().outcome(), event::v1::OUTCOME_ALLOWED);
  NextHealth();
  EXPECT_THAT(StatusSaid().policy_note, HasSubstr("on trial"));
  AckAll();
  EXPECT_THAT(NextHealth().reason(), HasSubstr("version 2 stays"));
  ExpectAuthorized('2', "0\n");
  EXPECT_EQ(StatusSaid().policy_note, "");
  Restart();
  devices->Send(ipc::RescanDone{});
  EXPECT_EQ(StatusSaid().policy_version, 2);
  EXPECT_EQ(StatusSaid().policy_note, "");
}

TEST_F(TrialTest, ATrialGoesOnAfterARestart) {
  PlugWayOut('2');
  Take(2, kClosedToBoth);
  EXPECT_EQ(NextPolicy().outcome(), event::v1::OUTCOME_ALLOWED);
  NextHealth();
  Restart();
  EXPECT_EQ(StatusSaid().policy_version, 2);
  devices->Send(ipc::RescanDone{});
  for (int i = 0; i < 2; ++i) NextPolicy();  // of before: 1 and 2
  const auto undone = NextPolicy();
  EXPECT_EQ(undone.rule(), "undone");
  EXPECT_EQ(StatusSaid().policy_version, 1);
}

TEST_F(TrialTest, APolicyOnTrialGivesWayToANewerOne) {
  PlugWayOut('2');
  Take(2, kClosedToBoth);
  EXPECT_EQ(NextPolicy().outcome(), event::v1::OUTCOME_ALLOWED);
  Take(3, kOpenToBoth);
  EXPECT_EQ(NextPolicy().changed_version(), 3);
  ExpectAuthorized('2', "1\n");
  Restart();
  devices->Send(ipc::RescanDone{});
  EXPECT_EQ(StatusSaid().policy_version, 3);
  EXPECT_EQ(StatusSaid().policy_note, "");
}

}  // namespace
}  // namespace sekisho::agent
