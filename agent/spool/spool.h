// Keeps event records until the server has committed them: bounded, reserved on
// disk, durable when Append() returns. Knows positions and bytes, not events.
// The bytes on disk are in docs/spool_format.md.
//
// All state is derived from the segment files at Open(); there is no index or
// ledger that could disagree with them. One thread. Numbers: 64 MiB hold about
// 100,000 events of 600 bytes, and memory holds 16 bytes for each of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/spool/disk.h"
#include "agent/spool/segment.h"
#include "common/result.h"

namespace sekisho::spool {

inline constexpr size_t kMaxQuarantined = 4;
inline constexpr size_t kMaxSegments = 4096;

struct SpoolOptions {
  // Made with mode 0700 when missing; locked against a second opener.
  std::string dir;
  // All segments together; rounded down to whole segments, at least three.
  int64_t size_bytes = int64_t{64} << 20;
  // Part of size_bytes that only AppendReserved() uses; rounded up to whole
  // segments, at least one.
  int64_t reserve_bytes = int64_t{1} << 20;
  int64_t segment_bytes = int64_t{1} << 20;  // at least 4096
};

struct SpooledRecord {
  Position position;
  std::string bytes;
};

enum class ProblemKind {
  kTornTail,    // a write that never became durable was cut off at Open()
  kCorrupt,     // records that had been durable are unreadable
  kBadSegment,  // the disk failed a write or fsync; that file is retired
  kSpace,       // a segment could not be made; the spool is smaller
};

// What went wrong since it was last asked for. kCorrupt: `from`..`to` are gone.
// kTornTail: `from` == `to` is what the torn record claims to be, or nothing.
struct Problem {
  ProblemKind kind = ProblemKind::kCorrupt;
  std::string text;  // for the log
  std::optional<Position> from;
  std::optional<Position> to;
};

class Spool {
 public:
  // Makes missing segments (space is really reserved: blocks are written),
  // recovers what is there, cuts a torn tail, moves segments without a readable
  // header aside. Damage is not an error: see TakeProblems(). Errors: the
  // directory cannot be used, another process holds it (kFailedPrecondition),
  // or fewer than three segments can be had (kResourceExhausted).
  // `disk` null: the real one; otherwise it must outlive the spool.
  static Result<std::unique_ptr<Spool>> Open(const SpoolOptions& options,
                                             Disk* disk = nullptr);
  virtual ~Spool() = default;

  // Durable when it returns OK. `position` must be after every earlier one.
  // kResourceExhausted: full but for the reserve, nothing written, try again
  // after Ack(). Other errors: the disk refused in two files one after the
  // other; the record may still be found by the next Open().
  virtual Status Append(Position position, std::string_view record) = 0;
  // The same, and may use the reserve: for the event that says what was lost.
  virtual Status AppendReserved(Position position, std::string_view record) = 0;

  // Up to `max_records` in order that come after `after` (whether or not
  // `after` is still kept), as many as fit in `max_bytes` but at least one.
  // Empty: none. A record found damaged is skipped and becomes a Problem.
  virtual Result<std::vector<SpooledRecord>> ReadAfter(Position after,
                                                       size_t max_records,
                                                       size_t max_bytes) = 0;
  // The newest record; it is kept whatever is acknowledged, so that the chain
  // can go on from it. Empty: none was ever written.
  virtual Result<std::optional<SpooledRecord>> ReadLast() = 0;

  // Everything at or before `position` is committed at the server: whole
  // segments are given back. Later than the newest record counts as all.
  virtual Status Ack(Position position) = 0;

  virtual std::vector<Problem> TakeProblems() = 0;

  virtual std::optional<Position> last() const = 0;
  virtual Position acked() const = 0;
  // Records after acked().
  virtual int64_t pending_count() const = 0;
  virtual int64_t used_bytes() const = 0;  // of size_bytes, in whole segments
  virtual int64_t size_bytes() const = 0;  // what could really be reserved
  // True while Append() would refuse the largest record.
  virtual bool full() const = 0;
};

}  // namespace sekisho::spool
