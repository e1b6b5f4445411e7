#include "agent/spool/event_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>

#include <cstring>
#include <deque>
#include <set>
#include <tuple>

#include "agent/spool/chain_name.h"
#include "common/file.h"
#include "common/text.h"

namespace sekisho::spool {
namespace {

using event::v1::EventRecord;
using event::v1::PersonalPart;
using event::v1::PublicPart;

constexpr char kKeyFile[] = "/chain.key";
constexpr char kNameFile[] = "/chain.id";
constexpr char kBootIdFile[] = "/proc/sys/kernel/random/boot_id";
constexpr size_t kSmallFileBytes = 4096;
constexpr size_t kCarryBatch = 64;

Result<std::optional<std::string>> ReadIfThere(const std::string& path) {
  auto content = ReadFileAt(AT_FDCWD, path, kSmallFileBytes);
  if (content) return std::move(*content);
  if (content.error().code == Code::kNotFound) return std::nullopt;
  return std::unexpected(std::move(content).error());
}

google::protobuf::Timestamp ToTimestamp(WallTime time) {
  const auto us = time.time_since_epoch().count();
  google::protobuf::Timestamp out;
  out.set_seconds(us / 1'000'000);
  out.set_nanos(static_cast<int32_t>(us % 1'000'000) * 1000);
  return out;
}

Result<EventRecord> Parse(const SpooledRecord& spooled) {
  EventRecord record;
  if (!record.ParseFromString(spooled.bytes) ||
      record.sequence() != spooled.position.sequence) {
    return Fail(Code::kDataLoss, "spooled record is not an event");
  }
  return record;
}

// What was lost, until a GAP tells it.
struct Loss {
  int64_t count = 0;
  google::protobuf::Timestamp from;
  google::protobuf::Timestamp to;
  std::string reason;
  int64_t untold = 0;   // of `count`, not yet in any GAP
  int64_t tell_at = 1;  // untold losses that are worth a part of the reserve
};

class SignedEventLog final : public EventLog {
 public:
  SignedEventLog(const EventLogOptions& options, Spool& spool,
                 const Clock& clock)
      : state_dir_(options.state_dir),
        boot_id_(options.boot_id),
        spool_(spool),
        clock_(clock) {}

  Status Recover() {
    if (boot_id_.empty()) {
      ASSIGN_OR_RETURN(const std::string text,
                       ReadFileAt(AT_FDCWD, kBootIdFile, kSmallFileBytes));
      boot_id_ = Trim(text);
    }
    RETURN_IF_ERROR(LoadKey());
    RETURN_IF_ERROR(LoadName());
    if (name_.agent_id.empty()) return {};
    head_ = {name_.epoch, 0, {}};
    CollectProblems();
    const auto last = spool_.last();
    if (!last) return {};
    if (last->epoch > name_.beginning) {
      return Fail(Code::kDataLoss,
                  "the spool is of a later beginning than the chain's name");
    }
    if (head_damaged_) {
      return StartAnew("the newest events were unreadable", Lost::kUnknown);
    }
    if (last->epoch == name_.beginning) {
      if (auto read = ReadHead(); !read) {
        return StartAnew(read.error().message, Lost::kUnknown);
      }
    }
    return CarryOver();
  }

  const event::ChainPublicKey& public_key() const override {
    return key_.public_key;
  }
  const std::string& agent_id() const override { return name_.agent_id; }
  event::Head head() const override { return head_; }

  Status Start(const std::string& agent_id, int32_t epoch) override {
    if (agent_id.empty() || agent_id.find('\n') != std::string::npos ||
        epoch <= 0) {
      return Fail(Code::kInvalidArgument, "agent id or epoch is not possible");
    }
    if (agent_id == name_.agent_id && epoch == name_.epoch) return {};
    if (agent_id == name_.agent_id && epoch < name_.epoch) {
      return Fail(Code::kInvalidArgument,
                  fmt::format("epoch {} is before {}", epoch, name_.epoch));
    }
    RETURN_IF_ERROR(Begin(agent_id, epoch, 0));
    RETURN_IF_ERROR(CarryOver());
    WriteHeld();
    return {};
  }

