#include "agent/spool/segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace sekisho::spool {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr size_t kSize = 8192;

struct Sample {
  Bytes file = Bytes(kSize);
  SegmentHeader header{.ordinal = 7, .id = {}, .first = {2, 100}};
  std::vector<size_t> ends{kSegmentHeaderBytes};

  explicit Sample(int records) {
    header.id.fill(std::byte{0x5a});
    const SegmentHeaderBytes bytes = EncodeSegmentHeader(header);
    std::ranges::copy(bytes, file.begin());
    std::ranges::copy(bytes, file.end() - static_cast<ptrdiff_t>(bytes.size()));
    for (int i = 0; i < records; ++i) {
      const std::string text = TextOf(i);
      const Bytes record = EncodeRecord(header.id, {2, 100 + i}, AsBytes(text));
      std::ranges::copy(record,
                        file.begin() + static_cast<ptrdiff_t>(ends.back()));
      ends.push_back(ends.back() + record.size());
    }
  }
  static std::string TextOf(int i) {
    return "event " + std::to_string(i) +
           std::string(static_cast<size_t>(i * 13 % 50), '.');
  }
};

std::vector<int64_t> SequencesOf(const SegmentScan& scan) {
  std::vector<int64_t> out;
  for (const RecordPlace& place : scan.records) out.push_back(place.sequence);
  return out;
}

TEST(Segment, ZerosAreFree) {
  EXPECT_EQ(ScanSegment(Bytes(kSize)).state, SegmentState::kFree);
}

TEST(Segment, ReadsWhatWasWritten) {
  const Sample sample(5);
  const SegmentScan scan = ScanSegment(sample.file);
  ASSERT_EQ(scan.state, SegmentState::kUsed);
  EXPECT_TRUE(scan.whole);
  EXPECT_EQ(scan.header.ordinal, 7U);
  EXPECT_THAT(SequencesOf(scan), ElementsAre(100, 101, 102, 103, 104));
  EXPECT_EQ(scan.end, sample.ends.back());
  EXPECT_THAT(scan.holes, IsEmpty());
  EXPECT_EQ(scan.torn, std::nullopt);
  const auto view =
      ReadRecord(sample.file, scan.records[3].offset, sample.header.id);
  ASSERT_TRUE(view);
  EXPECT_EQ(AsText(view->record), Sample::TextOf(3));
}

TEST(Segment, RecordsOfAnEarlierUseOfTheFileAreNotSeen) {
  Sample sample(5);
  sample.header.id.fill(std::byte{0x11});
  const SegmentHeaderBytes bytes = EncodeSegmentHeader(sample.header);
  std::ranges::copy(bytes, sample.file.begin());
  EXPECT_THAT(ScanSegment(sample.file).records, IsEmpty());
}

TEST(Segment, EveryTruncationGivesTheRecordsThatAreWhole) {
  const Sample sample(20);
  for (size_t size = 1; size < sample.file.size(); ++size) {
    const SegmentScan scan = ScanSegment(ByteSpan(sample.file).first(size));
    if (size < 2 * kSegmentHeaderBytes) {
      EXPECT_EQ(scan.state, SegmentState::kDamaged) << size;
      continue;
    }
    size_t whole = 0;
    while (whole < 20 && sample.ends[whole + 1] <= size) ++whole;
    // A cut in the padding costs nothing.
    EXPECT_GE(scan.records.size(), whole) << size;
    EXPECT_LE(scan.records.size(), whole + 1) << size;
    EXPECT_FALSE(scan.whole);
    EXPECT_THAT(scan.holes, IsEmpty());
  }
}

