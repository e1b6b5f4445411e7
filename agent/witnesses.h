// A witness for each medium: reads the kernel's counters while it is there,
// asks its gate what it did, and tells what does not fit. Keeps the figures
// for the events of its end.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/decide/decider.h"
#include "agent/enforce/medium_counters.h"
#include "agent/witness.h"
#include "common/clock.h"
#include "common/event_loop.h"

namespace sekisho::agent {

class Witnesses {
 public:
  struct Events {
    std::function<void(decide::DeviceId, const Difference&)> differs;
    // Answered by OnCounts().
    std::function<void(int64_t mount_id)> ask;
  };
  struct Subject {
    std::vector<enforce::Disk> disks;
    std::shared_ptr<const enforce::UsbDevice> usb;  // may be null
    std::string filesystem;
    bool judge_commands = false;
    int64_t mount_id = 0;  // of kGate
    // Bytes the kernel had counted when this use began, which was before
    // sekishod's restart. -1: it begins now.
    int64_t written_before = -1;
  };

  // Loop thread only; all must outlive this.
  Witnesses(EventLoop& loop, const Clock& clock, Events events)
      : loop_(loop), clock_(clock), events_(std::move(events)) {}
  ~Witnesses();
  Witnesses(const Witnesses&) = delete;
  Witnesses& operator=(const Witnesses&) = delete;

  // From now on the medium is used so; what was before is looked at once more.
  // The kernel's count of written bytes at that moment. An error: nothing is
  // counted, for the disk is gone.
  Result<int64_t> Begin(decide::DeviceId id, MediumUse use,
                        const Subject& subject);
  void OnCounts(int64_t mount_id, const ipc::GateCounts& counts);
  // The use is over; its figures stay until the next one, or Forget().
  void End(decide::DeviceId id);
  void Forget(decide::DeviceId id);

  std::optional<MediumFigures> FiguresOf(decide::DeviceId id) const;

 private:
  struct Entry {
    enforce::MediumCounters counters;
    Witness witness;
    int64_t mount_id = 0;
    ipc::GateCounts counts;
    // Of what the gate was asked for; nullopt: it was not.
    std::optional<enforce::CounterReading> asked;
    bool final = false;  // the gate will do no more than `counts`
    bool ended = false;
  };

  void Tick();
  void ArmTimer();
  void LookNow(decide::DeviceId id, Entry& entry);
  void Look(decide::DeviceId id, Entry& entry,
            const enforce::CounterReading& reading);

  EventLoop& loop_;
  const Clock& clock_;
  const Events events_;
  std::map<decide::DeviceId, Entry> entries_;
  EventLoop::TimerId timer_ = 0;
};

}  // namespace sekisho::agent
