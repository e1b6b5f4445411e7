#include "agent/spool/spool.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <deque>
#include <map>
#include <set>

namespace sekisho::spool {
namespace {

constexpr std::string_view kSegmentPrefix = "segment-";
constexpr std::string_view kQuarantinePrefix = "bad-";
constexpr std::string_view kTemporarySuffix = ".new";
constexpr size_t kMinSegments = 3;

struct Segment {
  std::string name;
  SegmentHeader header;
  std::vector<RecordPlace> records;  // never empty
  size_t end = 0;
  bool writable = false;
  bool bad = false;  // the disk failed it: retired instead of used again
  Position last() const { return records.back().position(); }
};

std::string Text(Position position) {
  return fmt::format("{}/{}", position.epoch, position.sequence);
}

Position After(Position position) {
  return {position.epoch, position.sequence + 1};
}
Position Before(Position position) {
  return {position.epoch, position.sequence - 1};
}

// First record after `position`.
std::vector<RecordPlace>::const_iterator FirstAfter(
    const std::vector<RecordPlace>& records, Position position) {
  return std::ranges::upper_bound(records, position, {},
                                  &RecordPlace::position);
}

class SegmentedSpool final : public Spool {
 public:
  SegmentedSpool(const SpoolOptions& options, std::unique_ptr<Disk> own_disk,
                 Disk* disk)
      : segment_bytes_(static_cast<size_t>(options.segment_bytes)),
        target_count_(
            static_cast<size_t>(options.size_bytes / options.segment_bytes)),
        reserve_count_(static_cast<size_t>(std::max<int64_t>(
            (options.reserve_bytes + options.segment_bytes - 1) /
                options.segment_bytes,
            1))),
        own_disk_(std::move(own_disk)),
        disk_(*(disk != nullptr ? disk : own_disk_.get())) {}

  Status Start(const std::string& dir) {
    RETURN_IF_ERROR(disk_.Claim(dir));
    ASSIGN_OR_RETURN(const std::vector<std::string> names, disk_.List());
    for (const std::string& name : names) RETURN_IF_ERROR(Adopt(name));
    std::ranges::sort(used_, {},
                      [](const Segment& s) { return s.header.ordinal; });
    TrimAndCheckOrder();
    ReportDamaged();
    MakeMissing();
    if (used_.size() + free_.size() < kMinSegments) {
      return Fail(Code::kResourceExhausted,
                  fmt::format("only {} of {} spool segments can be had",
                              used_.size() + free_.size(), target_count_));
    }
    if (!used_.empty()) {
      acked_ = Before(used_.front().records.front().position());
      return SettleNewest();
    }
    return {};
  }

  Status Append(Position position, std::string_view record) override {
    return AppendWithin(position, record, reserve_count_);
  }
  Status AppendReserved(Position position, std::string_view record) override {
    return AppendWithin(position, record, 0);
  }

  Result<std::vector<SpooledRecord>> ReadAfter(Position after,
                                               size_t max_records,
                                               size_t max_bytes) override {
    std::vector<SpooledRecord> out;
    size_t total = 0;
    for (Segment& segment : used_) {
      if (segment.last() <= after) continue;
      auto file = disk_.Open(segment.name);
      const auto begin = FirstAfter(segment.records, after);
      const std::vector<RecordPlace> places(begin, segment.records.cend());
      for (const RecordPlace& place : places) {
        if (out.size() == max_records) return out;
        auto record = file ? ReadPlace(**file, segment.header.id, place)
                           : std::unexpected(file.error());
        if (!record) {
          Lose(segment, place, record.error());
          continue;
        }
        if (!out.empty() && total + record->bytes.size() > max_bytes) {
          return out;
        }
        total += record->bytes.size();
        out.push_back(std::move(*record));
      }
    }
    return out;
  }

  Result<std::optional<SpooledRecord>> ReadLast() override {
    if (used_.empty()) return std::nullopt;
    const Segment& segment = used_.back();
    ASSIGN_OR_RETURN(const auto file, disk_.Open(segment.name));
    ASSIGN_OR_RETURN(auto record, ReadPlace(*file, segment.header.id,
                                            segment.records.back()));
    return record;
  }

