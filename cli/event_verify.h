// Proves a chain of events: nothing changed, removed, reordered, duplicated or
// cut off. Pure; an auditor can read it beside docs/spool_format.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "merkle/checkpoint.h"
#include "proto/event_bytes.h"

namespace sekisho::cli {

struct ChainProblem {
  int32_t epoch = 1;
  int64_t sequence = 0;  // 0 = of the epoch as a whole
  std::string what;
};

// What the agent itself says, signed, that it could not keep.
struct ChainGap {
  int32_t epoch = 1;
  int64_t sequence = 0;
  int64_t lost_count = 0;
  bool is_least = false;     // more may have been lost
  int32_t closed_epoch = 0;  // > 0: the GAP opens the epoch
};

// One agent's chain, record by record in the order of the export. A chain has
// epochs: a later one opens with a signed GAP, and nothing else may open it.
class ChainCheck {
 public:
  ChainCheck(std::string agent_id, const event::ChainPublicKey& key)
      : agent_id_(std::move(agent_id)), key_(key) {}

  void Add(const event::v1::EventRecord& record);
  // After the last record: where the server says an earlier epoch ended.
  void Closed(const event::Head& head);
  // After the last record: `head` is what the server acknowledged, or a head
  // that the chain is known to have had.
  void End(const event::Head& head);

  int64_t record_count() const { return record_count_; }
  int64_t erased_count() const { return erased_count_; }
  const event::Head& head() const { return head_; }
  const std::vector<ChainGap>& gaps() const { return gaps_; }
  const std::vector<ChainProblem>& problems() const { return problems_; }

 private:
  void Report(int32_t epoch, int64_t sequence, std::string what);
  void MoveTo(const event::v1::EventRecord& record);

  const std::string agent_id_;
  const event::ChainPublicKey key_;
  event::Head head_;
  std::map<int32_t, event::Head> closed_;
  int64_t record_count_ = 0;
  int64_t erased_count_ = 0;
  // Hash by place, so that a duplicate is told from a record out of order.
  std::map<std::pair<int32_t, int64_t>, event::Hash> seen_;
  std::vector<ChainGap> gaps_;
  std::vector<ChainProblem> problems_;  // at most kMaxProblems
};

// What the auditor knows from elsewhere: each agent's key and, if it was
// written down, a head its chain had once. One line an agent:
//   agent_id public_key_hex [epoch sequence hash_hex]
struct KnownChain {
  event::ChainPublicKey key{};
  std::optional<event::Head> head;
};
// And one line for the server's log, as C2SP signed notes write its key:
//   log name+hash+key
struct KnownKeys {
  std::map<std::string, KnownChain> chains;
  std::optional<merkle::Verifier> log;
};
Result<KnownKeys> ParseKeys(std::string_view text);
std::string PrintKeys(const KnownKeys& keys);

// ---- the export file ----
// Lines of JSON. The first is {"format":"sekisho-export-2"}, the second
// {"log_key","checkpoint","whole"}: the server's log when the export was made,
// and whether all agents are in it. Then for each agent a line
// {"agent_id","terminal","chain_public_key"}, its records
// {"epoch","sequence","public_part",...,"leaf","proof"} with bytes in hex (leaf
// and proof: place in the log; no proof in a whole export), a line
// {"closed":agent_id,"epoch","head_sequence","head_hash"} for each epoch that
// is over, and a line {"end":agent_id,"epoch","head_sequence","head_hash"}.
// The form before had no log; it can still be read.
inline constexpr const char* kExportFormat = "sekisho-export-2";
inline constexpr const char* kExportFormatBefore = "sekisho-export-1";

std::string RecordLine(const event::v1::EventRecord& record, int64_t leaf,
                       const std::vector<std::string>& proof);
// All zeros for what is not 32 bytes long.
event::Hash ToHash(std::string_view bytes);

}  // namespace sekisho::cli
