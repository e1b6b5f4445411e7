// The agent's event chain: numbers, hashes and signs each event once and puts
// it into the spool. Owns the chain key and the head. What events mean and when
// they are sent is left to others.
//
// Before enrolment there is no chain: an event without an agent id would never
// verify. Events are then held in memory (the first kMaxHeldEvents) and written
// when Start() gives the chain its name; what did not fit, and nothing else, is
// the chain's first event, a GAP. Before enrolment there is no signed policy,
// so nothing is enforced that would have to wait for a durable event.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "agent/spool/spool.h"
#include "common/clock.h"
#include "common/result.h"
#include "proto/event_bytes.h"

namespace sekisho::spool {

inline constexpr size_t kMaxHeldEvents = 256;

struct EventLogOptions {
  std::string state_dir;  // chain.key (0600), chain.id; "/var/lib/sekisho"
  std::string boot_id;    // empty: read from /proc
};

enum class Kept {
  kDurable,  // in the spool, survives power loss
  kHeld,     // not enrolled yet: in memory
};

struct Written {
  Kept kept = Kept::kHeld;
  event::Head head;      // of the chain after this event; sequence 0 if held
  std::string event_id;  // 16 bytes
};

class EventLog {
 public:
  // Makes the chain key at the first start. Recovers the head from the spool's
  // newest record. Events lost to damage are told by the chain: see Write().
  // kDataLoss: chain.key or chain.id is unreadable although the spool holds
  // events; the agent must be enrolled anew.
  // `spool` and `clock` must outlive the log. One thread.
  static Result<std::unique_ptr<EventLog>> Open(const EventLogOptions& options,
                                                Spool& spool,
                                                const Clock& clock);
  virtual ~EventLog() = default;

  virtual const event::ChainPublicKey& public_key() const = 0;
  virtual const std::string& agent_id() const = 0;  // empty = not started
  virtual event::Head head() const = 0;

  // After enrolment, once: names the chain, durable when it returns, then
  // writes the held events. Again with another agent id or a later epoch: the
  // chain starts anew at sequence 1 and events that were not yet acknowledged
  // are carried over under the new name (close the uplink's connection: what
  // it still acknowledges is of the old one). The same values again: nothing.
  // A later epoch that damage made (see ReadAfter, Ack) opens with a GAP that
  // names the epoch before: without it the server takes no new epoch.
  // kInvalidArgument: empty id, or an epoch before the current one.
  virtual Status Start(const std::string& agent_id, int32_t epoch) = 0;

  // Fills event_id (unless it is set), agent_id, epoch, sequence, occur_time
  // and since_boot_microseconds (unless occur_time is set) and boot_id;
  // everything else is the caller's. Signs, appends, durable when it returns
  // with Kept::kDurable.
  //
  // Losses are events: if any were counted, a GAP goes first. When the spool is
  // full this event is counted as lost, a GAP goes into the reserve (for the
  // 1st, 2nd, 4th, 8th... loss in a row) and kResourceExhausted is returned: in
  // enforce the caller refuses what the event was about, in observe it goes on.
  // kInternal and others: the disk failed; counted as lost in the same way.
  virtual Result<Written> Write(
      sekisho::event::v1::PublicPart public_part,
      const sekisho::event::v1::PersonalPart& personal_part) = 0;

  // For the uplink: records after `acked`, oldest first; see Spool::ReadAfter.
  // Only records of the current epoch. Finds damage: then the chain starts
  // anew at the next epoch, with a GAP and what is still readable, and the
  // records returned are of that. kDataLoss: the server is behind what it
  // acknowledged; nothing helps but enrolling anew.
  virtual Result<std::vector<SpooledRecord>> ReadAfter(const event::Head& acked,
                                                       size_t max_records,
                                                       size_t max_bytes) = 0;
  // The server committed up to `head` (EventsAcked, SendFrom). sequence 0 does
  // nothing. kAborted: the server's chain is not ours (another hash at that
  // sequence, or ahead of our head: this disk was rolled back). Then, once a
  // run, the chain starts anew at the next epoch with a GAP, carrying over what
  // was not acknowledged; it is worth a TAMPER event. Read on from head
  // {epoch, 0}.
  virtual Status Ack(const event::Head& head) = 0;

  // Events counted as lost and not yet told by a GAP.
  virtual int64_t lost_count() const = 0;
  // Not yet acknowledged. After a restart, and until the first Ack(), some that
  // were are counted, too: what the server has is known by the server alone.
  virtual int64_t spooled_count() const = 0;
  virtual int64_t spool_used_bytes() const = 0;
  virtual int64_t spool_size_bytes() const = 0;
  // Damage and disk failures since the last call, for the log and for HEALTH.
  virtual std::vector<Problem> TakeProblems() = 0;
};

}  // namespace sekisho::spool
