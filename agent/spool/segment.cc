#include "agent/spool/segment.h"

#include <algorithm>
#include <cstring>

namespace sekisho::spool {
namespace {

constexpr std::string_view kMagic = "SEKISEG1";
constexpr uint32_t kVersion = 1;
constexpr uint32_t kRecordMagic = 0x31524b53;  // "SKR1"
constexpr size_t kAlignment = 8;

// Offsets in the segment header.
constexpr size_t kVersionAt = 8;
constexpr size_t kOrdinalAt = 16;
constexpr size_t kIdAt = 24;
constexpr size_t kEpochAt = 40;
constexpr size_t kSequenceAt = 48;
constexpr size_t kHeaderCrcAt = 60;

// Offsets in a record's header.
constexpr size_t kSizeAt = 4;
constexpr size_t kRecordEpochAt = 8;
constexpr size_t kRecordSequenceAt = 12;
constexpr size_t kRecordCrcAt = 20;

std::optional<SegmentHeader> DecodeHeader(ByteSpan bytes) {
  if (AsText(bytes.first(kMagic.size())) != kMagic ||
      GetU32(&bytes[kVersionAt]) != kVersion ||
      GetU32(&bytes[kHeaderCrcAt]) != Crc32c(bytes.first(kHeaderCrcAt))) {
    return std::nullopt;
  }
  SegmentHeader header;
  header.ordinal = GetU64(&bytes[kOrdinalAt]);
  std::copy_n(&bytes[kIdAt], header.id.size(), header.id.begin());
  header.first.epoch = static_cast<int32_t>(GetU32(&bytes[kEpochAt]));
  header.first.sequence = static_cast<int64_t>(GetU64(&bytes[kSequenceAt]));
  return header;
}

bool AllZero(ByteSpan bytes) {
  return std::ranges::all_of(bytes,
                             [](std::byte b) { return b == std::byte{}; });
}

Position ClaimedPosition(const std::byte* header) {
  return {static_cast<int32_t>(GetU32(header + kRecordEpochAt)),
          static_cast<int64_t>(GetU64(header + kRecordSequenceAt))};
}

// What bytes that are no whole record say they are.
std::optional<Position> Claim(ByteSpan file, size_t offset) {
  if (file.size() - offset < kRecordHeaderBytes ||
      GetU32(&file[offset]) != kRecordMagic) {
    return std::nullopt;
  }
  return ClaimedPosition(&file[offset]);
}

uint32_t RecordCrc(const SegmentId& id, ByteSpan header, ByteSpan record) {
  return Crc32c(record, Crc32c(header.first(kRecordCrcAt), Crc32c(id)));
}

// Looks for the next whole record after damage. `budget` bounds the bytes whose
// checksum is computed in vain, so that no content makes this quadratic.
size_t FindNextRecord(ByteSpan file, size_t offset, const SegmentId& id,
                      size_t& budget) {
  for (; offset + kRecordHeaderBytes <= file.size(); offset += kAlignment) {
    if (GetU32(&file[offset]) != kRecordMagic) continue;
    const size_t size = GetU32(&file[offset + kSizeAt]);
    if (size > kMaxRecordBytes) continue;
    if (size > budget) break;
    if (ReadRecord(file, offset, id)) return offset;
    budget -= size;
  }
  return file.size();
}

}  // namespace

SegmentHeaderBytes EncodeSegmentHeader(const SegmentHeader& header) {
  SegmentHeaderBytes out{};
  std::ranges::copy(AsBytes(kMagic), out.begin());
  PutU32(&out[kVersionAt], kVersion);
  PutU64(&out[kOrdinalAt], header.ordinal);
  std::ranges::copy(header.id, &out[kIdAt]);
  PutU32(&out[kEpochAt], static_cast<uint32_t>(header.first.epoch));
  PutU64(&out[kSequenceAt], static_cast<uint64_t>(header.first.sequence));
  PutU32(&out[kHeaderCrcAt], Crc32c(ByteSpan(out).first(kHeaderCrcAt)));
  return out;
}

size_t SizeOnDisk(size_t record_bytes) {
  return (kRecordHeaderBytes + record_bytes + kAlignment - 1) / kAlignment *
         kAlignment;
}

Bytes EncodeRecord(const SegmentId& id, Position position, ByteSpan record) {
  CHECK(record.size() <= kMaxRecordBytes);
  Bytes out(SizeOnDisk(record.size()));
  PutU32(&out[0], kRecordMagic);
  PutU32(&out[kSizeAt], static_cast<uint32_t>(record.size()));
  PutU32(&out[kRecordEpochAt], static_cast<uint32_t>(position.epoch));
  PutU64(&out[kRecordSequenceAt], static_cast<uint64_t>(position.sequence));
  PutU32(&out[kRecordCrcAt], RecordCrc(id, out, record));
  std::ranges::copy(record, out.begin() + kRecordHeaderBytes);
  return out;
}

std::optional<RecordView> ReadRecord(ByteSpan file, size_t offset,
                                     const SegmentId& id) {
  if (offset > file.size() || file.size() - offset < kRecordHeaderBytes ||
      GetU32(&file[offset]) != kRecordMagic) {
    return std::nullopt;
  }
  const ByteSpan header = file.subspan(offset, kRecordHeaderBytes);
  const size_t size = GetU32(&header[kSizeAt]);
  if (size > kMaxRecordBytes ||
      size > file.size() - offset - kRecordHeaderBytes) {
    return std::nullopt;
  }
  const ByteSpan record = file.subspan(offset + kRecordHeaderBytes, size);
  if (RecordCrc(id, header, record) != GetU32(&header[kRecordCrcAt])) {
    return std::nullopt;
  }
  return RecordView{ClaimedPosition(header.data()), record};
}

SegmentScan ScanSegment(ByteSpan file) {
  SegmentScan scan;
  if (file.size() < 2 * kSegmentHeaderBytes || file.size() > kMaxSegmentBytes) {
    scan.state = AllZero(file) ? SegmentState::kFree : SegmentState::kDamaged;
    return scan;
  }
  const ByteSpan front = file.first(kSegmentHeaderBytes);
  const ByteSpan back = file.last(kSegmentHeaderBytes);
  auto header = DecodeHeader(front);
  // Giving a file back wipes both copies, and a new use writes both with one
  // sync: a zero copy beside a broken one is a first write that never ended.
  if (!header && !AllZero(front)) header = DecodeHeader(back);
  if (!header) {
    const bool unused = AllZero(front) || AllZero(back);
    scan.state = unused ? SegmentState::kFree : SegmentState::kDamaged;
    if (!unused) scan.torn = Claim(file, kSegmentHeaderBytes);
    return scan;
  }
  scan.state = SegmentState::kUsed;
  scan.header = *header;
  scan.whole = std::ranges::equal(front, back);

  const ByteSpan area =
      scan.whole ? file.first(file.size() - back.size()) : file;
  size_t budget = 4 * file.size();
  size_t offset = kSegmentHeaderBytes;
  while (offset < area.size()) {
    auto view = ReadRecord(area, offset, header->id);
    const auto last = scan.records.empty()
                          ? std::nullopt
                          : std::optional(scan.records.back().position());
    if (!view) {
      const size_t next =
          FindNextRecord(area, offset + kAlignment, header->id, budget);
      if (next >= area.size()) {
        const auto claimed = Claim(area, offset);
        if (claimed && (last ? *claimed > *last : *claimed == header->first)) {
          scan.torn = claimed;
        }
        break;
      }
      view = ReadRecord(area, next, header->id);
      scan.holes.push_back({last, view->position});
      offset = next;
    }
    // Our own writes only ever rise; anything else is not ours to believe.
    if (last && view->position <= *last) break;
    scan.records.push_back({view->position.sequence, view->position.epoch,
                            static_cast<uint32_t>(offset)});
    offset += SizeOnDisk(view->record.size());
  }
  scan.end = std::min(offset, area.size());
  return scan;
}

}  // namespace sekisho::spool
