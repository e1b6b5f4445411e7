#include "server/core/ingest.h"

#include <algorithm>
#include <cstring>

#include "common/log.h"
#include "server/core/audit.h"

namespace sekisho::core {
namespace {

std::string Place(const event::Head& head) {
  return std::to_string(head.epoch) + ":" + std::to_string(head.sequence);
}

}  // namespace

Result<bool> Ingest::Take(const store::AgentIdentity& agent, event::Head& head,
                          std::vector<event::v1::EventRecord> records,
                          store::AppendDone done) {
  traffic_.Batch();
  auto taken = TakeChecked(agent, head, std::move(records), std::move(done));
  if (!taken) {
    traffic_.RefusedBatch(taken.error().code);
  }
  return taken;
}

Result<bool> Ingest::TakeChecked(const store::AgentIdentity& agent,
                                 event::Head& head,
                                 std::vector<event::v1::EventRecord> records,
                                 store::AppendDone done) {
  size_t bytes = 0;
  for (const event::v1::EventRecord& record : records) {
    bytes += record.public_part().size() + record.personal_part().size();
  }
  if (std::ssize(records) > kMaxBatchRecords || bytes > kMaxBatchBytes) {
    return Fail(Code::kResourceExhausted,
                "a batch has at most 500 records and 512 KiB");
  }
  event::Head moved = head;
  std::vector<event::v1::EventRecord> fresh;
  for (event::v1::EventRecord& record : records) {
    // A record that was sent before: the same bytes are fine, others are a
    // fork, which only the newest can show without reading back.
    if (record.epoch() == moved.epoch && record.sequence() <= moved.sequence &&
        (record.sequence() != moved.sequence ||
         record.hash() == AsText(moved.hash))) {
      continue;
    }
    Status next = Check(agent, moved, record);
    if (!next) {
      ReportRefusal(agent, moved, next.error());
      return std::unexpected(std::move(next).error());
    }
    moved = event::HeadOf(record);
    fresh.push_back(std::move(record));
  }
  head = moved;
  if (fresh.empty()) {
    return false;
  }
  const auto count = std::ssize(fresh);
  const auto came = std::chrono::steady_clock::now();
  store_.Append(
      {agent.agent_id, std::move(fresh), clock_.Now()},
      [this, count, came, done = std::move(done)](Result<event::Head> result) {
        if (result) {
          traffic_.Committed(
              count, std::chrono::duration_cast<std::chrono::microseconds>(
                         std::chrono::steady_clock::now() - came));
          committed_();
        } else {
          traffic_.RefusedBatch(result.error().code);
        }
        done(std::move(result));
      });
  return true;
}

Status Ingest::Check(const store::AgentIdentity& agent, const event::Head& head,
                     const event::v1::EventRecord& record) {
  Status follows =
      event::CheckFollows(head, record, agent.chain_key, agent.agent_id);
  if (!follows && follows.error().code == Code::kAlreadyExists) {
    return Fail(Code::kAborted, "fork: sequence " +
                                    std::to_string(record.sequence()) +
                                    " came with two hashes");
  }
  if (!follows || record.epoch() == head.epoch) {
    return follows;
  }
  ASSIGN_OR_RETURN(const auto closed, store_.ClosedEpochs(agent.agent_id));
  const WallTime since = clock_.Now() - std::chrono::hours(24);
  if (std::ranges::count_if(closed, [&](const store::ClosedEpoch& epoch) {
        return epoch.close_time > since;
      }) >= kMaxEpochsADay) {
    return Fail(Code::kFailedPrecondition, "the chain started anew " +
                                               std::to_string(kMaxEpochsADay) +
                                               " times within a day");
  }
  Log(LogLevel::kWarning, agent.terminal + " opens epoch " +
                              std::to_string(record.epoch()) + " after " +
                              Place(head));
  return {};
}

void Ingest::CheckHead(const store::AgentIdentity& agent,
                       const event::Head& says,
                       const event::Head& acknowledged) {
  if (says.epoch > acknowledged.epoch ||
      (says.epoch == acknowledged.epoch &&
       says.sequence > acknowledged.sequence)) {
    return;
  }
  if (says.epoch < acknowledged.epoch) {
    Report(agent, "chain_rollback", Place(acknowledged),
           agent.terminal + " is at epoch " + std::to_string(says.epoch) +
               ", but epoch " + std::to_string(acknowledged.epoch) +
               " has begun: it was rolled back, or there are two of it");
  } else if (says.sequence < acknowledged.sequence) {
    Report(agent, "chain_rollback", Place(acknowledged),
           agent.terminal + " says its newest event is " +
               std::to_string(says.sequence) + ", but " +
               std::to_string(acknowledged.sequence) +
               " were acknowledged: it was rolled back or its spool was lost");
  } else if (says.hash != acknowledged.hash) {
    Report(agent, "chain_fork", Place(acknowledged),
           agent.terminal + " has another event " +
               std::to_string(says.sequence) +
               " than the one that was acknowledged: a clone or a forged "
               "chain");
  }
}

void Ingest::CheckAcknowledged(const store::AgentIdentity& agent,
                               const event::Head& says, int64_t spooled,
                               const event::Head& acknowledged) {
  if (says.epoch != acknowledged.epoch || spooled < 0 ||
      says.sequence - spooled <= acknowledged.sequence) {
    return;
  }
  Report(agent, "history_rewritten", "acknowledged",
         agent.terminal + " had " + std::to_string(says.sequence - spooled) +
             " events acknowledged, but this server's log has " +
             std::to_string(acknowledged.sequence) +
             " of it. The database was restored or changed; what the "
             "terminal still has it sends again");
}

void Ingest::ReportHistory(const store::AgentIdentity& agent,
                           const std::string& seen, const Error& why) {
  const bool ours = why.code == Code::kDataLoss;
  // Notes of others' making are one alert together, our own one each.
  Report(agent, "history_rewritten",
         ours ? ToHex(event::Sha256(AsBytes(seen))) : "foreign",
         agent.terminal +
             " holds a signed checkpoint that this server's log "
             "does not go on from: " +
             why.message + ". The database was restored or changed");
}

void Ingest::ReportRefusal(const store::AgentIdentity& agent,
                           const event::Head& head, const Error& error) {
  const std::string expected = std::to_string(head.sequence + 1);
  switch (error.code) {
    case Code::kDataLoss:
      Report(agent, "event_gap", Place(head),
             "Events of " + agent.terminal + " are missing from " + expected +
                 " on");
      break;
    case Code::kAborted:
      Report(agent, "chain_fork", Place(head),
             "Events of " + agent.terminal + " from " + expected +
                 " on do not follow what was acknowledged: a clone or a "
                 "forged chain");
      break;
    case Code::kOutOfRange:
      Report(agent, "chain_rollback", Place(head),
             agent.terminal + " sent events of the past: " + error.message +
                 "; it was rolled back, or they are replayed");
      break;
    case Code::kFailedPrecondition:
      Report(agent, "chain_restarts", Place(head),
             "Events of " + agent.terminal + " are refused: " + error.message +
                 ". Its disk is failing, or there are two of it");
      break;
    default:
      Report(agent, "event_forged", Place(head),
             "An event of " + agent.terminal + " after " +
                 std::to_string(head.sequence) +
                 " was refused: " + error.message);
      break;
  }
}

void Ingest::Report(const store::AgentIdentity& agent, const std::string& kind,
                    const std::string& key, const std::string& title) {
  store::NewAlert alert;
  alert.key = kind + ":" + agent.agent_id + ":" + key;
  alert.alert.kind = kind;
  alert.alert.severity = "critical";
  alert.alert.title = title;
  alert.alert.agent_id = agent.agent_id;
  alert.alert.terminal = agent.terminal;
  alert.alert.create_time = clock_.Now();
  const auto id = store_.AddAlert(alert);
  if (id && *id) {
    // Once: an agent that repeats itself does not fill the audit log.
    (void)WriteAudit(store_, clock_,
                     {.user = agent.agent_id,
                      .door = "agent",
                      .address = "",
                      .action = "event.refused",
                      .object = "agent " + agent.terminal,
                      .detail = kind},
                     Fail(Code::kAborted, title));
    changes_.Tell({Change::What::kAlert, **id, ""});
  }
}

}  // namespace sekisho::core