  Result<Written> Write(PublicPart public_part,
                        const PersonalPart& personal_part) override {
    Stamp(public_part);
    Written written;
    written.event_id = public_part.event_id();
    if (name_.agent_id.empty()) {
      if (held_.size() < kMaxHeldEvents) {
        held_.emplace_back(std::move(public_part), personal_part);
      } else {
        Count(public_part, "before enrolment");
      }
      return written;
    }
    Status opened;
    if (owes_opening()) {
      opened = OpenEpoch();
    } else if (loss_.untold > 0 && !spool_.full()) {
      // Its failure shows again below.
      std::ignore = TellLoss(Room::kCommon);
    }
    auto head = opened ? Put(public_part, personal_part, Room::kCommon)
                       : std::unexpected(opened.error());
    if (!head) {
      Count(public_part, head.error().code == Code::kResourceExhausted
                             ? "the spool was full"
                             : "the disk failed");
      if (loss_.untold >= loss_.tell_at && TellLoss(Room::kReserve)) {
        loss_.tell_at *= 2;
      }
      return std::unexpected(std::move(head).error());
    }
    loss_.tell_at = 1;
    written.kept = Kept::kDurable;
    written.head = *head;
    return written;
  }

  Result<std::vector<SpooledRecord>> ReadAfter(const event::Head& acked,
                                               size_t max_records,
                                               size_t max_bytes) override {
    if (name_.agent_id.empty()) return std::vector<SpooledRecord>();
    // A server at an earlier epoch takes this one from its beginning.
    Position from{name_.beginning,
                  acked.epoch == name_.epoch ? acked.sequence : 0};
    const Position given_back = spool_.acked();
    if (acked.sequence == 0) from = std::max(from, given_back);
    if (from < given_back) {
      return Fail(Code::kDataLoss,
                  fmt::format("the server stands at {}, but acknowledged {} "
                              "before",
                              from.sequence, given_back.sequence));
    }
    ASSIGN_OR_RETURN(auto records,
                     spool_.ReadAfter(from, max_records, max_bytes));
    CollectProblems();
    int64_t expected = from.sequence + 1;
    for (const SpooledRecord& record : records) {
      if (record.position != Position{name_.beginning, expected++}) {
        RETURN_IF_ERROR(
            StartAnew("events in the spool were unreadable", Lost::kCounted));
        return spool_.ReadAfter({name_.beginning, 0}, max_records, max_bytes);
      }
    }
    return records;
  }

  Status Ack(const event::Head& head) override {
    if (head.sequence == 0 || name_.agent_id.empty()) return {};
    if (head.epoch < name_.epoch) return {};
    if (head.epoch > name_.epoch || head.sequence > head_.sequence) {
      return Fork(head, "the server is ahead of this disk");
    }
    if (head.sequence == head_.sequence) {
      if (head.hash != head_.hash) return Fork(head, "another newest event");
    } else if (PositionOf(head) > spool_.acked()) {
      ASSIGN_OR_RETURN(
          const auto records,
          spool_.ReadAfter({name_.beginning, head.sequence - 1}, 1, 1));
      if (!records.empty() && records[0].position.sequence == head.sequence) {
        ASSIGN_OR_RETURN(const EventRecord record, Parse(records[0]));
        if (event::HeadOf(record).hash != head.hash) {
          return Fork(head, "another event at that place");
        }
      }
    }
    return spool_.Ack(PositionOf(head));
  }

  int64_t lost_count() const override { return loss_.untold; }
  int64_t spooled_count() const override { return spool_.pending_count(); }
  int64_t spool_used_bytes() const override { return spool_.used_bytes(); }
  int64_t spool_size_bytes() const override { return spool_.size_bytes(); }
  std::vector<Problem> TakeProblems() override {
    CollectProblems();
    return std::exchange(problems_, {});
  }

 private:
  enum class Room { kCommon, kReserve };
  // Whether the damage left holes that can be counted.
  enum class Lost { kCounted, kUnknown };

  // ---- what is on disk beside the spool ----

  Status LoadKey() {
    const std::string path = state_dir_ + kKeyFile;
    ASSIGN_OR_RETURN(const auto bytes, ReadIfThere(path));
    if (!bytes) {
      if (spool_.last()) {
        return Fail(Code::kDataLoss, path + " is gone, but there are events");
      }
      key_ = event::NewChainKeyPair();
      return ReplaceFile(path, AsText(key_.secret_key), 0600);
    }
    if (bytes->size() != key_.secret_key.size()) {
      return Fail(Code::kDataLoss, path + " is damaged");
    }
    std::memcpy(key_.secret_key.data(), bytes->data(), bytes->size());
    crypto_sign_ed25519_sk_to_pk(
        reinterpret_cast<unsigned char*>(key_.public_key.data()),
        reinterpret_cast<const unsigned char*>(key_.secret_key.data()));
    return {};
  }

