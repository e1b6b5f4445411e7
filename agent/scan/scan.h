// Inspects the content behind a descriptor, within a budget of time, and
// answers scan requests on a socket.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/ipc/messages.h"
#include "common/clock.h"
#include "common/result.h"
#include "detect/inspector.h"
#include "seal/seal.h"

namespace sekisho::scan {

// Longest a request may ask for.
inline constexpr int64_t kMaxTimeoutMs = 600'000;
// An event names people up to here by keyed hashes, above by a sketch.
inline constexpr size_t kMaxKeyedHashes = 512;
// All of a result's sketches: a packet holds 128 KiB.
inline constexpr size_t kMaxSketchBytes = size_t{96} * 1024;

struct ScanOptions {
  detect::SketchKey sketch_key{};
  std::shared_ptr<const detect::CustomTypes> custom{};
  int64_t timeout_ms = 30'000;
  std::string name;  // of the file, for the people in it; empty: not known
  // Whom masked samples are sealed to; without it none are made.
  std::optional<seal::PublicKey> samples_key{};
  // Told now and then, while it goes on, how much has been read.
  std::function<void(int64_t read_bytes)> so_far{};
};

// How often ScanOptions::so_far is told at most.
inline constexpr std::chrono::milliseconds kSoFarInterval{500};

// What of it the engine is told.
detect::Options DetectingOf(const ScanOptions& options);

// Reads `size_bytes` of `fd` with pread, whatever its file position. Never
// fails: a read error or a file that is shorter is "partial" and "damaged",
// running out of time "partial" and "timeout".
ipc::Findings ScanFd(int fd, int64_t size_bytes, const ScanOptions& options,
                     const Clock& clock);

// What policy wants of a worker, ready to use.
struct Rules {
  std::shared_ptr<const detect::CustomTypes> custom;
  std::optional<seal::PublicKey> samples_key;
};
// What the engine refuses is an error: a file is not called clean by a worker
// that does not look for all of it.
Result<Rules> CompileRules(const ipc::ScanRules& rules);

// As a message; sketches as far as a packet holds them. Without samples.
ipc::Findings ToMessage(const detect::Findings& findings);
// Empty where there is no sample or no key. A key that is none costs the
// samples, not the inspection.
std::string SealSamples(const detect::MaskedSamples& samples,
                        const ScanOptions& options);
// The strongest identity of each record, 8 bytes each; empty when there are
// more than a set keeps exactly.
std::string RowHashes(const detect::PeopleSketch& people);

// Answers requests on `socket` until the peer closes it (success). A request
// that is malformed or has no descriptor, and rules that cannot be used, end
// the connection with an error.
Status Serve(int socket, const Clock& clock);

}  // namespace sekisho::scan
