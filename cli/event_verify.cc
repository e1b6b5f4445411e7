#include "cli/event_verify.h"

#include <charconv>
#include <cstring>

#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr size_t kMaxProblems = 100;

Result<event::Hash> HashOf(std::string_view hex) {
  ASSIGN_OR_RETURN(const Bytes bytes, FromHex(hex));
  event::Hash hash;
  if (bytes.size() != hash.size()) {
    return Fail(Code::kInvalidArgument, "a key or hash has 64 hex digits");
  }
  std::memcpy(hash.data(), bytes.data(), hash.size());
  return hash;
}

Result<int64_t> NumberOf(std::string_view text) {
  int64_t number = 0;
  const auto [at, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || at != text.data() + text.size()) {
    return Fail(Code::kInvalidArgument, "not a number");
  }
  return number;
}

// Chains that never started anew are not bothered with epochs.
std::string InEpoch(int32_t epoch) {
  return epoch == 1 ? "" : " of epoch " + std::to_string(epoch);
}

}  // namespace

void ChainCheck::Report(int32_t epoch, int64_t sequence, std::string what) {
  if (problems_.size() < kMaxProblems) {
    problems_.push_back({epoch, sequence, std::move(what)});
  }
}

// Takes the record as the newest, right or wrong, so that one broken record is
// one problem.
void ChainCheck::MoveTo(const event::v1::EventRecord& record) {
  const event::Head claimed = event::HeadOf(record);
  if (claimed.epoch != head_.epoch) {
    closed_[head_.epoch] = head_;
  }
  head_ = claimed;
  seen_[{claimed.epoch, claimed.sequence}] = claimed.hash;
  event::v1::PublicPart part;
  if (part.ParseFromString(record.public_part()) &&
      part.kind() == event::v1::EVENT_KIND_GAP) {
    gaps_.push_back({claimed.epoch, claimed.sequence, part.lost_count(),
                     part.lost_count_is_least(), part.closed_epoch()});
  }
}

void ChainCheck::Add(const event::v1::EventRecord& record) {
  ++record_count_;
  erased_count_ += record.salt().empty() ? 1 : 0;
  const int32_t epoch = record.epoch();
  const int64_t sequence = record.sequence();
  const Status next = event::CheckFollows(head_, record, key_, agent_id_);
  if (next) {
    MoveTo(record);
    return;
  }
  switch (next.error().code) {
    case Code::kOutOfRange:
    case Code::kAlreadyExists: {
      const auto before = seen_.find({epoch, sequence});
      if (before == seen_.end()) {
        Report(epoch, sequence,
               "out of order: it comes after " +
                   std::to_string(head_.sequence) + InEpoch(head_.epoch));
      } else if (before->second == event::HeadOf(record).hash) {
        Report(epoch, sequence, "duplicated");
      } else {
        Report(epoch, sequence, "a second, different event with this number");
      }
      return;  // the chain stands where it stood
    }
    case Code::kDataLoss:
      Report(epoch, sequence,
             "missing before it: " +
                 std::to_string(epoch == head_.epoch ? head_.sequence + 1 : 1) +
                 " to " + std::to_string(sequence - 1));
      break;
    case Code::kAborted:
      Report(epoch, sequence, "does not follow the event before it");
      break;
    case Code::kUnauthenticated:
      Report(epoch, sequence, "not signed by the agent's key");
      break;
    default:
      Report(epoch, sequence, "changed: " + next.error().message);
      break;
  }
  MoveTo(record);
}

void ChainCheck::Closed(const event::Head& head) {
  const auto it = closed_.find(head.epoch);
  if (head.epoch == head_.epoch) {
    Report(head.epoch, 0,
           "cut off: the epoch after " + std::to_string(head.epoch) +
               " is missing");
  } else if (it == closed_.end() && head.sequence == 0) {
    return;  // it had no event
  } else if (it == closed_.end() || it->second != head) {
    Report(head.epoch, 0,
           "cut off: it ends at " +
               std::to_string(it == closed_.end() ? 0 : it->second.sequence) +
               InEpoch(head.epoch) + ", but " + std::to_string(head.sequence) +
               " were acknowledged");
  }
}

