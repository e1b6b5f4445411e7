#include "agent/enforce/usb_authorizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <thread>

#include "tests/unit/agent_enforce/fake_tree.h"

namespace sekisho::enforce {
namespace {

using ::testing::ElementsAre;

class UsbAuthorizer : public ::testing::Test {
 protected:
  UsbAuthorizer() {
    tree_.File("1-1/devnum", "4\n");
    tree_.File("1-1/busnum", "1\n");
    tree_.File("1-1/descriptors", std::string("\x12\x01\x00\x02", 4));
    tree_.File("1-1/authorized", "0");
    tree_.File("1-1/serial", "A\n1\n");
    tree_.File("1-1/dev", "189:3\n");
    tree_.File("1-1/1-1:1.0/authorized", "0");
    tree_.File("1-1/1-1:1.0/bInterfaceClass", "08\n");
    tree_.File("1-1/1-1:1.1/authorized", "0");
    tree_.File("1-1/1-1.2/devnum", "5\n");
    tree_.File("bus/drivers_probe", "");
    tree_.Link("1-1/subsystem", "bus");
  }
  Result<UsbDevice> Open() { return UsbDevice::Open(tree_.Path("1-1")); }
  // What a fast replug looks like: the path names another device.
  void Replug() {
    std::filesystem::rename(tree_.Path("1-1"), tree_.Path("old"));
    tree_.File("1-1/devnum", "5\n");
    tree_.File("1-1/authorized", "0");
  }

  FakeTree tree_;
};

TEST_F(UsbAuthorizer, ReadsWhatTheDeviceSays) {
  const auto device = Open();
  ASSERT_TRUE(device.has_value()) << device.error().message;
  EXPECT_EQ(device->name(), "1-1");
  EXPECT_EQ(device->devnum(), 4);
  EXPECT_EQ(device->busnum(), 1);
  EXPECT_EQ(device->descriptors().size(), 4U);
  EXPECT_EQ(device->ReadAttribute("serial").value(), "A\n1");
  EXPECT_EQ(device->UsbfsMinor().value(), 3U);
  EXPECT_EQ(device->ReadInterfaceAttribute("1-1:1.0", "bInterfaceClass"),
            std::string("08"));
  EXPECT_THAT(device->Interfaces().value(), ElementsAre("1-1:1.0", "1-1:1.1"));
}

TEST_F(UsbAuthorizer, AuthorizesWhatItLookedAt) {
  auto device = Open();
  ASSERT_TRUE(device.has_value());
  ASSERT_TRUE(device->Authorize().has_value());
  EXPECT_EQ(tree_.Read("1-1/authorized"), "1");
  EXPECT_TRUE(device->IsAuthorized().value());
  ASSERT_TRUE(device->Deauthorize().has_value());
  EXPECT_EQ(tree_.Read("1-1/authorized"), "0");
}

TEST_F(UsbAuthorizer, NeverAuthorizesWhatTookThePlace) {
  auto device = Open();
  ASSERT_TRUE(device.has_value());
  Replug();
  (void)device->Authorize();
  EXPECT_EQ(tree_.Read("1-1/authorized"), "0");
}

TEST_F(UsbAuthorizer, RefusesADeviceThatChanged) {
  auto device = Open();
  ASSERT_TRUE(device.has_value());
  tree_.File("1-1/descriptors", std::string("\x12\x01\x00\x03", 4));
  const Status status = device->Authorize();
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().code, Code::kAborted);
  EXPECT_EQ(tree_.Read("1-1/authorized"), "0");
}

TEST_F(UsbAuthorizer, SaysGoneWhenTheNodeIsEmptied) {
  auto device = Open();
  ASSERT_TRUE(device.has_value());
  std::filesystem::remove_all(tree_.Path("1-1"));
  EXPECT_EQ(device->VerifyUnchanged().error().code, Code::kAborted);
  EXPECT_EQ(device->Deauthorize().error().code, Code::kNotFound);
}

TEST_F(UsbAuthorizer, CapsDescriptors) {
  tree_.File("1-1/descriptors", std::string(kMaxDescriptorBytes, 'x'));
  EXPECT_TRUE(Open().has_value());
  tree_.File("1-1/descriptors", std::string(kMaxDescriptorBytes + 1, 'x'));
  const auto device = Open();
  ASSERT_FALSE(device.has_value());
  EXPECT_EQ(device.error().code, Code::kResourceExhausted);
}

TEST_F(UsbAuthorizer, AllowsOneInterfaceAndAsksForItsDriver) {
  auto device = Open();
  ASSERT_TRUE(device.has_value());
  ASSERT_TRUE(
      device->SetInterface("1-1:1.0", UsbDevice::InterfaceState::kAllowed)
          .has_value());
  EXPECT_EQ(tree_.Read("1-1/1-1:1.0/authorized"), "1");
  EXPECT_EQ(tree_.Read("1-1/1-1:1.1/authorized"), "0");
  EXPECT_EQ(tree_.Read("bus/drivers_probe"), "1-1:1.0");
}

TEST_F(UsbAuthorizer, RefusesNamesThatArePaths) {
  auto device = Open();
  ASSERT_TRUE(device.has_value());
  EXPECT_FALSE(device->ReadAttribute("../bus/drivers_probe").has_value());
  EXPECT_FALSE(device->ReadAttribute("").has_value());
  EXPECT_FALSE(device->SetInterface("..", UsbDevice::InterfaceState::kAllowed)
                   .has_value());
}

TEST_F(UsbAuthorizer, RefusesWhatIsNoUsbDevice) {
  EXPECT_FALSE(UsbDevice::Open(tree_.Path("bus")).has_value());
  tree_.File("1-1/devnum", "many\n");
  EXPECT_FALSE(Open().has_value());
}

class RootHub : public ::testing::Test {
 protected:
  RootHub() {
    tree_.File("usb3/devnum", "1\n");
    tree_.File("usb3/busnum", "3\n");
    tree_.File("usb3/descriptors", std::string("\x12\x01\x00\x02", 4));
    tree_.File("bus/drivers_probe", "");
    tree_.Link("usb3/subsystem", "bus");
  }
  Status LetIn(std::chrono::milliseconds patience = std::chrono::seconds(20)) {
    return LetRootHubIn(tree_.Path("usb3"), patience);
  }

