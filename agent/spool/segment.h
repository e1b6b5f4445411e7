// The bytes of a segment file (docs/spool_format.md), as pure functions: what
// to write, and what a file of unknown state holds.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <vector>

#include "common/bytes.h"

namespace sekisho::spool {

// Larger than any event record, smaller than a packet to the uplink.
inline constexpr size_t kMaxRecordBytes = size_t{112} * 1024;
inline constexpr size_t kSegmentHeaderBytes = 64;
inline constexpr size_t kRecordHeaderBytes = 24;
inline constexpr size_t kMinSegmentBytes = 4096;
inline constexpr size_t kMaxSegmentBytes = size_t{64} << 20;

// Place of a record in the order of all records. `epoch` counts the chain's
// beginnings on this disk; it is not the epoch the server gave.
struct Position {
  int32_t epoch = 0;
  int64_t sequence = 0;
  auto operator<=>(const Position&) const = default;
};

// Random for each use of a file, so that what an earlier use left behind never
// passes for a record of this one.
using SegmentId = std::array<std::byte, 16>;

struct SegmentHeader {
  uint64_t ordinal = 0;  // 1, 2, 3 ... in order of use
  SegmentId id{};
  Position first;  // of the first record
};

using SegmentHeaderBytes = std::array<std::byte, kSegmentHeaderBytes>;
SegmentHeaderBytes EncodeSegmentHeader(const SegmentHeader& header);

// Header, record and padding to a multiple of 8.
size_t SizeOnDisk(size_t record_bytes);
Bytes EncodeRecord(const SegmentId& id, Position position, ByteSpan record);

struct RecordPlace {
  int64_t sequence = 0;
  int32_t epoch = 0;
  uint32_t offset = 0;  // of the record's header
  Position position() const { return {epoch, sequence}; }
};

enum class SegmentState {
  kFree,  // never used, given back, or its first write never ended
  kUsed,
  kDamaged,  // neither copy of the header is readable, but something is there
};

struct SegmentScan {
  SegmentState state = SegmentState::kFree;
  SegmentHeader header;
  std::vector<RecordPlace> records;  // in rising order
  // Where the next record goes.
  size_t end = kSegmentHeaderBytes;
  // Unreadable bytes between readable records: `before` is the last readable
  // record ahead of it (nothing: it is at the front), `after` the next.
  struct Hole {
    std::optional<Position> before;
    Position after;
  };
  std::vector<Hole> holes;
  // An unreadable record at the end that claims to come next; kDamaged: what
  // the first record claims to be.
  std::optional<Position> torn;
  // Both copies of the header stand: more may be written. Otherwise the file
  // was cut or its first write was interrupted; it is only read.
  bool whole = false;
};

// Total for any bytes; time is linear in their number. More than
// kMaxSegmentBytes is kDamaged.
SegmentScan ScanSegment(ByteSpan file);

// The record whose header is at `offset`; nothing if it is not whole.
struct RecordView {
  Position position;
  ByteSpan record;
};
std::optional<RecordView> ReadRecord(ByteSpan file, size_t offset,
                                     const SegmentId& id);

}  // namespace sekisho::spool
