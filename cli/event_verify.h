// Proves a chain of events: nothing changed, removed, reordered, duplicated or
// cut off. Pure; an auditor can read it beside docs/spool_format.md.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "proto/event_bytes.h"

namespace sekisho::cli {

struct ChainProblem {
  int64_t sequence = 0;  // 0 = of the chain as a whole
  std::string what;
};

// One agent's chain, record by record in the order of the export.
class ChainCheck {
 public:
  ChainCheck(std::string agent_id, const event::ChainPublicKey& key)
      : agent_id_(std::move(agent_id)), key_(key) {}

  void Add(const event::v1::EventRecord& record);
  // After the last record: `head` is what the server acknowledged.
  void End(const event::Head& head);

  int64_t record_count() const { return record_count_; }
  int64_t erased_count() const { return erased_count_; }
  const event::Head& head() const { return head_; }
  const std::vector<ChainProblem>& problems() const { return problems_; }

 private:
  void Report(int64_t sequence, std::string what);

  const std::string agent_id_;
  const event::ChainPublicKey key_;
  event::Head head_;
  int64_t record_count_ = 0;
  int64_t erased_count_ = 0;
  // Hash by sequence, so that a duplicate is told from a record out of order.
  std::map<int64_t, event::Hash> seen_;
  std::vector<ChainProblem> problems_;  // at most kMaxProblems
};

// What the auditor knows from elsewhere: each agent's key and, if it was
// written down, a head its chain had once. One line an agent:
//   agent_id public_key_hex [epoch sequence hash_hex]
struct KnownChain {
  event::ChainPublicKey key{};
  std::optional<event::Head> head;
};
Result<std::map<std::string, KnownChain>> ParseKeys(std::string_view text);
std::string PrintKeys(const std::map<std::string, KnownChain>& keys);

// ---- the export file ----
// Lines of JSON. The first is {"format":"sekisho-export-1"}. Then for each
// agent a line {"agent_id","terminal","chain_public_key"}, its records
// {"epoch","sequence","public_part",...} with bytes in hex, and a line
// {"end":agent_id,"epoch","head_sequence","head_hash"}.
inline constexpr const char* kExportFormat = "sekisho-export-1";

std::string RecordLine(const event::v1::EventRecord& record);

}  // namespace sekisho::cli