  Status Ack(Position position) override {
    if (used_.empty()) return {};
    acked_ = std::max(acked_, std::min(position, used_.back().last()));
    // The newest segment stays: it holds the newest record.
    while (used_.size() > 1 && used_.front().last() <= acked_) {
      GiveBack(used_.front());
      used_.pop_front();
    }
    return {};
  }

  std::vector<Problem> TakeProblems() override {
    return std::exchange(problems_, {});
  }
  std::optional<Position> last() const override {
    if (used_.empty()) return std::nullopt;
    return used_.back().last();
  }
  Position acked() const override { return acked_; }
  int64_t pending_count() const override {
    int64_t count = 0;
    for (const Segment& segment : used_) {
      count += segment.records.cend() - FirstAfter(segment.records, acked_);
    }
    return count;
  }
  int64_t used_bytes() const override {
    return static_cast<int64_t>(used_.size() * segment_bytes_);
  }
  int64_t size_bytes() const override {
    return static_cast<int64_t>((used_.size() + free_.size()) * segment_bytes_);
  }
  bool full() const override {
    if (free_.size() > reserve_count_) return false;
    return free_.size() < reserve_count_ ||
           !FitsActive(SizeOnDisk(LargestRecord()));
  }

 private:
  size_t LargestRecord() const {
    return std::min(kMaxRecordBytes, segment_bytes_ - 2 * kSegmentHeaderBytes -
                                         kRecordHeaderBytes);
  }

  // ---- recovery ----

  Status Adopt(const std::string& name) {
    if (name.ends_with(kTemporarySuffix)) return disk_.Remove(name);
    if (name.starts_with(kQuarantinePrefix)) {
      quarantined_.push_back(name);
      const std::string_view digits =
          std::string_view(name).substr(kQuarantinePrefix.size());
      std::from_chars(digits.data(), digits.data() + digits.size(),
                      newest_quarantined_);
      return {};
    }
    if (!name.starts_with(kSegmentPrefix)) return {};
    names_.insert(name);
    ASSIGN_OR_RETURN(const auto file, disk_.Open(name));
    const auto size = static_cast<size_t>(file->size_bytes());
    Bytes bytes(std::min(size, kMaxSegmentBytes + 1));
    if (auto read = file->ReadAt(0, bytes); !read) {
      damaged_.push_back({name, read.error().message, std::nullopt});
      return {};
    }
    SegmentScan scan = ScanSegment(bytes);
    switch (scan.state) {
      case SegmentState::kFree:
        if (size == segment_bytes_) {
          free_.push_back(name);
          return {};
        }
        names_.erase(name);
        return disk_.Remove(name);
      case SegmentState::kDamaged:
        damaged_.push_back({name, "its header is unreadable", scan.torn});
        return {};
      case SegmentState::kUsed:
        break;
    }
    next_ordinal_ = std::max(next_ordinal_, scan.header.ordinal + 1);
    for (const SegmentScan::Hole& hole : scan.holes) {
      problems_.push_back(
          {ProblemKind::kCorrupt, name + ": records are unreadable",
           hole.before ? After(*hole.before) : scan.header.first,
           Before(hole.after)});
    }
    if (scan.records.empty()) {
      NoteTorn(name, scan);
      Segment empty{name, scan.header, {}, 0, false, false};
      GiveBack(empty);
      return {};
    }
    torn_[name] = scan;
    torn_[name].records.clear();
    used_.push_back({name, scan.header, std::move(scan.records), scan.end,
                     scan.whole && size == segment_bytes_, false});
    return {};
  }

  void NoteTorn(const std::string& name, const SegmentScan& scan) {
    if (!scan.torn) return;
    problems_.push_back({ProblemKind::kTornTail,
                         fmt::format("{}: record {} was not written whole",
                                     name, Text(*scan.torn)),
                         scan.torn, scan.torn});
  }

