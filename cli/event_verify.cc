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

}  // namespace

void ChainCheck::Report(int64_t sequence, std::string what) {
  if (problems_.size() < kMaxProblems) {
    problems_.push_back({sequence, std::move(what)});
  }
}

void ChainCheck::Add(const event::v1::EventRecord& record) {
  ++record_count_;
  erased_count_ += record.salt().empty() ? 1 : 0;
  const int64_t sequence = record.sequence();
  const Status next = event::CheckNext(head_, record, key_, agent_id_);
  const event::Head claimed = event::HeadOf(record);
  if (next) {
    head_ = claimed;
    seen_[sequence] = claimed.hash;
    return;
  }
  switch (next.error().code) {
    case Code::kAlreadyExists: {
      const auto before = seen_.find(sequence);
      if (before == seen_.end()) {
        Report(sequence, "out of order: it comes after " +
                             std::to_string(head_.sequence));
      } else if (before->second == claimed.hash) {
        Report(sequence, "duplicated");
      } else {
        Report(sequence, "a second, different event with this number");
      }
      return;  // the chain stands where it stood
    }
    case Code::kDataLoss:
      Report(sequence,
             "missing before it: " + std::to_string(head_.sequence + 1) +
                 " to " + std::to_string(sequence - 1));
      break;
    case Code::kAborted:
      Report(sequence, "does not follow the event before it");
      break;
    case Code::kUnauthenticated:
      Report(sequence, "not signed by the agent's key");
      break;
    default:
      Report(sequence, "changed: " + next.error().message);
      break;
  }
  // Go on behind it, so that one broken record is one problem.
  head_ = claimed;
  seen_[sequence] = claimed.hash;
}

void ChainCheck::End(const event::Head& head) {
  if (head_.sequence < head.sequence) {
    Report(0, "cut off: it ends at " + std::to_string(head_.sequence) +
                  ", but " + std::to_string(head.sequence) +
                  " were acknowledged");
  } else if (const auto it = seen_.find(head.sequence);
             head.sequence > 0 &&
             (it == seen_.end() || it->second != head.hash)) {
    Report(0, "event " + std::to_string(head.sequence) +
                  " is not the one that was acknowledged");
  }
}

Result<std::map<std::string, KnownChain>> ParseKeys(std::string_view text) {
  std::map<std::string, KnownChain> keys;
  int number = 0;
  for (const std::string_view line : Split(text, '\n')) {
    ++number;
    if (Trim(line).empty() || line.starts_with('#')) {
      continue;
    }
    const auto words = Split(Trim(line), ' ');
    const std::string where = "line " + std::to_string(number);
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
    keys[std::string(words[0])] = known;
  }
  return keys;
}

std::string PrintKeys(const std::map<std::string, KnownChain>& keys) {
  std::string text = "# agent_id public_key epoch sequence hash\n";
  for (const auto& [agent_id, known] : keys) {
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

std::string RecordLine(const event::v1::EventRecord& record) {
  const auto hex = [](const std::string& bytes) {
    return "\"" + ToHex(AsBytes(bytes)) + "\"";
  };
  return "{\"epoch\":" + std::to_string(record.epoch()) +
         ",\"sequence\":" + std::to_string(record.sequence()) +
         ",\"public_part\":" + hex(record.public_part()) +
         ",\"personal_part\":" + hex(record.personal_part()) +
         ",\"salt\":" + hex(record.salt()) +
         ",\"personal_hash\":" + hex(record.personal_hash()) +
         ",\"prev_hash\":" + hex(record.prev_hash()) +
         ",\"hash\":" + hex(record.hash()) +
         ",\"signature\":" + hex(record.signature()) + "}\n";
}

}  // namespace sekisho::cli