  // Without chain.id the newest event says whose chain it is.
  Status LoadName() {
    ASSIGN_OR_RETURN(const auto text, ReadIfThere(state_dir_ + kNameFile));
    if (text) {
      ASSIGN_OR_RETURN(name_, ParseName(*text));
      return {};
    }
    if (!spool_.last()) return {};
    ASSIGN_OR_RETURN(const auto last, spool_.ReadLast());
    ASSIGN_OR_RETURN(const EventRecord record, Parse(*last));
    PublicPart part;
    if (!part.ParseFromString(record.public_part())) {
      return Fail(Code::kDataLoss, "the newest event does not parse");
    }
    name_ = {part.agent_id(), record.epoch(), last->position.epoch, 0, {}};
    return SaveName();
  }

  Status SaveName() {
    return ReplaceFile(state_dir_ + kNameFile, PrintName(name_), 0600);
  }

  // From here on events are of this chain, whatever happens next.
  Status Begin(const std::string& agent_id, int32_t epoch,
               int32_t closed_epoch) {
    const ChainName before = std::exchange(
        name_,
        {agent_id, epoch, name_.beginning + 1, closed_epoch, std::nullopt});
    if (spool_.last()) {
      // Unfinished carrying goes on from where it was.
      name_.carry_after = before.carry_after.value_or(spool_.acked());
      name_.beginning = std::max(name_.beginning, spool_.last()->epoch + 1);
    }
    if (auto saved = SaveName(); !saved) {
      name_ = before;
      return saved;
    }
    head_ = {epoch, 0, {}};
    return {};
  }

  Position PositionOf(const event::Head& head) const {
    return {name_.beginning, head.sequence};
  }

  Status ReadHead() {
    ASSIGN_OR_RETURN(const auto last, spool_.ReadLast());
    ASSIGN_OR_RETURN(const EventRecord record, Parse(*last));
    head_ = event::HeadOf(record);
    return {};
  }

  // ---- writing ----

  void Stamp(PublicPart& part) const {
    if (part.event_id().empty()) {
      part.set_event_id(std::string(AsText(NewUuid7(clock_.Now()))));
    }
    if (!part.has_occur_time()) {
      *part.mutable_occur_time() = ToTimestamp(clock_.Now());
      part.set_since_boot_microseconds(clock_.SinceBoot().count());
    }
    part.set_boot_id(boot_id_);
  }

  // The head moves only when the record is durable.
  Result<event::Head> Put(PublicPart part, const PersonalPart& personal,
                          Room room) {
    part.set_agent_id(name_.agent_id);
    event::Head next = head_;
    ASSIGN_OR_RETURN(
        const EventRecord record,
        event::Append(next, std::move(part), personal, key_.secret_key));
    std::string bytes;
    if (!record.SerializeToString(&bytes)) {
      return Fail(Code::kInternal, "event does not serialise");
    }
    RETURN_IF_ERROR(room == Room::kReserve
                        ? spool_.AppendReserved(PositionOf(next), bytes)
                        : spool_.Append(PositionOf(next), bytes));
    head_ = next;
    return next;
  }

  // What does not fit is counted like any other loss.
  void WriteHeld() {
    if (loss_.untold > 0) std::ignore = TellLoss(Room::kCommon);
    while (!held_.empty()) {
      auto [part, personal] = std::move(held_.front());
      held_.pop_front();
      std::ignore = Write(std::move(part), personal);
    }
  }

  // ---- losses ----

  void Count(const PublicPart& part, std::string_view reason) {
    CountMany(1, part.occur_time(), part.occur_time(), reason);
  }
  void CountMany(int64_t count, const google::protobuf::Timestamp& from,
                 const google::protobuf::Timestamp& to,
                 std::string_view reason) {
    if (loss_.untold == 0) loss_.from = from;
    loss_.untold += count;
    loss_.to = to;
    loss_.reason = reason;
  }