  // A write that failed in one file was made again in the next: what the next
  // segment starts with counts.
  void TrimAndCheckOrder() {
    for (size_t i = 0; i + 1 < used_.size(); ++i) {
      std::vector<RecordPlace>& records = used_[i].records;
      const Position next = used_[i + 1].header.first;
      while (!records.empty() && records.back().position() >= next) {
        records.pop_back();
      }
      if (records.empty()) continue;
      const Position expected = After(used_[i].last());
      if (next.epoch == expected.epoch && next > expected) {
        problems_.push_back({ProblemKind::kCorrupt,
                             "records between two segments are missing",
                             expected, Before(next)});
      }
    }
    for (Segment& segment : used_) {
      if (segment.records.empty()) GiveBack(segment);
    }
    std::erase_if(used_, [](const Segment& s) { return s.records.empty(); });
    if (!used_.empty()) NoteTorn(used_.back().name, torn_[used_.back().name]);
    torn_.clear();
  }

  void ReportDamaged() {
    for (const Damaged& file : damaged_) {
      Problem problem{ProblemKind::kCorrupt,
                      fmt::format("{} was set aside: {}", file.name, file.why),
                      file.claim, std::nullopt};
      const auto newest = last();
      if (file.claim && newest && *file.claim <= *newest) {
        problem.from.reset();
        problem.to = Before(used_.front().header.first);
      } else if (file.claim && newest) {
        problem.from = After(*newest);
      }
      problems_.push_back(std::move(problem));
      Quarantine(file.name);
    }
    damaged_.clear();
  }

  void MakeMissing() {
    for (size_t number = 0;
         used_.size() + free_.size() < target_count_ && number < kMaxSegments;
         ++number) {
      const std::string name = fmt::format("{}{:04}", kSegmentPrefix, number);
      if (names_.contains(name)) continue;
      auto made = disk_.Create(name, static_cast<int64_t>(segment_bytes_));
      if (!made) {
        problems_.push_back(
            {ProblemKind::kSpace, made.error().message, {}, {}});
        return;
      }
      names_.insert(name);
      free_.push_back(name);
    }
    while (used_.size() + free_.size() > target_count_ && !free_.empty()) {
      Drop(free_.back());
      free_.pop_back();
    }
  }

  // ---- writing ----

  Status AppendWithin(Position position, std::string_view record,
                      size_t keep_free) {
    if (record.size() > LargestRecord()) {
      return Fail(Code::kInvalidArgument, "record is too long for the spool");
    }
    if (!used_.empty() && position <= used_.back().last()) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("record {} is not after {}", Text(position),
                              Text(used_.back().last())));
    }
    Status written;
    for (int attempt = 0; attempt < 2; ++attempt) {
      if (free_.size() < keep_free || (!FitsActive(SizeOnDisk(record.size())) &&
                                       free_.size() <= keep_free)) {
        // A disk that failed in the first attempt is the better answer.
        return written ? Fail(Code::kResourceExhausted, "the spool is full")
                       : written;
      }
      written = FitsActive(SizeOnDisk(record.size()))
                    ? WriteToActive(position, record)
                    : WriteToNew(position, record);
      if (written) return written;
    }
    return written;
  }

  bool FitsActive(size_t size) const {
    return active_ != nullptr &&
           used_.back().end + size <= segment_bytes_ - kSegmentHeaderBytes;
  }

  Status WriteToActive(Position position, std::string_view record) {
    Segment& segment = used_.back();
    const Bytes bytes =
        EncodeRecord(segment.header.id, position, AsBytes(record));
    auto written = active_->WriteAt(static_cast<int64_t>(segment.end), bytes);
    if (written) written = active_->Sync();
    if (!written) {
      active_.reset();
      segment.bad = true;
      NoteBad(segment.name, written.error());
      return written;
    }
    segment.records.push_back({position.sequence, position.epoch,
                               static_cast<uint32_t>(segment.end)});
    segment.end += bytes.size();
    return {};
  }

  // The header, its copy and the first record become durable together.
  Status WriteToNew(Position position, std::string_view record) {
    active_.reset();
    Segment segment;
    segment.name = free_.front();
    free_.pop_front();
    segment.header.ordinal = next_ordinal_++;
    segment.header.first = position;
    FillRandom(segment.header.id);
    auto file = StartSegment(segment, position, record);
    if (!file) {
      NoteBad(segment.name, file.error());
      Quarantine(segment.name);
      return std::unexpected(std::move(file).error());
    }
    segment.writable = true;
    segment.records.push_back(
        {position.sequence, position.epoch, kSegmentHeaderBytes});
    segment.end = kSegmentHeaderBytes + SizeOnDisk(record.size());
    used_.push_back(std::move(segment));
    active_ = std::move(*file);
    return {};
  }

