#include "agent/enforce/crypt_mapping.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace sekisho::enforce {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr int64_t kDeviceSectors = 100'000;

CryptVolume Volume() {
  CryptVolume volume;
  volume.device = {NodeKind::kBlock, 8, 17};
  volume.cipher = "aes-xts-plain64";
  volume.key = "0123456789abcdef0123456789abcdef";
  volume.segments = {{.start_sector = 0,
                      .length_sectors = 60'000,
                      .device_sector = 32'768,
                      .iv_sector = 0}};
  return volume;
}

TEST(CryptMapping, NamesTheKeyAndNeverShowsIt) {
  CryptVolume volume = Volume();
  volume.sector_bytes = 4096;
  volume.segments.push_back({.start_sector = 60'000,
                             .length_sectors = 128,
                             .device_sector = -1,
                             .iv_sector = 0});
  const auto table = TableOf(volume, "sekisho:one");
  ASSERT_EQ(table.size(), 2u);
  EXPECT_EQ(table[0].target, "crypt");
  EXPECT_EQ(table[0].parameters,
            "aes-xts-plain64 :32:logon:sekisho:one 0 8:17 32768 1 "
            "sector_size:4096");
  EXPECT_EQ(table[1].target, "zero");
  EXPECT_EQ(table[1].parameters, "");
}

TEST(CryptMapping, TakesWhatFits) {
  EXPECT_TRUE(CheckVolume(Volume(), kDeviceSectors));
}

TEST(CryptMapping, RefusesWhatAForeignHeaderMayClaim) {
  const auto refused = [](auto change) {
    CryptVolume volume = Volume();
    change(volume);
    const Status checked = CheckVolume(volume, kDeviceSectors);
    EXPECT_FALSE(checked);
    return checked ? std::string() : checked.error().message;
  };
  EXPECT_THAT(refused([](CryptVolume& v) { v.cipher = "aes 0 8:1 0 1 x"; }),
              HasSubstr("cipher"));
  EXPECT_THAT(refused([](CryptVolume& v) { v.cipher = ""; }),
              HasSubstr("cipher"));
  EXPECT_THAT(refused([](CryptVolume& v) { v.key = ""; }), HasSubstr("key"));
  EXPECT_THAT(refused([](CryptVolume& v) { v.sector_bytes = 1000; }),
              HasSubstr("sector"));
  EXPECT_THAT(refused([](CryptVolume& v) { v.segments.clear(); }),
              HasSubstr("data"));
  EXPECT_THAT(refused([](CryptVolume& v) { v.segments[0].start_sector = 8; }),
              HasSubstr("gaps"));
  EXPECT_THAT(
      refused([](CryptVolume& v) { v.segments[0].length_sectors = 90'000; }),
      HasSubstr("end of the device"));
  EXPECT_THAT(
      refused([](CryptVolume& v) { v.segments[0].length_sectors = INT64_MAX; }),
      HasSubstr("gaps"));
}

TEST(CryptMapping, FindsOursAmongOthers) {
  const std::string root = testing::TempDir() + "/mappings";
  std::filesystem::remove_all(root);
  const auto put = [&](const std::string& device, const std::string& name) {
    const std::string dir = root + "/block/" + device + "/dm";
    std::filesystem::create_directories(dir);
    std::ofstream(dir + "/name") << name << "\n";
  };
  put("dm-0", "vg-root");
  put("dm-1", "sekisho-8-17-5");
  put("sda", "sekisho-no");
  EXPECT_THAT(OurMappings(root), ElementsAre("sekisho-8-17-5"));
  std::filesystem::remove_all(root);
}

}  // namespace
}  // namespace sekisho::enforce
