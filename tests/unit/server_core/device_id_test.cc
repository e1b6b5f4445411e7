#include "server/core/device_id.h"

#include <gtest/gtest.h>

namespace sekisho::core {
namespace {

event::v1::Device Usb(const std::string& serial) {
  event::v1::Device device;
  device.set_vendor_id("0951");
  device.set_product_id("1666");
  device.set_serial(serial);
  return device;
}

TEST(DeviceId, NamesADeviceAndEscapesItsSerial) {
  EXPECT_EQ(DeviceIdOf(Usb("E0D5")), "0951:1666:E0D5");
  EXPECT_EQ(DeviceIdOf(Usb("a\x1b[2J")), "0951:1666:a\\u{1b}[2J");
  EXPECT_EQ(DeviceIdOf(Usb("")), "0951:1666:");
  EXPECT_EQ(DeviceIdOf({}), "");
}

TEST(DeviceId, ComesBackFromItsName) {
  const auto device = DeviceFromId("0951:1666:with:colon");
  ASSERT_TRUE(device);
  EXPECT_EQ(device->serial(), "with:colon");
  EXPECT_TRUE(DeviceFromId("::0x1234"));
  for (const char* bad : {"", "0951", "0951:1666", "951:1666:A", "0951:16G6:A",
                          "0951:1666:a\\x1b"}) {
    EXPECT_FALSE(DeviceFromId(bad)) << bad;
  }
  EXPECT_TRUE(
      DeviceFromId("0951:1666:" + std::string(kMaxDeviceIdBytes - 10, 'a')));
  EXPECT_FALSE(
      DeviceFromId("0951:1666:" + std::string(kMaxDeviceIdBytes - 9, 'a')));
}

TEST(DeviceId, KnowsSerialsThatNameNoSingleDevice) {
  for (const char* weak : {"", "0", "000000", "0123456789ABCDEF"}) {
    EXPECT_TRUE(IsWeakSerial(weak)) << weak;
  }
  EXPECT_FALSE(IsWeakSerial("E0D55EA573F0"));
}

}  // namespace
}  // namespace sekisho::core