  PublicPart MakeGap() const {
    PublicPart gap;
    gap.set_kind(event::v1::EVENT_KIND_GAP);
    gap.set_lost_count(loss_.untold);
    *gap.mutable_lost_from_time() = loss_.from;
    *gap.mutable_lost_to_time() = loss_.to;
    gap.set_reason(fmt::format("{} events could not be kept: {}.", loss_.untold,
                               loss_.reason));
    Stamp(gap);
    return gap;
  }

  Status TellLoss(Room room) {
    auto put = Put(MakeGap(), PersonalPart(), room);
    if (!put) return std::unexpected(std::move(put).error());
    loss_.untold = 0;
    return {};
  }

  // ---- damage ----

  void CollectProblems() {
    for (Problem& problem : spool_.TakeProblems()) {
      if (problem.kind == ProblemKind::kCorrupt && !problem.to) {
        head_damaged_ = true;
      }
      problems_.push_back(std::move(problem));
    }
  }

  Status StartAnew(std::string_view reason, Lost lost) {
    problems_.push_back({ProblemKind::kCorrupt,
                         fmt::format("the chain starts anew: {}", reason),
                         {},
                         {}});
    const int32_t closed = std::max(name_.epoch, newest_epoch_seen_);
    RETURN_IF_ERROR(Begin(name_.agent_id, closed + 1, closed));
    head_damaged_ = false;
    anew_reason_ = reason;
    lost_ = lost;
    return CarryOver();
  }

  // Once a run: a server (or an uplink that lies in its name) that never
  // agrees must not make the chain start over and over.
  Status Fork(const event::Head& server, std::string_view what) {
    const std::string text = fmt::format(
        "the server's chain is not this one ({}): it has {}/{}, "
        "here is {}/{}",
        what, server.epoch, server.sequence, head_.epoch, head_.sequence);
    if (!forked_) {
      forked_ = true;
      newest_epoch_seen_ = std::max(newest_epoch_seen_, server.epoch);
      RETURN_IF_ERROR(StartAnew(what, Lost::kUnknown));
    }
    return Fail(Code::kAborted, text);
  }

  // The epoch was begun because of damage and has no event yet: its first one
  // must say so, or the server refuses the epoch.
  bool owes_opening() const {
    return name_.closed_epoch > 0 && head_.sequence == 0;
  }

  // Writes that GAP. What of the chain before cannot be carried over is counted
  // first; that nothing else was lost is not known, and is not said, unless
  // the damage left holes that can be counted.
  Status OpenEpoch() {
    const Loss before = loss_;
    if (name_.carry_after) RETURN_IF_ERROR(CountUnreadable());
    const bool counted = loss_.untold > before.untold;
    if (!counted) {
      const auto now = ToTimestamp(clock_.Now());
      CountMany(1, now, now, anew_reason_);
    }
    PublicPart gap = MakeGap();
    gap.set_closed_epoch(name_.closed_epoch);
    gap.set_lost_count_is_least(!counted || lost_ == Lost::kUnknown ||
                                head_damaged_);
    if (auto put = Put(std::move(gap), PersonalPart(), Room::kReserve); !put) {
      loss_ = before;
      return std::unexpected(std::move(put).error());
    }
    loss_.untold = 0;
    return {};
  }

  // Of the chain before: holes between what is readable, and records that are
  // no events.
  Status CountUnreadable() {
    const Position start{name_.beginning, 0};
    Position from = *name_.carry_after;
    while (true) {
      ASSIGN_OR_RETURN(const auto batch,
                       spool_.ReadAfter(from, kCarryBatch, kMaxRecordBytes));
      CollectProblems();
      for (const SpooledRecord& spooled : batch) {
        if (spooled.position >= start) return {};
        std::ignore = Decode(from, spooled);
        from = spooled.position;
      }
      if (batch.empty()) return {};
    }
  }

