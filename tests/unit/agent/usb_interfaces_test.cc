// Authorisation by interface, on a sysfs of files.
#include "agent/usb_interfaces.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

using decide::Authorization;
using policy::UsbInterface;

constexpr UsbInterface kStorage{0x08, 0x06, 0x50};
constexpr UsbInterface kKeys{0x03, 0x01, 0x01};

class UsbInterfacesTest : public testing::Test {
 protected:
  UsbInterfacesTest() {
    dir.Put("1-1/devnum", "4\n");
    dir.Put("1-1/busnum", "1\n");
    dir.Put("1-1/descriptors", "d");
    dir.Put("1-1/authorized", "1");
    dir.Put("bus/drivers_probe", "");
    std::filesystem::create_directory_symlink(dir.path() + "/bus",
                                              dir.path() + "/1-1/subsystem");
    Interface("1-1:1.0", "08", "06", "50");
    Interface("1-1:1.1", "03", "01", "01");
  }
  void Interface(const std::string& name, const std::string& klass,
                 const std::string& subclass, const std::string& protocol) {
    dir.Put("1-1/" + name + "/bInterfaceClass", klass + "\n");
    dir.Put("1-1/" + name + "/bInterfaceSubClass", subclass + "\n");
    dir.Put("1-1/" + name + "/bInterfaceProtocol", protocol + "\n");
    dir.Put("1-1/" + name + "/authorized", "0");
  }
  std::string Words() const {
    return dir.Get("1-1/1-1:1.0/authorized") +
           dir.Get("1-1/1-1:1.1/authorized");
  }
  enforce::UsbDevice Device() {
    return std::move(*enforce::UsbDevice::Open(dir.path() + "/1-1"));
  }
  Authorized Now() { return AuthorizedNow(Device()); }
  Status Set(Authorization reach, decide::Interfaces listed = {}) {
    enforce::UsbDevice device = Device();
    return Authorize(device, {.reach = reach, .listed = std::move(listed)});
  }

  const TempDir dir;
};

TEST_F(UsbInterfacesTest, EachReachIsWrittenAndReadBack) {
  ASSERT_TRUE(Set(Authorization::kAll));
  EXPECT_EQ(Words(), "11");
  EXPECT_EQ(Now().reach, Authorization::kAll);
  ASSERT_TRUE(Set(Authorization::kMedium));
  EXPECT_EQ(Words(), "10");
  EXPECT_EQ(Now().reach, Authorization::kMedium);
  ASSERT_TRUE(Set(Authorization::kListed, {kKeys}));
  EXPECT_EQ(Words(), "01");
  EXPECT_EQ(Now().reach, Authorization::kListed);
  EXPECT_EQ(Now().listed, decide::Interfaces{kKeys});
  ASSERT_TRUE(Set(Authorization::kNone));
  EXPECT_EQ(dir.Get("1-1/authorized"), "0");
  EXPECT_EQ(Now().reach, Authorization::kNone);
}

// A root hub while the kernel sets it up: its bus may have been closed between
// two of its steps, and its one interface with it.
TEST_F(UsbInterfacesTest, ADeviceWithoutInterfacesYetIsNotTakenForOpen) {
  for (const char* interface : {"1-1:1.0", "1-1:1.1"}) {
    std::filesystem::remove_all(dir.path() + "/1-1/" + interface);
  }
  EXPECT_EQ(Now().reach, Authorization::kListed);
  EXPECT_TRUE(Now().listed.empty());
  ASSERT_TRUE(Set(Authorization::kAll));
}

TEST_F(UsbInterfacesTest, SubclassAndProtocolCount) {
  ASSERT_TRUE(
      Set(Authorization::kListed, {kStorage, UsbInterface{0x03, 0x01, 0x02}}));
  EXPECT_EQ(Words(), "10");
}

TEST_F(UsbInterfacesTest, InterfaceThatCannotBeReadIsAnError) {
  dir.Put("1-1/1-1:1.1/bInterfaceProtocol", "zz\n");
  EXPECT_FALSE(Set(Authorization::kMedium));
  EXPECT_EQ(dir.Get("1-1/1-1:1.1/authorized"), "0");
}

TEST_F(UsbInterfacesTest, NothingAllowedIsAnEmptyList) {
  EXPECT_EQ(Now().reach, Authorization::kListed);
  EXPECT_TRUE(Now().listed.empty());
}

}  // namespace
}  // namespace sekisho::agent