  Result<std::unique_ptr<DiskFile>> StartSegment(const Segment& segment,
                                                 Position position,
                                                 std::string_view record) {
    const SegmentHeaderBytes header = EncodeSegmentHeader(segment.header);
    Bytes front(header.begin(), header.end());
    const Bytes first =
        EncodeRecord(segment.header.id, position, AsBytes(record));
    front.insert(front.end(), first.begin(), first.end());
    ASSIGN_OR_RETURN(auto file, disk_.Open(segment.name));
    RETURN_IF_ERROR(file->WriteAt(0, front));
    RETURN_IF_ERROR(file->WriteAt(
        static_cast<int64_t>(segment_bytes_ - header.size()), header));
    RETURN_IF_ERROR(file->Sync());
    return file;
  }

  // After a failed sync the kernel may show bytes that are not on the disk, and
  // the process that knew may be gone. Only the newest record can be such: it
  // is written and synced once more, here or in another file.
  Status SettleNewest() {
    ASSIGN_OR_RETURN(const auto newest, ReadLast());
    Segment& segment = used_.back();
    const RecordPlace place = segment.records.back();
    auto rewritten = Rewrite(segment, *newest);
    if (rewritten) {
      if (segment.writable) active_ = std::move(*rewritten);
      return {};
    }
    NoteBad(segment.name, rewritten.error());
    segment.bad = true;
    if (free_.empty()) return std::unexpected(std::move(rewritten).error());
    RETURN_IF_ERROR(WriteToNew(newest->position, newest->bytes));
    Segment& before = used_[used_.size() - 2];
    std::erase_if(before.records, [&](const RecordPlace& other) {
      return other.offset == place.offset;
    });
    if (before.records.empty()) {
      GiveBack(before);
      used_.erase(used_.end() - 2);
    }
    return {};
  }

  Result<std::unique_ptr<DiskFile>> Rewrite(const Segment& segment,
                                            const SpooledRecord& newest) {
    ASSIGN_OR_RETURN(auto file, disk_.Open(segment.name));
    const SegmentHeaderBytes header = EncodeSegmentHeader(segment.header);
    RETURN_IF_ERROR(file->WriteAt(0, header));
    if (segment.writable) {
      RETURN_IF_ERROR(file->WriteAt(
          static_cast<int64_t>(segment_bytes_ - header.size()), header));
    }
    Bytes record =
        EncodeRecord(segment.header.id, newest.position, AsBytes(newest.bytes));
    // Without the padding: a cut file may end before it.
    record.resize(kRecordHeaderBytes + newest.bytes.size());
    RETURN_IF_ERROR(file->WriteAt(segment.records.back().offset, record));
    RETURN_IF_ERROR(file->Sync());
    return file;
  }

  // ---- reading ----

  Result<SpooledRecord> ReadPlace(DiskFile& file, const SegmentId& id,
                                  const RecordPlace& place) {
    Bytes bytes(kRecordHeaderBytes);
    RETURN_IF_ERROR(file.ReadAt(place.offset, bytes));
    const size_t size = GetU32(&bytes[4]);
    if (size > kMaxRecordBytes) {
      return Fail(Code::kDataLoss, "its length is not possible");
    }
    bytes.resize(kRecordHeaderBytes + size);
    RETURN_IF_ERROR(file.ReadAt(place.offset, bytes));
    const auto view = ReadRecord(bytes, 0, id);
    if (!view || view->position != place.position()) {
      return Fail(Code::kDataLoss, "its checksum is wrong");
    }
    return SpooledRecord{view->position, std::string(AsText(view->record))};
  }

  void Lose(Segment& segment, const RecordPlace& place, const Error& error) {
    const Position position = place.position();
    problems_.push_back({ProblemKind::kCorrupt,
                         fmt::format("{}: record {}: {}", segment.name,
                                     Text(position), error.message),
                         position, position});
    // The newest stays in the index: positions must go on rising from it.
    if (segment.records.size() == 1) return;
    if (&segment == &used_.back() && segment.last() == position) return;
    std::erase_if(segment.records, [&](const RecordPlace& other) {
      return other.offset == place.offset;
    });
  }