TEST(Segment, ZerosFromEveryByteOnLeaveThePrefix) {
  const Sample sample(20);
  for (size_t cut = kSegmentHeaderBytes; cut < sample.ends.back(); ++cut) {
    Bytes file = sample.file;
    std::fill(file.begin() + static_cast<ptrdiff_t>(cut),
              file.begin() + static_cast<ptrdiff_t>(sample.ends.back()),
              std::byte{});
    const SegmentScan scan = ScanSegment(file);
    size_t whole = 0;
    while (sample.ends[whole + 1] <= cut) ++whole;
    // Padding is zero anyway, so a cut in it costs nothing.
    EXPECT_GE(scan.records.size(), whole) << cut;
    EXPECT_LE(scan.records.size(), whole + 1) << cut;
    EXPECT_THAT(scan.holes, IsEmpty());
    for (size_t i = 0; i < scan.records.size(); ++i) {
      EXPECT_EQ(scan.records[i].sequence, 100 + static_cast<int64_t>(i));
    }
  }
}

TEST(Segment, EveryBitFlipLosesAtMostOneRecordAndIsNoticed) {
  const Sample sample(20);
  for (size_t bit = 0; bit < sample.ends.back() * 8; ++bit) {
    Bytes file = sample.file;
    file[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const SegmentScan scan = ScanSegment(file);
    ASSERT_EQ(scan.state, SegmentState::kUsed) << bit;
    ASSERT_GE(scan.records.size(), 19U) << bit;
    if (scan.records.size() == 20) continue;
    const bool newest_lost = scan.records.back().sequence != 119;
    if (newest_lost) {
      EXPECT_THAT(scan.holes, IsEmpty());
    } else {
      ASSERT_EQ(scan.holes.size(), 1U) << bit;
      const auto& hole = scan.holes[0];
      EXPECT_EQ(hole.after.sequence - 2,
                hole.before ? hole.before->sequence : 99);
    }
  }
}

TEST(Segment, BothHeadersBrokenIsDamaged) {
  Sample sample(3);
  sample.file[10] ^= std::byte{1};
  sample.file[kSize - 20] ^= std::byte{1};
  const SegmentScan scan = ScanSegment(sample.file);
  EXPECT_EQ(scan.state, SegmentState::kDamaged);
  EXPECT_EQ(scan.torn, (Position{2, 100}));
}

TEST(Segment, TornRecordSaysWhatItWouldHaveBeen) {
  Sample sample(4);
  sample.file[sample.ends[3] + kRecordHeaderBytes] ^= std::byte{1};
  const SegmentScan scan = ScanSegment(sample.file);
  EXPECT_THAT(SequencesOf(scan), ElementsAre(100, 101, 102));
  EXPECT_EQ(scan.torn, (Position{2, 103}));
  EXPECT_EQ(scan.end, sample.ends[3]);
}

TEST(Segment, AnyBytesAreScannedInLinearTime) {
  // Headers that each claim the largest record: checksums must not add up.
  Bytes file = Sample(0).file;
  file.resize(size_t{4} << 20);
  for (size_t at = kSegmentHeaderBytes + 8; at + 8 < file.size(); at += 8) {
    PutU32(&file[at], 0x31524b53);
    PutU32(&file[at + 4], static_cast<uint32_t>(kMaxRecordBytes));
  }
  EXPECT_THAT(ScanSegment(file).records, IsEmpty());
  std::mt19937 random(3);
  for (int round = 0; round < 200; ++round) {
    Sample sample(10);
    for (int i = 0; i < 20; ++i) {
      sample.file[random() % kSize] = static_cast<std::byte>(random());
    }
    ScanSegment(sample.file);
  }
}

TEST(Segment, RecordOfTheLargestSizeAndNoneAbove) {
  const SegmentId id{};
  const std::string largest(kMaxRecordBytes, 'x');
  const Bytes bytes = EncodeRecord(id, {1, 1}, AsBytes(largest));
  EXPECT_TRUE(ReadRecord(bytes, 0, id));
  Bytes longer = bytes;
  longer.resize(bytes.size() + 8);
  PutU32(&longer[4], static_cast<uint32_t>(kMaxRecordBytes + 1));
  EXPECT_FALSE(ReadRecord(longer, 0, id));
}

}  // namespace
}  // namespace sekisho::spool
