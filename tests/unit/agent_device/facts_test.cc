#include "agent/device/facts.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "common/unique_fd.h"

namespace sekisho::device {
namespace {

namespace fs = std::filesystem;

class FactsTest : public testing::Test {
 protected:
  void SetUp() override {
    root_ =
        fs::path(testing::TempDir()) / ("facts-" + std::to_string(::getpid()));
    fs::create_directories(root_ / "device");
  }
  void TearDown() override { fs::remove_all(root_); }

  void Put(const std::string& name, const std::string& content) {
    std::ofstream(root_ / name, std::ios::binary) << content;
  }
  UniqueFd Dir() {
    return UniqueFd(::open(root_.c_str(), O_DIRECTORY | O_CLOEXEC));
  }

  fs::path root_;
};

const std::string kStick =
    std::string(
        "\x12\x01\x00\x02\x00\x00\x00\x40\x51\x09\x66\x16\x00\x01\x01"
        "\x02\x03\x01",
        18) +
    std::string("\x09\x02\x12\x00\x01\x01\x00\x80\x32", 9) +
    std::string("\x09\x04\x00\x00\x02\x08\x06\x50\x00", 9);

TEST_F(FactsTest, TakesIdsFromDescriptorsAndTextsFromSysfs) {
  Put("descriptors", kStick);
  Put("idVendor", "ffff\n");  // what counts are the bytes
  Put("manufacturer", "Kingston\n");
  Put("product", "Data\x01Traveler\n");
  Put("serial", "60A44C\n");
  Put("speed", "480\n");
  const auto facts = UsbFacts(Dir().get(), "1-1.2");
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_EQ(facts->vendor_id, "0951");
  EXPECT_EQ(facts->product_id, "1666");
  EXPECT_EQ(facts->manufacturer, "Kingston");
  EXPECT_EQ(facts->product, "Data\x01Traveler");
  EXPECT_EQ(facts->serial, "60A44C");
  EXPECT_EQ(facts->speed, "480");
  EXPECT_EQ(facts->port, "1-1.2");
  EXPECT_TRUE(HoldsMedium(*facts));
  EXPECT_FALSE(IsKeyboard(*facts));
}

TEST_F(FactsTest, CutsTextsAtTheCap) {
  Put("descriptors", kStick);
  Put("serial", std::string(kMaxStringBytes, 'a') + "\n");
  EXPECT_EQ(UsbFacts(Dir().get(), "1-1")->serial.size(), kMaxStringBytes);
  Put("serial", std::string(kMaxStringBytes + 1, 'a') + "\n");
  EXPECT_EQ(UsbFacts(Dir().get(), "1-1")->serial.size(), kMaxStringBytes);
}

TEST_F(FactsTest, MalformedDescriptorsAreAnErrorAndIdentityStays) {
  Put("descriptors", kStick.substr(0, kStick.size() - 1));
  Put("idVendor", "0951\n");
  Put("idProduct", "1666\n");
  Put("serial", "S1\n");
  const auto facts = UsbFacts(Dir().get(), "1-1");
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, Code::kInvalidArgument);
  const auto identity = IdentityOnly(Dir().get(), "1-1");
  EXPECT_EQ(identity.vendor_id, "0951");
  EXPECT_EQ(identity.serial, "S1");
  EXPECT_TRUE(identity.interfaces.empty());
}

TEST_F(FactsTest, GoneDeviceIsNotFound) {
  const auto facts = UsbFacts(Dir().get(), "1-1");
  ASSERT_FALSE(facts);
  EXPECT_EQ(facts.error().code, Code::kNotFound);
}

TEST_F(FactsTest, ReadsACard) {
  Put("size", "1000\n");
  Put("device/name", "SC16G\n");
  Put("device/manfid", "0x000003\n");
  Put("device/cid", "035344534331364780abcdef\n");
  const auto facts = DiskFacts(
      Dir().get(), "/sys/devices/x/mmc_host/mmc0/mmc0:aaaa/block/mmcblk0");
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->bus, "mmc");
  EXPECT_EQ(facts->vendor_id, "0003");
  EXPECT_EQ(facts->product, "SC16G");
  EXPECT_EQ(facts->serial, "035344534331364780abcdef");
  EXPECT_TRUE(HoldsMedium(*facts));
}

TEST_F(FactsTest, ReadsTheUnitSerialPageWithALyingLength) {
  Put("size", "1000\n");
  Put("device/vpd_pg80", std::string("\x00\x80\x00\x04", 4) + "ABCDEFGH");
  EXPECT_EQ(MediumSerial(Dir().get()), "ABCD");
  Put("device/vpd_pg80", std::string("\x00\x80\xff\xff", 4) + " ABCDEFGH ");
  EXPECT_EQ(MediumSerial(Dir().get()), "ABCDEFGH");
}

TEST(Kinds, KnowKeyboardsAndHubs) {
  policy::DeviceFacts facts;
  facts.interfaces = {{3, 1, 2}};
  EXPECT_FALSE(IsKeyboard(facts));
  facts.interfaces.push_back({3, 1, 1});
  EXPECT_TRUE(IsKeyboard(facts));
  EXPECT_FALSE(IsHub(facts));
  facts.interfaces = {{9, 0, 0}};
  EXPECT_TRUE(IsHub(facts));
}

}  // namespace
}  // namespace sekisho::device
