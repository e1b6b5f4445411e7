#include "agent/witnesses.h"

#include <utility>

namespace sekisho::agent {
namespace {

// A difference is told after this at the latest.
constexpr std::chrono::milliseconds kInterval{5'000};

}  // namespace

Witnesses::~Witnesses() { loop_.Cancel(timer_); }

Result<int64_t> Witnesses::Begin(decide::DeviceId id, MediumUse use,
                                 const Subject& subject) {
  End(id);
  entries_.erase(id);
  ASSIGN_OR_RETURN(enforce::MediumCounters counters,
                   enforce::MediumCounters::Open(subject.disks, subject.usb));
  ASSIGN_OR_RETURN(enforce::CounterReading baseline, counters.Read());
  if (subject.written_before >= 0) {
    baseline.written_bytes = subject.written_before;
  }
  Witness witness(use,
                  {.filesystem = subject.filesystem,
                   .sector_bytes = counters.sector_bytes(),
                   .judge_commands = subject.judge_commands},
                  baseline, {}, clock_.SinceBoot());
  entries_.emplace(id, Entry{.counters = std::move(counters),
                             .witness = std::move(witness),
                             .mount_id = subject.mount_id,
                             .counts = {},
                             .asked = std::nullopt});
  ArmTimer();
  return baseline.written_bytes;
}

void Witnesses::ArmTimer() {
  if (timer_ != 0) return;
  timer_ = loop_.After(kInterval, [this] { Tick(); });
}

void Witnesses::Tick() {
  timer_ = 0;
  bool more = false;
  for (auto& [id, entry] : entries_) {
    if (entry.ended) continue;
    more = true;
    LookNow(id, entry);
  }
  if (more) ArmTimer();
}

void Witnesses::LookNow(decide::DeviceId id, Entry& entry) {
  const auto reading = entry.counters.Read();
  if (!reading) return;  // its removal is on its way
  const bool ask = entry.witness.use() == MediumUse::kGate && !entry.final &&
                   entry.witness.Stale(*reading);
  if (!ask) {
    Look(id, entry, *reading);
    return;
  }
  // The kernel first: what it counted, the gate had counted before.
  entry.asked = *reading;
  events_.ask(entry.mount_id);
}

void Witnesses::Look(decide::DeviceId id, Entry& entry,
                     const enforce::CounterReading& reading) {
  const auto difference =
      entry.witness.Look(reading, entry.counts, clock_.SinceBoot());
  if (difference) events_.differs(id, *difference);
}

void Witnesses::OnCounts(int64_t mount_id, const ipc::GateCounts& counts) {
  for (auto& [id, entry] : entries_) {
    if (entry.mount_id != mount_id || entry.ended) continue;
    entry.counts = counts;
    const auto asked = std::exchange(entry.asked, std::nullopt);
    if (asked) {
      Look(id, entry, *asked);
    } else {
      entry.final = true;
    }
    return;
  }
}

void Witnesses::End(decide::DeviceId id) {
  const auto found = entries_.find(id);
  if (found == entries_.end() || found->second.ended) return;
  Entry& entry = found->second;
  entry.ended = true;
  const auto reading = entry.counters.Read();
  if (!reading) return;  // pulled out: the last look stands
  if (entry.witness.use() == MediumUse::kGate && !entry.final) {
    // A gate that died has not said what it did last.
    entry.witness.Note(*reading, entry.counts);
    return;
  }
  Look(id, entry, *reading);
}

void Witnesses::Forget(decide::DeviceId id) { entries_.erase(id); }

std::optional<MediumFigures> Witnesses::FiguresOf(decide::DeviceId id) const {
  const auto found = entries_.find(id);
  if (found == entries_.end()) return std::nullopt;
  return found->second.witness.figures();
}

}  // namespace sekisho::agent
