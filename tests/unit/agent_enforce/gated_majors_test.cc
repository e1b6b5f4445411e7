#include "agent/enforce/gated_majors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sekisho::enforce {
namespace {

using ::testing::Contains;
using ::testing::Not;

constexpr char kDevices[] =
    "Character devices:\n"
    "  1 mem\n"
    " 21 sg\n"
    "189 usb_device\n"
    "246 nvme\n"
    "248 bsg\n"
    "\n"
    "Block devices:\n"
    "  7 loop\n"
    "  8 sd\n"
    "253 device-mapper\n"
    "254 mspblk\n";

DeviceNumber Block(uint32_t major) { return {NodeKind::kBlock, major, 0}; }
DeviceNumber Char(uint32_t major) { return {NodeKind::kChar, major, 0}; }

TEST(GatedMajors, HoldsFixedOnesWithoutAnyText) {
  const auto majors = GatedMajors("");
  for (const uint32_t sd : {8U, 65U, 71U, 128U, 135U, 11U, 179U, 259U}) {
    EXPECT_THAT(majors, Contains(Block(sd)));
  }
  for (const uint32_t node : {21U, 189U}) {
    EXPECT_THAT(majors, Contains(Char(node)));
  }
}

TEST(GatedMajors, FindsDynamicOnesByNameAndKind) {
  const auto majors = GatedMajors(kDevices);
  EXPECT_THAT(majors, Contains(Char(248)));
  EXPECT_THAT(majors, Contains(Char(246)));
  EXPECT_THAT(majors, Contains(Block(254)));
  EXPECT_THAT(majors, Not(Contains(Block(248))));
}

TEST(GatedMajors, LeavesStackedDevicesAlone) {
  const auto majors = GatedMajors(kDevices);
  EXPECT_THAT(majors, Not(Contains(Block(7))));
  EXPECT_THAT(majors, Not(Contains(Block(253))));
  EXPECT_THAT(majors, Not(Contains(Char(1))));
}

TEST(GatedMajors, IgnoresLinesItCannotRead) {
  const auto majors =
      GatedMajors("Character devices:\nx bsg\n12x bsg\n999999999999 bsg\nbsg");
  EXPECT_EQ(majors, GatedMajors(""));
}

}  // namespace
}  // namespace sekisho::enforce