  const std::string authorized_ = "usb3/3-0:1.0/authorized";
  FakeTree tree_;
};

TEST_F(RootHub, ThatIsDeadIsLetIn) {
  tree_.File(authorized_, "0");
  ASSERT_TRUE(LetIn());
  EXPECT_EQ(tree_.Read(authorized_), "1");
  EXPECT_EQ(tree_.Read("bus/drivers_probe"), "3-0:1.0");
}

TEST_F(RootHub, ThatLivesIsLeftAlone) {
  tree_.File(authorized_, "1\n");
  ASSERT_TRUE(LetIn());
  EXPECT_EQ(tree_.Read("bus/drivers_probe"), "");
}

TEST_F(RootHub, IsWaitedForUntilTheKernelHasMadeIt) {
  std::thread kernel([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    tree_.File("made/authorized", "0");
    std::filesystem::rename(tree_.Path("made"), tree_.Path("usb3/3-0:1.0"));
  });
  EXPECT_TRUE(LetIn());
  kernel.join();
  EXPECT_EQ(tree_.Read(authorized_), "1");
}

TEST_F(RootHub, ThatNeverComesIsTold) {
  const Status in = LetIn(std::chrono::milliseconds(10));
  ASSERT_FALSE(in);
  EXPECT_EQ(in.error().code, Code::kDeadlineExceeded);
  std::filesystem::remove_all(tree_.Path("usb3"));
  EXPECT_EQ(LetIn().error().code, Code::kNotFound);
}

TEST(UsbBuses, ThatComeLaterAreClosedToo) {
  FakeTree tree;
  const std::string parameter = "module/usbcore/parameters/authorized_default";
  EXPECT_EQ(
      SetAuthorizedDefaultOfNewBuses(AuthorizedDefault::kNone, tree.root())
          .error()
          .code,
      Code::kNotFound);
  tree.File(parameter, "");
  ASSERT_TRUE(
      SetAuthorizedDefaultOfNewBuses(AuthorizedDefault::kNone, tree.root()));
  EXPECT_EQ(tree.Read(parameter), "0");
  tree.File(parameter, "");
  ASSERT_TRUE(
      SetAuthorizedDefaultOfNewBuses(AuthorizedDefault::kAll, tree.root()));
  EXPECT_EQ(tree.Read(parameter), "-1");
}

TEST(UsbBuses, ListsRootHubsAndSetsTheirDefaults) {
  FakeTree tree;
  tree.File("bus/usb/devices/usb1/authorized_default", "1");
  tree.File("bus/usb/devices/usb1/interface_authorized_default", "1");
  tree.File("bus/usb/devices/usb2/authorized_default", "1");
  tree.File("bus/usb/devices/1-1/authorized", "1");
  const auto buses = UsbBuses(tree.root());
  ASSERT_TRUE(buses.has_value());
  ASSERT_EQ(buses->size(), 2U);
  ASSERT_TRUE(SetAuthorizedDefault((*buses)[0], AuthorizedDefault::kNone));
  EXPECT_EQ(tree.Read("bus/usb/devices/usb1/authorized_default"), "0");
  ASSERT_TRUE(SetInterfaceAuthorizedDefault(
      (*buses)[0], UsbDevice::InterfaceState::kBlocked));
  EXPECT_EQ(tree.Read("bus/usb/devices/usb1/interface_authorized_default"),
            "0");
  EXPECT_FALSE(SetStorageDelay(0, tree.root()).has_value());
}

}  // namespace
}  // namespace sekisho::enforce
