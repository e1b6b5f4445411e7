// The way of an event from the wire to the log: checked against the agent's
// chain, committed, acknowledged. Nothing that people search is built here.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "server/core/changes.h"
#include "server/core/traffic.h"
#include "server/store/store.h"

namespace sekisho::core {

inline constexpr int kMaxBatchRecords = 500;
inline constexpr size_t kMaxBatchBytes = size_t{512} * 1024;
// A chain that starts anew more often than this in 24 h is refused: two
// machines under one identity would otherwise take turns for ever.
inline constexpr int kMaxEpochsADay = 8;

// Thread-safe. What it refuses it writes to the audit log and makes an alert
// of, once for each position in a chain.
class Ingest {
 public:
  // `committed` runs on the store's thread after each commit (to wake the
  // indexer).
  Ingest(store::Store& store, const Clock& clock, Changes& changes,
         std::function<void()> committed)
      : store_(store),
        clock_(clock),
        changes_(changes),
        committed_(std::move(committed)) {}

  // Counted here; whoever refuses streams counts those.
  Traffic& traffic() { return traffic_; }

  Result<event::Head> HeadOf(const std::string& agent_id) {
    return store_.HeadOf(agent_id);
  }

  // `head` is the caller's (one stream's): where the chain stands with all that
  // it gave here, committed or not. Records at or before it are skipped. True:
  // it moved on, and `done` will be called on the store's thread with the
  // committed head or an error (then the caller starts again from HeadOf).
  // False: nothing was new, `done` is not called. On an error nothing is taken:
  // kDataLoss gap, kAborted fork, kOutOfRange an epoch that is over,
  // kUnauthenticated signature, kInvalidArgument malformed, kFailedPrecondition
  // too many epochs, kResourceExhausted too many records. Blocks while it
  // reports one. The alert for a new epoch is the indexer's, from the log.
  Result<bool> Take(const store::AgentIdentity& agent, event::Head& head,
                    std::vector<event::v1::EventRecord> records,
                    store::AppendDone done);

  // The head an agent says it has: behind what it had acknowledged (rolled
  // back, restored image) or another hash at the same place (clone).
  void CheckHead(const store::AgentIdentity& agent, const event::Head& says,
                 const event::Head& acknowledged);

  // The agent's head and how much of its chain was not acknowledged yet: more
  // was than this log has, so the log was set back.
  void CheckAcknowledged(const store::AgentIdentity& agent,
                         const event::Head& says, int64_t spooled,
                         const event::Head& acknowledged);

  // An agent saw a checkpoint of this server that is not the beginning of its
  // log: this server lost or changed history, or was restored.
  void ReportHistory(const store::AgentIdentity& agent, const std::string& seen,
                     const Error& why);

 private:
  Result<bool> TakeChecked(const store::AgentIdentity& agent, event::Head& head,
                           std::vector<event::v1::EventRecord> records,
                           store::AppendDone done);
  Status Check(const store::AgentIdentity& agent, const event::Head& head,
               const event::v1::EventRecord& record);
  void Report(const store::AgentIdentity& agent, const std::string& kind,
              const std::string& key, const std::string& title);
  void ReportRefusal(const store::AgentIdentity& agent, const event::Head& head,
                     const Error& error);

  store::Store& store_;
  const Clock& clock_;
  Changes& changes_;
  const std::function<void()> committed_;
  Traffic traffic_;
};

}  // namespace sekisho::core
