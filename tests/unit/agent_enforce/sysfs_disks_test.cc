#include "agent/enforce/sysfs_disks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent_enforce/fake_tree.h"

namespace sekisho::enforce {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

constexpr char kUsb[] = "sys/devices/pci0000:00/0000:00:14.0/usb1/1-1";

DeviceNumber Block(uint32_t major, uint32_t minor) {
  return {NodeKind::kBlock, major, minor};
}
DeviceNumber Char(uint32_t major, uint32_t minor) {
  return {NodeKind::kChar, major, minor};
}

class SysfsDisks : public ::testing::Test {
 protected:
  void AddDisk(const std::string& device, const std::string& name,
               const std::string& number) {
    const std::string disk = device + "/block/" + name;
    tree_.File(disk + "/dev", number + "\n");
    tree_.File(disk + "/size", "2048\n");
    tree_.File(disk + "/removable", "1\n");
    tree_.File(disk + "/ro", "0\n");
    tree_.File(disk + "/diskseq", "7\n");
    tree_.Link(disk + "/device", device);
    tree_.Link("sys/block/" + name, disk);
    tree_.Link("sys/dev/block/" + number, disk);
  }
  void AddPartition(const std::string& disk, const std::string& name,
                    const std::string& number, int index) {
    tree_.File(disk + "/" + name + "/dev", number + "\n");
    tree_.File(disk + "/" + name + "/size", "1024\n");
    tree_.File(disk + "/" + name + "/partition", std::to_string(index) + "\n");
    tree_.Link("sys/dev/block/" + number, disk + "/" + name);
  }
  void AddStick() {
    const std::string device =
        std::string(kUsb) + "/1-1:1.0/host4/target4:0:0/4:0:0:0";
    AddDisk(device, "sdb", "8:16");
    AddPartition(device + "/block/sdb", "sdb1", "8:17", 1);
    tree_.File(device + "/scsi_generic/sg1/dev", "21:1\n");
    tree_.File(device + "/bsg/4:0:0:0/dev", "248:1\n");
  }
  void AddSystemDisk() {
    const std::string device = "sys/devices/pci0000:00/ata1/1:0:0:0";
    AddDisk(device, "sda", "8:0");
    AddPartition(device + "/block/sda", "sda1", "8:1", 1);
    AddPartition(device + "/block/sda", "sda2", "8:2", 2);
    tree_.File(device + "/scsi_generic/sg0/dev", "21:0\n");
  }
  void AddMapper(const std::string& name, const std::string& number,
                 const std::string& slave_name, const std::string& slave) {
    const std::string disk = "sys/devices/virtual/block/" + name;
    tree_.File(disk + "/dev", number + "\n");
    tree_.Link(disk + "/slaves/" + slave_name, slave);
    tree_.Link("sys/block/" + name, disk);
    tree_.Link("sys/dev/block/" + number, disk);
  }
  std::string Sys() const { return tree_.Path("sys"); }
  std::string Proc() const { return tree_.Path("proc"); }