void ChainCheck::End(const event::Head& head) {
  if (std::pair(head_.epoch, head_.sequence) <
      std::pair(head.epoch, head.sequence)) {
    Report(head.epoch, 0,
           "cut off: it ends at " + std::to_string(head_.sequence) +
               (head.epoch == head_.epoch ? "" : InEpoch(head_.epoch)) +
               ", but " + std::to_string(head.sequence) +
               (head.epoch == head_.epoch ? "" : InEpoch(head.epoch)) +
               " were acknowledged");
  } else if (const auto it = seen_.find({head.epoch, head.sequence});
             head.sequence > 0 &&
             (it == seen_.end() || it->second != head.hash)) {
    Report(head.epoch, 0,
           "event " + std::to_string(head.sequence) + InEpoch(head.epoch) +
               " is not the one that was acknowledged");
  }
}

Result<KnownKeys> ParseKeys(std::string_view text) {
  KnownKeys keys;
  int number = 0;
  for (const std::string_view line : Split(text, '\n')) {
    ++number;
    if (Trim(line).empty() || line.starts_with('#')) {
      continue;
    }
    const auto words = Split(Trim(line), ' ');
    const std::string where = "line " + std::to_string(number);
    if (words.size() == 2 && words[0] == "log") {
      auto log = merkle::ParseVerifier(words[1]);
      if (!log) {
        return Wrap(where, std::move(log).error());
      }
      keys.log = *log;
      continue;
    }
    if (words.size() != 2 && words.size() != 5) {
      return Fail(Code::kInvalidArgument,
                  where + ": expected agent_id key [epoch sequence hash]");
    }
    KnownChain known;
    auto key = HashOf(words[1]);
    if (!key) {
      return Wrap(where, std::move(key).error());
    }
    known.key = *key;
    if (words.size() == 5) {
      const auto epoch = NumberOf(words[2]);
      const auto sequence = NumberOf(words[3]);
      const auto hash = HashOf(words[4]);
      if (!epoch || !sequence || !hash) {
        return Fail(Code::kInvalidArgument,
                    where + ": expected epoch, sequence and hash");
      }
      known.head = {static_cast<int32_t>(*epoch), *sequence, *hash};
    }
    keys.chains[std::string(words[0])] = known;
  }
  return keys;
}

std::string PrintKeys(const KnownKeys& keys) {
  std::string text = "# agent_id public_key epoch sequence hash\n";
  if (keys.log) {
    text += "log " + merkle::PrintVerifier(*keys.log) + "\n";
  }
  for (const auto& [agent_id, known] : keys.chains) {
    text += agent_id + " " + ToHex(known.key);
    if (known.head) {
      text += " " + std::to_string(known.head->epoch) + " " +
              std::to_string(known.head->sequence) + " " +
              ToHex(known.head->hash);
    }
    text += "\n";
  }
  return text;
}

std::string RecordLine(const event::v1::EventRecord& record, int64_t leaf,
                       const std::vector<std::string>& proof) {
  const auto hex = [](const std::string& bytes) {
    return "\"" + ToHex(AsBytes(bytes)) + "\"";
  };
  std::string path;
  for (const std::string& hash : proof) {
    path += (path.empty() ? "" : ",") + hex(hash);
  }
  return "{\"epoch\":" + std::to_string(record.epoch()) +
         ",\"sequence\":" + std::to_string(record.sequence()) +
         ",\"public_part\":" + hex(record.public_part()) +
         ",\"personal_part\":" + hex(record.personal_part()) +
         ",\"salt\":" + hex(record.salt()) +
         ",\"personal_hash\":" + hex(record.personal_hash()) +
         ",\"prev_hash\":" + hex(record.prev_hash()) +
         ",\"hash\":" + hex(record.hash()) +
         ",\"signature\":" + hex(record.signature()) +
         ",\"leaf\":" + std::to_string(leaf) +
         (path.empty() ? "" : ",\"proof\":[" + path + "]") + "}\n";
}

event::Hash ToHash(std::string_view bytes) {
  event::Hash hash{};
  if (bytes.size() == hash.size()) {
    std::memcpy(hash.data(), bytes.data(), hash.size());
  }
  return hash;
}

}  // namespace sekisho::cli
