#include "agent/witness.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sekisho::agent {
namespace {

constexpr int64_t kOnceBytes = int64_t{1} << 20;
constexpr int64_t kSharePercent = 5;
constexpr int64_t kSectorsOfChange = 16;
constexpr int64_t kJournalledChangeBytes = int64_t{128} << 10;
constexpr int64_t kTableBytesOfCluster = 16;
constexpr int64_t kSmallestCluster = 512;

// Requests that are no reads and writes: the kernel asks each second or two
// whether the medium is there, and a lost command is sent again.
constexpr int64_t kOtherCommandsOnce = 256;
constexpr int64_t kOtherCommandsPerSecond = 4;
constexpr int64_t kRepeatedPercent = 25;
// Of a command: itself, its data and its status; hosts that cannot gather send
// the data page by page.
constexpr int64_t kUrbsOfCommand = 4;
constexpr int64_t kUrbsOnce = 1024;
constexpr int64_t kUrbsPerSecond = 32;
constexpr int64_t kPageBytes = 4096;

int64_t SecondsBetween(BootTime from, BootTime to) {
  return std::max<int64_t>(
      0, std::chrono::duration_cast<std::chrono::seconds>(to - from).count());
}

}  // namespace

Witness::Witness(MediumUse use, Medium medium, enforce::CounterReading baseline,
                 const ipc::GateCounts& counts, BootTime now)
    : use_(use),
      medium_(std::move(medium)),
      baseline_(baseline),
      counts_before_(counts),
      since_(now),
      last_(baseline) {}

int64_t Witness::Allowed(const ipc::GateCounts& done) const {
  if (use_ == MediumUse::kOpen) return INT64_MAX;
  if (use_ != MediumUse::kGate) return 0;
  const int64_t written =
      std::max<int64_t>(0, done.written_bytes - counts_before_.written_bytes);
  const int64_t changes =
      std::max<int64_t>(0, done.changes - counts_before_.changes);
  const int64_t grown = std::max<int64_t>(
      0, done.directory_bytes - counts_before_.directory_bytes);
  const int64_t freed =
      std::max<int64_t>(0, done.freed_bytes - counts_before_.freed_bytes);
  const int64_t cluster = std::max(done.cluster_bytes, kSmallestCluster);
  const int64_t change_bytes =
      medium_.filesystem == "ext4"
          ? kJournalledChangeBytes
          : kSectorsOfChange * std::max<int64_t>(medium_.sector_bytes, 512);
  return written + written / 100 * kSharePercent + kOnceBytes +
         changes * change_bytes + grown +
         freed / cluster * kTableBytesOfCluster;
}

bool Witness::Stale(const enforce::CounterReading& reading) const {
  return reading.written_bytes != last_.written_bytes ||
         reading.read_bytes != last_.read_bytes;
}

// Commands and transfers that no block request explains.
std::optional<std::string> Witness::PassedBy(
    const enforce::CounterReading& reading, BootTime now) const {
  if (!medium_.judge_commands || reading.commands < 0) return std::nullopt;
  const int64_t seconds = SecondsBetween(since_, now);
  const int64_t commands = reading.commands - baseline_.commands;
  const int64_t requests = reading.block_requests - baseline_.block_requests;
  const int64_t commands_allowed =
      requests + requests / 100 * kRepeatedPercent + kOtherCommandsOnce +
      seconds * kOtherCommandsPerSecond;
  if (commands > commands_allowed) {
    return fmt::format(
        "the disk got {} SCSI commands, of which {} come from files; at most "
        "{} are explained",
        commands, requests, commands_allowed);
  }
  if (reading.urbs < 0) return std::nullopt;
  const int64_t urbs = reading.urbs - baseline_.urbs;
  const int64_t moved = reading.written_bytes - baseline_.written_bytes +
                        reading.read_bytes - baseline_.read_bytes;
  const int64_t urbs_allowed = commands * kUrbsOfCommand + moved / kPageBytes +
                               kUrbsOnce + seconds * kUrbsPerSecond;
  if (urbs > urbs_allowed) {
    return fmt::format(
        "the device had {} USB transfers for {} SCSI commands; at most {} are "
        "explained",
        urbs, commands, urbs_allowed);
  }
  return std::nullopt;
}

void Witness::Note(const enforce::CounterReading& reading,
                   const ipc::GateCounts& counts) {
  last_ = reading;
  figures_ = {
      .kernel_written_bytes = reading.written_bytes - baseline_.written_bytes,
      .kernel_read_bytes = reading.read_bytes - baseline_.read_bytes,
      .gate_written_bytes =
          use_ == MediumUse::kGate
              ? counts.written_bytes - counts_before_.written_bytes
              : 0,
      .allowed_bytes = Allowed(counts)};
}

std::optional<Difference> Witness::Look(const enforce::CounterReading& reading,
                                        const ipc::GateCounts& counts,
                                        BootTime now) {
  Note(reading, counts);
  if (use_ == MediumUse::kOpen) return std::nullopt;
  const int64_t beyond = figures_.kernel_written_bytes - figures_.allowed_bytes;
  if (beyond > 0 && (told_bytes_ == 0 || beyond >= 2 * told_bytes_)) {
    told_bytes_ = beyond;
    switch (use_) {
      case MediumUse::kOpen:
        break;
      case MediumUse::kLookedAt:
        return Difference{
            figures_, fmt::format("{} bytes were written to a medium that is "
                                  "closed",
                                  figures_.kernel_written_bytes)};
      case MediumUse::kReadOnly:
        return Difference{
            figures_, fmt::format("{} bytes were written to a medium that is "
                                  "mounted read-only",
                                  figures_.kernel_written_bytes)};
      case MediumUse::kGate:
        return Difference{
            figures_,
            fmt::format("the kernel wrote {} bytes to the medium, the gate {}; "
                        "at most {} are explained",
                        figures_.kernel_written_bytes,
                        figures_.gate_written_bytes, figures_.allowed_bytes)};
    }
  }
  if (told_passed_by_) return std::nullopt;
  if (auto what = PassedBy(reading, now)) {
    told_passed_by_ = true;
    return Difference{figures_, *std::move(what)};
  }
  return std::nullopt;
}

}  // namespace sekisho::agent