  FakeTree tree_;
};

TEST_F(SysfsDisks, FindsEveryNodeOfAStick) {
  AddStick();
  AddSystemDisk();
  const auto disks = DisksOfUsbDevice(tree_.Path(kUsb), Sys());
  ASSERT_TRUE(disks.has_value()) << disks.error().message;
  ASSERT_EQ(disks->size(), 1U);
  const Disk& disk = disks->front();
  EXPECT_EQ(disk.name, "sdb");
  EXPECT_EQ(disk.size_bytes, 2048U * 512);
  EXPECT_EQ(disk.sequence, 7U);
  EXPECT_TRUE(disk.removable);
  EXPECT_TRUE(disk.external);
  ASSERT_EQ(disk.partitions.size(), 1U);
  EXPECT_EQ(disk.partitions[0].name, "sdb1");
  EXPECT_EQ(disk.partitions[0].size_bytes, 1024U * 512);
  EXPECT_THAT(disk.AllNodes(), ElementsAre(Block(8, 16), Block(8, 17),
                                           Char(21, 1), Char(248, 1)));
}

TEST_F(SysfsDisks, DoesNotTakeTheNeighboursDisk) {
  AddStick();
  tree_.File("sys/devices/pci0000:00/0000:00:14.0/usb1/1-10/devnum", "5\n");
  AddDisk("sys/devices/pci0000:00/0000:00:14.0/usb1/1-10/1-10:1.0/host5/a",
          "sdc", "8:32");
  const auto disks = DisksOfUsbDevice(tree_.Path(kUsb), Sys());
  ASSERT_TRUE(disks.has_value());
  EXPECT_EQ(disks->size(), 1U);
}

TEST_F(SysfsDisks, TellsADeviceThatIsGoneFromOneWithoutDisks) {
  tree_.File("sys/block/keep", "");
  tree_.File(std::string(kUsb) + "/devnum", "2\n");
  const auto none = DisksOfUsbDevice(tree_.Path(kUsb), Sys());
  ASSERT_TRUE(none.has_value());
  EXPECT_THAT(*none, IsEmpty());
  const auto gone = DisksOfUsbDevice(tree_.Path("sys/devices/x"), Sys());
  ASSERT_FALSE(gone.has_value());
  EXPECT_EQ(gone.error().code, Code::kNotFound);
}

TEST_F(SysfsDisks, JudgesExternalByThePathNotByRemovable) {
  AddSystemDisk();  // says removable=1 of itself
  const auto internal = ReadDisk("sda", Sys());
  ASSERT_TRUE(internal.has_value());
  EXPECT_FALSE(internal->external);

  const std::string port = "sys/devices/pci0000:00/0000:00:1d.0";
  tree_.File(port + "/external_facing", "1\n");
  AddDisk(port + "/0000:02:00.0/nvme/nvme1", "nvme1n1", "259:4");
  tree_.File(port + "/0000:02:00.0/nvme/nvme1/dev", "246:1\n");
  const auto enclosure = ReadDisk("nvme1n1", Sys());
  ASSERT_TRUE(enclosure.has_value());
  EXPECT_TRUE(enclosure->external);
  EXPECT_THAT(enclosure->generic_nodes, ElementsAre(Char(246, 1)));

  const std::string card = "sys/devices/pci0000:00/mmc_host/mmc0/mmc0:0001";
  AddDisk(card, "mmcblk0", "179:0");
  tree_.File(card + "/type", "SD\n");
  EXPECT_TRUE(ReadDisk("mmcblk0", Sys())->external);
  tree_.File(card + "/type", "MMC\n");
  EXPECT_FALSE(ReadDisk("mmcblk0", Sys())->external) << "soldered";
}

TEST_F(SysfsDisks, RefusesNamesThatArePaths) {
  EXPECT_FALSE(ReadDisk("../sda", Sys()).has_value());
  EXPECT_FALSE(ReadDisk("", Sys()).has_value());
}

TEST_F(SysfsDisks, ListsRealDisksOnly) {
  AddSystemDisk();
  AddStick();
  AddMapper("dm-0", "254:0", "sda2",
            "sys/devices/pci0000:00/ata1/1:0:0:0/block/sda/sda2");
  const auto disks = AllDisks(Sys());
  ASSERT_TRUE(disks.has_value());
  EXPECT_EQ(disks->size(), 2U);
}

TEST_F(SysfsDisks, FollowsTheSystemThroughEncryptedVolumes) {
  AddSystemDisk();
  AddStick();
  const std::string sda = "sys/devices/pci0000:00/ata1/1:0:0:0/block/sda";
  AddMapper("dm-0", "254:0", "sda2", sda + "/sda2");
  AddMapper("dm-1", "254:1", "dm-0", "sys/devices/virtual/block/dm-0");
  tree_.File("proc/1/mountinfo",
             "22 1 254:1 / / rw - ext4 /dev/mapper/vg-root rw\n"
             "23 22 8:17 / /media/stick rw - vfat /dev/sdb1 rw\n"
             "24 22 0:5 / /proc rw - proc proc rw\n");
  tree_.File("proc/swaps", "Filename Type Size Used Priority\n");
  const auto nodes = SystemDisks(Sys(), Proc());
  ASSERT_TRUE(nodes.has_value()) << nodes.error().message;
  EXPECT_THAT(*nodes,
              UnorderedElementsAre(Block(254, 0), Block(254, 1), Block(8, 0),
                                   Block(8, 1), Block(8, 2), Char(21, 0)));
}

TEST_F(SysfsDisks, KeepsMountedInternalDisksAndSystemsOnAStick) {
  AddSystemDisk();
  AddStick();
  tree_.File("proc/1/mountinfo",
             "22 1 8:17 / / rw - ext4 /dev/sdb1 rw\n"
             "23 22 8:1 / /home rw - ext4 /dev/sda1 rw\n");
  const auto nodes = SystemDisks(Sys(), Proc());
  ASSERT_TRUE(nodes.has_value());
  EXPECT_THAT(*nodes, ::testing::IsSupersetOf({Block(8, 17), Block(8, 1)}));
}

TEST_F(SysfsDisks, EndsOnAStackThatHoldsItself) {
  AddMapper("dm-0", "254:0", "dm-1", "sys/devices/virtual/block/dm-1");
  AddMapper("dm-1", "254:1", "dm-0", "sys/devices/virtual/block/dm-0");
  tree_.File("proc/1/mountinfo", "22 1 254:0 / / rw - ext4 x rw\n");
  const auto nodes = SystemDisks(Sys(), Proc());
  ASSERT_TRUE(nodes.has_value());
  EXPECT_THAT(*nodes, UnorderedElementsAre(Block(254, 0), Block(254, 1)));
}

TEST_F(SysfsDisks, FailsWithoutAMountList) {
  EXPECT_FALSE(SystemDisks(Sys(), Proc()).has_value());
}

}  // namespace
}  // namespace sekisho::enforce
