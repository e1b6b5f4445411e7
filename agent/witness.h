// An independent witness of what reaches a medium: compares what the kernel
// counted with what the gate says it did. Pure; reading counters and asking the
// gate are left to others.
//
// Allowed above the gate's own bytes, each measured with room to spare
// (tests/vm/run witness; docs/adr/0502):
//   5 %                 allocation tables, bitmaps, a page written twice
//   1 MiB               the filesystem's own records, once a mount
//   16 sectors          a change of a name, attribute or time (ext4, which
//                       writes whole blocks and a journal: 128 KiB)
//   growth              of directories, as the gate counted it
//   16 bytes a cluster  of what was freed: both copies of the table, twice
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "agent/enforce/medium_counters.h"
#include "agent/ipc/messages.h"
#include "common/clock.h"

namespace sekisho::agent {

// What may be done to the medium from now on.
enum class MediumUse {
  kOpen,      // everybody may write: only counted
  kLookedAt,  // closed, or open to the probe: nothing writes
  kReadOnly,  // mounted so
  kGate,      // mounted, and the gate alone writes
};

struct MediumFigures {
  int64_t kernel_written_bytes = 0;
  int64_t kernel_read_bytes = 0;
  int64_t gate_written_bytes = 0;
  int64_t allowed_bytes = 0;
  bool operator==(const MediumFigures&) const = default;
};

struct Difference {
  MediumFigures figures;
  std::string what;  // one English sentence
};

class Witness {
 public:
  struct Medium {
    std::string filesystem;  // as policy::MediumFacts
    int64_t sector_bytes = 512;
    // SCSI commands are told apart from block requests, and URBs from both: not
    // with UAS, which starts commands anew when it is full, nor where other
    // interfaces of the device have transfers of their own.
    bool judge_commands = false;
  };
  // `baseline`: when the use began. `counts`: of the gate then.
  Witness(MediumUse use, Medium medium, enforce::CounterReading baseline,
          const ipc::GateCounts& counts, BootTime now);

  MediumUse use() const { return use_; }
  // `reading` was taken before the gate said `counts`. A difference is told
  // once, and again when it has doubled.
  std::optional<Difference> Look(const enforce::CounterReading& reading,
                                 const ipc::GateCounts& counts, BootTime now);
  // Without judging.
  void Note(const enforce::CounterReading& reading,
            const ipc::GateCounts& counts);
  // As of the last look.
  const MediumFigures& figures() const { return figures_; }
  // Since then the kernel has counted more.
  bool Stale(const enforce::CounterReading& reading) const;

 private:
  int64_t Allowed(const ipc::GateCounts& done) const;
  std::optional<std::string> PassedBy(const enforce::CounterReading& reading,
                                      BootTime now) const;

  const MediumUse use_;
  const Medium medium_;
  const enforce::CounterReading baseline_;
  const ipc::GateCounts counts_before_;
  const BootTime since_;
  enforce::CounterReading last_;
  MediumFigures figures_;
  int64_t told_bytes_ = 0;  // by which the last difference told was too much
  bool told_passed_by_ = false;
};

}  // namespace sekisho::agent
