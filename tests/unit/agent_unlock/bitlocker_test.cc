// Headers made here after the format's description; volumes that Windows made
// cannot be made on this system.
#include "agent/unlock/bitlocker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <random>
#include <string>

#include "common/unique_fd.h"

namespace sekisho::unlock {
namespace {

using testing::HasSubstr;

constexpr int64_t kMiB = int64_t{1} << 20;
constexpr int64_t kSize = 64 * kMiB;

class BitlockerTest : public testing::Test {
 protected:
  BitlockerTest() : fd_(::memfd_create("volume", MFD_CLOEXEC)) {
    EXPECT_EQ(::ftruncate(fd_.get(), kSize), 0);
    Put(3, "-FVE-FS-");
    const int64_t offsets[] = {8 * kMiB, 20 * kMiB, 40 * kMiB};
    for (size_t i = 0; i < 3; ++i) {
      Number(176 + 8 * static_cast<int64_t>(i), offsets[i], 8);
      Block(offsets[i]);
    }
  }
  void Put(int64_t at, const std::string& bytes) {
    EXPECT_EQ(::pwrite(fd_.get(), bytes.data(), bytes.size(), at),
              static_cast<ssize_t>(bytes.size()));
  }
  void Number(int64_t at, int64_t value, int size) {
    std::string bytes;
    for (int i = 0; i < size; ++i) {
      bytes.push_back(static_cast<char>(value >> (8 * i)));
    }
    Put(at, bytes);
  }
  // An entry that is nothing to us, then the one of the volume's header.
  void Block(int64_t at) {
    Put(at, "-FVE-FS-");
    Number(at + 64, 48 + 40 + 24, 4);
    Number(at + 112, 40, 2);
    Number(at + 114, 2, 2);
    Number(at + 152, 24, 2);
    Number(at + 154, 0x000f, 2);
    Number(at + 160, 8 * kMiB + kBitlockerMetadataBytes, 8);
    Number(at + 168, 8192, 8);
  }
  Result<BitlockerLayout> Read() const {
    return ReadBitlockerLayout(fd_.get(), kSize);
  }

  const UniqueFd fd_;
};

TEST_F(BitlockerTest, ReadsWhereThePartsAre) {
  EXPECT_TRUE(LooksLikeBitlocker(fd_.get()));
  const auto layout = Read();
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(*layout, (BitlockerLayout{
                         .metadata_offsets = {8 * kMiB, 20 * kMiB, 40 * kMiB},
                         .header_offset = 8 * kMiB + kBitlockerMetadataBytes,
                         .header_bytes = 8192}));
}

TEST_F(BitlockerTest, ReadsToGoVolumesAndTheSecondBlock) {
  Put(3, "MSWIN4.1");
  for (int i = 0; i < 3; ++i) Number(440 + 8 * i, (8 + 12 * i) * kMiB, 8);
  Put(8 * kMiB, "damaged!");
  const auto layout = Read();
  ASSERT_TRUE(layout) << layout.error().message;
  EXPECT_EQ(layout->header_bytes, 8192);
}

TEST_F(BitlockerTest, CoversTheVolumeWithoutGapOrOverlap) {
  const auto segments = BitlockerSegments(*Read(), kSize);
  ASSERT_TRUE(segments) << segments.error().message;
  int64_t next = 0;
  int64_t zeros = 0;
  for (const auto& segment : *segments) {
    EXPECT_EQ(segment.start_sector, next);
    next += segment.length_sectors;
    if (segment.device_sector < 0) {
      zeros += segment.length_sectors;
    } else {
      EXPECT_EQ(segment.iv_sector, segment.device_sector);
    }
  }
  EXPECT_EQ(next, kSize / 512);
  EXPECT_EQ(zeros, (3 * kBitlockerMetadataBytes + 8192) / 512);
  // The file system's first sectors come from where they were moved to.
  EXPECT_EQ(segments->front().device_sector,
            (8 * kMiB + kBitlockerMetadataBytes) / 512);
  EXPECT_EQ((*segments)[1].start_sector, (*segments)[1].device_sector);
}

TEST_F(BitlockerTest, OverlapsAndPlacesOutsideAreErrors) {
  BitlockerLayout layout = *Read();
  layout.metadata_offsets[1] = layout.metadata_offsets[0] + 512;
  EXPECT_FALSE(BitlockerSegments(layout, kSize));
  layout = *Read();
  layout.header_bytes = kSize;
  EXPECT_FALSE(BitlockerSegments(layout, kSize));
  Number(176, kSize, 8);
  EXPECT_THAT(Read().error().message, HasSubstr("outside"));
  Number(176, -512, 8);
  EXPECT_FALSE(Read());
}

TEST_F(BitlockerTest, DamagedMetadataIsAnErrorOrWithinTheVolume) {
  std::mt19937 random(5);
  for (int round = 0; round < 3000; ++round) {
    for (int i = 0; i < 4; ++i) {
      const bool sector = random() % 2 == 0;
      const int64_t at =
          static_cast<int64_t>(random() % 200) + (sector ? 0 : 8 * kMiB);
      Number(at, static_cast<int64_t>(random()), 1);
    }
    const auto layout = Read();
    if (!layout) {
      Put(3, "-FVE-FS-");
      for (int i = 0; i < 3; ++i) Number(176 + 8 * i, (8 + 12 * i) * kMiB, 8);
      Block(8 * kMiB);
      continue;
    }
    const auto segments = BitlockerSegments(*layout, kSize);
    if (!segments) continue;
    for (const auto& segment : *segments) {
      EXPECT_LE(segment.device_sector + segment.length_sectors, kSize / 512);
    }
  }
}

}  // namespace
}  // namespace sekisho::unlock