  // Writes what was left of the chain before once more, under the current
  // name. Event ids stay; an id that is there already was carried before a
  // crash. An epoch begun because of damage opens with its GAP.
  Status CarryOver() {
    const Position start{name_.beginning, 0};
    if (owes_opening()) RETURN_IF_ERROR(OpenEpoch());
    if (!name_.carry_after) {
      RETURN_IF_ERROR(EpochIsOpen());
      return spool_.Ack(start);
    }
    // What the opening GAP told is not counted twice.
    const bool count = name_.closed_epoch == 0;
    Position from = *name_.carry_after;
    ASSIGN_OR_RETURN(const std::set<std::string> carried, IdsAfter(start));
    for (bool more = true; more;) {
      ASSIGN_OR_RETURN(const auto batch,
                       spool_.ReadAfter(from, kCarryBatch, kMaxRecordBytes));
      CollectProblems();
      more = !batch.empty();
      for (const SpooledRecord& spooled : batch) {
        if (spooled.position >= start) {
          more = false;
          break;
        }
        const Loss before = loss_;
        auto decoded = Decode(from, spooled);
        if (!count) loss_ = before;
        if (decoded) RETURN_IF_ERROR(CarryOne(*decoded, carried));
        from = spooled.position;
      }
      // Makes room for the next ones.
      RETURN_IF_ERROR(spool_.Ack(from));
    }
    // If it cannot be told now, the next event tries again.
    if (loss_.untold > 0) std::ignore = TellLoss(Room::kReserve);
    name_.carry_after.reset();
    name_.closed_epoch = 0;
    RETURN_IF_ERROR(SaveName());
    return spool_.Ack(start);
  }

  Status EpochIsOpen() {
    if (name_.closed_epoch == 0 || head_.sequence == 0) return {};
    name_.closed_epoch = 0;
    return SaveName();
  }

  struct Carried {
    PublicPart part;
    PersonalPart personal;
  };
  // An event of the chain before; nothing for what is none. That and what is
  // missing before it are counted as lost.
  std::optional<Carried> Decode(Position before, const SpooledRecord& spooled) {
    Carried carried;
    const auto record = Parse(spooled);
    if (!record || !carried.part.ParseFromString(record->public_part()) ||
        !carried.personal.ParseFromString(record->personal_part())) {
      const auto now = ToTimestamp(clock_.Now());
      CountMany(1, now, now, "spooled events were unreadable");
      return std::nullopt;
    }
    const bool same_epoch = before.epoch == spooled.position.epoch;
    const int64_t missing = spooled.position.sequence - before.sequence - 1;
    if (same_epoch && missing > 0) {
      CountMany(missing, carried.part.occur_time(), carried.part.occur_time(),
                "spooled events were unreadable");
    }
    return carried;
  }

  // What there is no room for is lost and counted; a disk that fails is an
  // error, and the carrying goes on at the next start.
  Status CarryOne(const Carried& one, const std::set<std::string>& carried) {
    if (carried.contains(one.part.event_id())) return {};
    const auto put = Put(one.part, one.personal, Room::kReserve);
    if (put) return {};
    if (put.error().code != Code::kResourceExhausted) {
      return std::unexpected(put.error());
    }
    Count(one.part, "the spool was full");
    return {};
  }

  Result<std::set<std::string>> IdsAfter(Position from) {
    std::set<std::string> ids;
    while (true) {
      ASSIGN_OR_RETURN(const auto batch,
                       spool_.ReadAfter(from, kCarryBatch, kMaxRecordBytes));
      if (batch.empty()) return ids;
      for (const SpooledRecord& spooled : batch) {
        from = spooled.position;
        PublicPart part;
        const auto record = Parse(spooled);
        if (record && part.ParseFromString(record->public_part())) {
          ids.insert(part.event_id());
        }
      }
    }
  }

  const std::string state_dir_;
  std::string boot_id_;
  Spool& spool_;
  const Clock& clock_;
  event::ChainKeyPair key_{};
  ChainName name_;
  event::Head head_{1, 0, {}};
  std::deque<std::pair<PublicPart, PersonalPart>> held_;
  Loss loss_;
  std::vector<Problem> problems_;
  std::string anew_reason_ = "the chain started anew";
  Lost lost_ = Lost::kUnknown;  // also after a restart
  bool head_damaged_ = false;
  bool forked_ = false;
  int32_t newest_epoch_seen_ = 0;
};

}  // namespace

Result<std::unique_ptr<EventLog>> EventLog::Open(const EventLogOptions& options,
                                                 Spool& spool,
                                                 const Clock& clock) {
  auto log = std::make_unique<SignedEventLog>(options, spool, clock);
  if (auto recovered = log->Recover(); !recovered) {
    return Wrap("event chain", std::move(recovered).error());
  }
  return log;
}

}  // namespace sekisho::spool