  // ---- files ----

  void GiveBack(const Segment& segment) {
    if (segment.bad) return Quarantine(segment.name);
    auto wiped = Wipe(segment.name);
    if (!wiped) {
      NoteBad(segment.name, wiped.error());
      return Quarantine(segment.name);
    }
    free_.push_back(segment.name);
  }

  Status Wipe(const std::string& name) {
    ASSIGN_OR_RETURN(const auto file, disk_.Open(name));
    if (static_cast<size_t>(file->size_bytes()) != segment_bytes_) {
      RETURN_IF_ERROR(disk_.Remove(name));
      return disk_.Create(name, static_cast<int64_t>(segment_bytes_));
    }
    const SegmentHeaderBytes zeros{};
    RETURN_IF_ERROR(file->WriteAt(0, zeros));
    RETURN_IF_ERROR(file->WriteAt(
        static_cast<int64_t>(segment_bytes_ - zeros.size()), zeros));
    return file->Sync();
  }

  // Kept for whoever wants to look; the oldest of them make room. That a file
  // cannot even be renamed changes nothing: it is not used again.
  void Quarantine(const std::string& name) {
    names_.insert(name);
    const std::string aside =
        fmt::format("{}{:06}", kQuarantinePrefix, ++newest_quarantined_);
    if (!disk_.Rename(name, aside)) return;
    names_.erase(name);
    quarantined_.push_back(aside);
    while (quarantined_.size() > kMaxQuarantined) {
      Drop(quarantined_.front());
      quarantined_.erase(quarantined_.begin());
    }
  }

  void Drop(const std::string& name) {
    names_.erase(name);
    if (auto removed = disk_.Remove(name); !removed) {
      problems_.push_back(
          {ProblemKind::kSpace, removed.error().message, {}, {}});
    }
  }

  void NoteBad(const std::string& name, const Error& error) {
    problems_.push_back({ProblemKind::kBadSegment,
                         fmt::format("{} is retired: {}", name, error.message),
                         {},
                         {}});
  }

  struct Damaged {
    std::string name;
    std::string why;
    std::optional<Position> claim;
  };

  const size_t segment_bytes_;
  const size_t target_count_;
  const size_t reserve_count_;
  const std::unique_ptr<Disk> own_disk_;
  Disk& disk_;

  std::deque<Segment> used_;  // by ordinal, that is by position
  std::deque<std::string> free_;
  std::unique_ptr<DiskFile> active_;  // used_.back(), while it takes records
  uint64_t next_ordinal_ = 1;
  Position acked_;
  std::vector<Problem> problems_;
  std::set<std::string> names_;           // of all segment files there are
  std::vector<std::string> quarantined_;  // oldest first
  uint32_t newest_quarantined_ = 0;

  // Only while opening.
  std::vector<Damaged> damaged_;
  std::map<std::string, SegmentScan> torn_;
};

}  // namespace

Result<std::unique_ptr<Spool>> Spool::Open(const SpoolOptions& options,
                                           Disk* disk) {
  const bool sane =
      options.segment_bytes >= static_cast<int64_t>(kMinSegmentBytes) &&
      options.segment_bytes <= static_cast<int64_t>(kMaxSegmentBytes) &&
      options.segment_bytes % 8 == 0 && options.reserve_bytes >= 0 &&
      options.size_bytes - options.reserve_bytes >= 2 * options.segment_bytes &&
      options.size_bytes / options.segment_bytes >=
          static_cast<int64_t>(kMinSegments) &&
      options.size_bytes / options.segment_bytes <=
          static_cast<int64_t>(kMaxSegments);
  if (!sane) {
    return Fail(Code::kInvalidArgument, "spool sizes do not fit each other");
  }
  auto own = disk == nullptr ? NewPosixDisk() : nullptr;
  auto spool = std::make_unique<SegmentedSpool>(options, std::move(own), disk);
  if (auto started = spool->Start(options.dir); !started) {
    return Wrap("spool " + options.dir, std::move(started).error());
  }
  return spool;
}

}  // namespace sekisho::spool
