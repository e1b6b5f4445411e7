#include "agent/spool/event_log.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>

#include <charconv>
#include <cstring>
#include <deque>
#include <set>
#include <tuple>

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
constexpr std::string_view kNameFormat = "sekisho-chain-1";
constexpr size_t kSmallFileBytes = 4096;
constexpr size_t kCarryBatch = 64;

// What chain.id says: whose events these are.
struct ChainName {
  std::string agent_id;
  int32_t epoch = 0;  // the server's
  // Counts beginnings: the epoch of positions in the spool.
  int32_t beginning = 0;
  // While events of the chain before are being carried over: what of them had
  // been acknowledged. Nothing: done.
  std::optional<Position> carry_after;
};

Result<std::optional<std::string>> ReadIfThere(const std::string& path) {
  auto content = ReadFileAt(AT_FDCWD, path, kSmallFileBytes);
  if (content) return std::move(*content);
  if (content.error().code == Code::kNotFound) return std::nullopt;
  return std::unexpected(std::move(content).error());
}

std::string PrintName(const ChainName& name) {
  std::string text =
      fmt::format("{}\nagent_id={}\nepoch={}\nbeginning={}\n", kNameFormat,
                  name.agent_id, name.epoch, name.beginning);
  if (name.carry_after) {
    text += fmt::format("carry_after={}/{}\n", name.carry_after->epoch,
                        name.carry_after->sequence);
  }
  return text;
}

template <typename T>
bool ParseNumber(std::string_view text, T& out) {
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

bool ParseNameLine(std::string_view line, ChainName& name) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return false;
  const std::string_view key = line.substr(0, equals);
  const std::string_view value = line.substr(equals + 1);
  if (key == "agent_id") {
    name.agent_id = value;
    return true;
  }
  if (key == "epoch") return ParseNumber(value, name.epoch);
  if (key == "beginning") return ParseNumber(value, name.beginning);
  const auto parts = Split(value, '/');
  Position& after = name.carry_after.emplace();
  return key == "carry_after" && parts.size() == 2 &&
         ParseNumber(parts[0], after.epoch) &&
         ParseNumber(parts[1], after.sequence);
}

Result<ChainName> ParseName(std::string_view text) {
  const auto lines = Split(Trim(text), '\n');
  ChainName name;
  bool ok = !lines.empty() && lines[0] == kNameFormat;
  for (size_t i = 1; ok && i < lines.size(); ++i) {
    ok = ParseNameLine(lines[i], name);
  }
  if (!ok || name.agent_id.empty() || name.epoch <= 0 || name.beginning <= 0) {
    return Fail(Code::kDataLoss, "the chain's name is unreadable");
  }
  return name;
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
    if (head_damaged_) return StartAnew("the newest events were unreadable");
    if (last->epoch == name_.beginning) {
      if (auto read = ReadHead(); !read) return StartAnew(read.error().message);
    }
    return CarryOver("");
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
    RETURN_IF_ERROR(Begin(agent_id, epoch));
    RETURN_IF_ERROR(CarryOver(""));
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
    if (loss_.untold > 0 && !spool_.full()) {
      // Its failure shows again below.
      std::ignore = TellLoss(Room::kCommon);
    }
    auto head = Put(public_part, personal_part, Room::kCommon);
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
        RETURN_IF_ERROR(StartAnew("events in the spool were unreadable"));
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
    name_ = {part.agent_id(), record.epoch(), last->position.epoch, {}};
    return SaveName();
  }

  Status SaveName() {
    return ReplaceFile(state_dir_ + kNameFile, PrintName(name_), 0600);
  }

  // From here on events are of this chain, whatever happens next.
  Status Begin(const std::string& agent_id, int32_t epoch) {
    const ChainName before = std::exchange(
        name_, {agent_id, epoch, name_.beginning + 1, std::nullopt});
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

  Status TellLoss(Room room) {
    PublicPart gap;
    gap.set_kind(event::v1::EVENT_KIND_GAP);
    gap.set_lost_count(loss_.untold);
    *gap.mutable_lost_from_time() = loss_.from;
    *gap.mutable_lost_to_time() = loss_.to;
    gap.set_reason(fmt::format("{} events could not be kept: {}.", loss_.untold,
                               loss_.reason));
    Stamp(gap);
    auto put = Put(std::move(gap), PersonalPart(), room);
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

  Status StartAnew(std::string_view reason) {
    problems_.push_back({ProblemKind::kCorrupt,
                         fmt::format("the chain starts anew: {}", reason),
                         {},
                         {}});
    RETURN_IF_ERROR(
        Begin(name_.agent_id, std::max(name_.epoch, newest_epoch_seen_) + 1));
    head_damaged_ = false;
    return CarryOver(reason);
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
      RETURN_IF_ERROR(StartAnew(what));
    }
    return Fail(Code::kAborted, text);
  }

  // Writes what was left of the chain before once more, under the current
  // name. Event ids stay; an id that is there already was carried before a
  // crash. With a `loss_reason` at least one event is told as lost.
  Status CarryOver(std::string_view loss_reason) {
    const Position start{name_.beginning, 0};
    if (!name_.carry_after) return spool_.Ack(start);
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
        RETURN_IF_ERROR(CarryOne(from, spooled, carried));
        from = spooled.position;
      }
      // Makes room for the next ones.
      RETURN_IF_ERROR(spool_.Ack(from));
    }
    if (loss_.untold == 0 && !loss_reason.empty()) {
      const auto now = ToTimestamp(clock_.Now());
      CountMany(1, now, now, loss_reason);
    }
    // If it cannot be told now, the next event tries again.
    if (loss_.untold > 0) std::ignore = TellLoss(Room::kReserve);
    name_.carry_after.reset();
    RETURN_IF_ERROR(SaveName());
    return spool_.Ack(start);
  }

  // What there is no room for is lost and counted; a disk that fails is an
  // error, and the carrying goes on at the next start.
  Status CarryOne(Position before, const SpooledRecord& spooled,
                  const std::set<std::string>& carried) {
    PublicPart part;
    PersonalPart personal;
    const auto record = Parse(spooled);
    if (!record || !part.ParseFromString(record->public_part()) ||
        !personal.ParseFromString(record->personal_part())) {
      const auto now = ToTimestamp(clock_.Now());
      CountMany(1, now, now, "spooled events were unreadable");
      return {};
    }
    const bool same_epoch = before.epoch == spooled.position.epoch;
    const int64_t missing = spooled.position.sequence - before.sequence - 1;
    if (same_epoch && missing > 0) {
      CountMany(missing, part.occur_time(), part.occur_time(),
                "spooled events were unreadable");
    }
    if (carried.contains(part.event_id())) return {};
    const auto put = Put(part, personal, Room::kReserve);
    if (put) return {};
    if (put.error().code != Code::kResourceExhausted) {
      return std::unexpected(put.error());
    }
    Count(part, "the spool was full");
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
