#include <gtest/gtest.h>

#include "agent/enforce/mount.h"

namespace sekisho::enforce {
namespace {

constexpr char kText[] =
    "22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw\n"
    "40 22 8:17 / /media/a\\040b\\134 rw,nosuid - vfat /dev/sdb1 rw,utf8\n"
    "41 22 0:42 / /media/gate rw - fuse.vfat sekisho rw,user_id=0\n";

TEST(ParseMountInfo, ReadsNumbersTypesAndEscapedNames) {
  const auto mounts = ParseMountInfo(kText);
  ASSERT_TRUE(mounts.has_value()) << mounts.error().message;
  ASSERT_EQ(mounts->size(), 3U);
  const MountEntry& stick = (*mounts)[1];
  EXPECT_EQ(stick.id, 40);
  EXPECT_EQ(stick.device, (DeviceNumber{NodeKind::kBlock, 8, 17}));
  EXPECT_EQ(stick.mount_point, "/media/a b\\");
  EXPECT_EQ(stick.type, "vfat");
  EXPECT_EQ(stick.source, "/dev/sdb1");
  EXPECT_EQ((*mounts)[2].type, "fuse.vfat");
}

TEST(ParseMountInfo, RefusesLinesItCannotRead) {
  for (const char* const bad :
       {"x", "22 1 254:1 / / rw - ext4\n", "22 1 2541 / / rw - ext4 a b\n",
        "22 1 a:1 / / rw - ext4 a b\n", "-- 1 1:1 / / rw shared - a b c\n"}) {
    const auto mounts = ParseMountInfo(bad);
    ASSERT_FALSE(mounts.has_value()) << bad;
    EXPECT_EQ(mounts.error().code, Code::kDataLoss);
  }
}

TEST(MountsOf, FindsWhatStandsOnADevice) {
  const auto mounts = ParseMountInfo(kText);
  ASSERT_TRUE(mounts.has_value());
  const auto found = MountsOf(*mounts, {DeviceNumber{NodeKind::kBlock, 8, 17}});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(found[0].source, "/dev/sdb1");
  EXPECT_TRUE(MountsOf(*mounts, {}).empty());
}

TEST(ParseFilesystem, KnowsOnlyWhatWeMount) {
  EXPECT_TRUE(ParseFilesystem("vfat").has_value());
  EXPECT_TRUE(ParseFilesystem("exfat").has_value());
  EXPECT_TRUE(ParseFilesystem("ext4").has_value());
  EXPECT_FALSE(ParseFilesystem("btrfs").has_value());
  EXPECT_FALSE(ParseFilesystem("ntfs").has_value());
}

TEST(MountDetached, RefusesANodeThatIsAnotherDevice) {
  const auto mounted = MountDetached(
      "/dev/null", DeviceNumber{NodeKind::kBlock, 8, 16}, MediumMountOptions{});
  ASSERT_FALSE(mounted.has_value());
  EXPECT_EQ(mounted.error().code, Code::kAborted);
}

TEST(MountFuse, RefusesAnOptionInTheSubtype) {
  FuseMountOptions options;
  options.mount_point = "/nowhere";
  options.subtype = "vfat,suid";
  const auto mounted = MountFuse(options);
  ASSERT_FALSE(mounted.has_value());
  EXPECT_EQ(mounted.error().code, Code::kInvalidArgument);
}

}  // namespace
}  // namespace sekisho::enforce
