#include "agent/enforce/medium_counters.h"

#include <gtest/gtest.h>

#include "tests/unit/agent_enforce/fake_tree.h"

namespace sekisho::enforce {
namespace {

// As 6.1 prints it: 2,000 sectors read and 3,000 written.
constexpr char kStat[] =
    "     100        5     2000       70      200        9     3000      130"
    "        0       60      200        7        0        0        0        3"
    "        1\n";

Disk DiskAt(const FakeTree& tree, const std::string& name, uint64_t sequence) {
  Disk disk;
  disk.name = name;
  disk.sysfs_path = tree.Path("devices/usb1/1-1/block/" + name);
  disk.sequence = sequence;
  return disk;
}

void PutDisk(const FakeTree& tree, const std::string& name,
             const std::string& sequence) {
  const std::string at = "devices/usb1/1-1/block/" + name + "/";
  tree.File(at + "stat", kStat);
  tree.File(at + "diskseq", sequence + "\n");
  tree.File(at + "device/iorequest_cnt", "0x140\n");
  tree.File(at + "queue/logical_block_size", "4096\n");
}

TEST(MediumCounters, SumsWhatTheKernelCounts) {
  const FakeTree tree;
  PutDisk(tree, "sdb", "7");
  PutDisk(tree, "sdc", "8");
  tree.File("devices/usb1/1-1/devnum", "5\n");
  tree.File("devices/usb1/1-1/busnum", "1\n");
  tree.File("devices/usb1/1-1/descriptors", std::string(18, '\x12'));
  tree.File("devices/usb1/1-1/urbnum", "900\n");
  auto usb = UsbDevice::Open(tree.Path("devices/usb1/1-1"));
  ASSERT_TRUE(usb) << usb.error().message;
  const auto counters =
      MediumCounters::Open({DiskAt(tree, "sdb", 7), DiskAt(tree, "sdc", 8)},
                           std::make_shared<const UsbDevice>(std::move(*usb)));
  ASSERT_TRUE(counters) << counters.error().message;
  EXPECT_EQ(counters->sector_bytes(), 4096);
  const auto reading = counters->Read();
  ASSERT_TRUE(reading) << reading.error().message;
  EXPECT_EQ(reading->read_bytes, 2 * 2000 * 512);
  EXPECT_EQ(reading->written_bytes, 2 * 3000 * 512);
  EXPECT_EQ(reading->block_requests, 2 * (100 + 200 + 7 + 3));
  EXPECT_EQ(reading->commands, 2 * 0x140);
  EXPECT_EQ(reading->urbs, 900);
}

TEST(MediumCounters, ADiskWithoutScsiAndUsbHasNeither) {
  const FakeTree tree;
  tree.File("devices/usb1/1-1/block/mmcblk0/stat", kStat);
  const auto counters =
      MediumCounters::Open({DiskAt(tree, "mmcblk0", 0)}, nullptr);
  ASSERT_TRUE(counters) << counters.error().message;
  const auto reading = counters->Read();
  ASSERT_TRUE(reading) << reading.error().message;
  EXPECT_EQ(reading->commands, -1);
  EXPECT_EQ(reading->urbs, -1);
}

TEST(MediumCounters, AnotherDiskInItsPlaceNeverAnswers) {
  const FakeTree tree;
  PutDisk(tree, "sdb", "7");
  EXPECT_FALSE(MediumCounters::Open({DiskAt(tree, "sdb", 6)}, nullptr));
  const auto counters = MediumCounters::Open({DiskAt(tree, "sdb", 7)}, nullptr);
  ASSERT_TRUE(counters) << counters.error().message;
  std::filesystem::remove_all(tree.Path("devices/usb1/1-1/block/sdb"));
  PutDisk(tree, "sdb", "8");
  EXPECT_EQ(counters->Read().error().code, Code::kNotFound);
}

TEST(MediumCounters, WhatIsNoStatIsAnError) {
  CounterReading reading;
  EXPECT_FALSE(AddDiskStat("", &reading));
  EXPECT_FALSE(AddDiskStat("1 2 3", &reading));
  EXPECT_FALSE(
      AddDiskStat("1 2 x 4 5 6 7 8 9 10 11 12 13 14 15 16 17", &reading));
  // Later kernels may add fields.
  EXPECT_TRUE(
      AddDiskStat("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18", &reading));
  EXPECT_EQ(reading.written_bytes, 7 * 512);
}

}  // namespace
}  // namespace sekisho::enforce
