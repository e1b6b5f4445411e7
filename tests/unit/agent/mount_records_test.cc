#include "agent/mount_records.h"

#include <gtest/gtest.h>

#include "common/text.h"
#include "tests/unit/agent/temp_dir.h"

namespace sekisho::agent {
namespace {

MountRecord Sample() {
  MountRecord record;
  record.mount_id = 4711;
  record.mount_point = "/media/sekisho/A\nB";
  record.access = "inspect";
  record.owner_uid = 1000;
  record.sysfs_path = "/sys/devices/usb1/1-1";
  record.device_number = 7;
  record.medium.filesystem = "vfat";
  record.medium.volume_label = std::string("\0\xff=", 3);
  return record;
}

TEST(MountRecord, ComesBackAsItWas) {
  const TempDir dir;
  ASSERT_TRUE(WriteRecord(dir.path() + "/mounts", Sample()));
  const auto records = ReadRecords(dir.path() + "/mounts");
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(Print(records[0]), Print(Sample()));
  EXPECT_EQ(records[0].medium, Sample().medium);
  RemoveRecord(dir.path() + "/mounts", 4711);
  EXPECT_TRUE(ReadRecords(dir.path() + "/mounts").empty());
}

TEST(MountRecord, RefusesWhatIsNotWhole) {
  const std::string text = Print(Sample());
  EXPECT_TRUE(ParseMountRecord(text));
  EXPECT_FALSE(ParseMountRecord(""));
  EXPECT_FALSE(ParseMountRecord(text.substr(0, text.size() / 2)));
  EXPECT_FALSE(ParseMountRecord("x" + text));
}

struct NameCase {
  const char* label;
  const char* name;
};
class MountNames : public testing::TestWithParam<NameCase> {};

TEST_P(MountNames, AreSafe) {
  policy::DeviceFacts facts;
  facts.serial = "SERIAL";
  facts.medium = policy::MediumFacts{};
  facts.medium->volume_label = GetParam().label;
  EXPECT_EQ(MountName(facts, {}), GetParam().name);
}
INSTANTIATE_TEST_SUITE_P(
    Table, MountNames,
    testing::Values(NameCase{"STICK", "STICK"}, NameCase{"", "SERIAL"},
                    NameCase{"  ", "SERIAL"}, NameCase{"..", "_."},
                    NameCase{"../../etc", "_._.._etc"},
                    NameCase{"a/b\nc", "a_b_c"}, NameCase{"顧客", "顧客"},
                    NameCase{"\xff\xfe", "__"}, NameCase{"a\u202eb", "a___b"}));

TEST(MountName, HasACapAndIsNeverTaken) {
  policy::DeviceFacts facts;
  facts.medium = policy::MediumFacts{};
  for (int i = 0; i < 40; ++i) facts.medium->volume_label += "顧";
  const std::string name = MountName(facts, {});
  EXPECT_LE(name.size(), 48u);
  EXPECT_TRUE(IsValidUtf8(name));
  EXPECT_EQ(MountName(facts, {name}), name + "-2");
  EXPECT_EQ(MountName(facts, {name, name + "-2"}), name + "-3");
  EXPECT_EQ(MountName({}, {}), "medium");
}

}  // namespace
}  // namespace sekisho::agent
