#include "agent/scan/scan.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "agent/ipc/scan_rules.h"
#include "agent/scan/content_hash.h"
#include "agent/scan/content_stream.h"
#include "agent/scan/names.h"
#include "agent/scan/sandbox.h"
#include "common/text.h"
#include "common/unix_socket.h"
#include "detect/formats/inspect.h"

namespace sekisho::scan {
namespace {

using detect::DistinctSet;
using detect::IdentityKind;

constexpr size_t kReadBytes = size_t{256} * 1024;

std::string Packed(const std::vector<uint64_t>& hashes) {
  std::string out;
  for (uint64_t hash : hashes) {
    std::array<std::byte, 8> bytes{};
    PutU64(bytes.data(), hash);
    out += AsText(bytes);
  }
  return out;
}

ipc::SketchFinding ToMessage(IdentityKind kind, const DistinctSet& set) {
  ipc::SketchFinding out;
  out.kind = detect::kIdentityKindNames[static_cast<size_t>(kind)];
  out.persons = set.Count();
  if (set.exact() && static_cast<size_t>(set.Count()) <= kMaxKeyedHashes) {
    out.keyed_hashes = Packed(set.Hashes());
  } else {
    const std::vector<uint8_t> registers = set.ToRegisters();
    out.blob = AsText(std::as_bytes(std::span(registers)));
  }
  return out;
}

// The strongest kinds first, as many as a packet holds.
std::vector<ipc::SketchFinding> Sketches(const detect::PeopleSketch& people) {
  constexpr IdentityKind kOrder[] = {
      IdentityKind::kRow,         IdentityKind::kNationalId,
      IdentityKind::kNameBirth,   IdentityKind::kNamePhone,
      IdentityKind::kEmail,       IdentityKind::kMemberId,
      IdentityKind::kNameAddress, IdentityKind::kPhone,
      IdentityKind::kCard,        IdentityKind::kName};
  std::vector<ipc::SketchFinding> out;
  size_t bytes = 0;
  for (IdentityKind kind : kOrder) {
    if (people.of(kind).empty()) {
      continue;
    }
    ipc::SketchFinding sketch = ToMessage(kind, people.of(kind));
    const size_t size = sketch.blob.size() + sketch.keyed_hashes.size();
    if (bytes + size <= kMaxSketchBytes) {
      bytes += size;
      out.push_back(std::move(sketch));
    }
  }
  return out;
}

}  // namespace

detect::Options DetectingOf(const ScanOptions& options) {
  return {.key = options.sketch_key,
          .custom = options.custom,
          .samples = options.samples_key ? detect::SampleWish::kMasked
                                         : detect::SampleWish::kNone};
}

std::string SealSamples(const detect::MaskedSamples& samples,
                        const ScanOptions& options) {
  const std::string text = detect::SamplesJson(samples);
  if (text.empty() || !options.samples_key) {
    return {};
  }
  return seal::Seal(text, *options.samples_key).value_or(std::string());
}

std::string RowHashes(const detect::PeopleSketch& people) {
  const DistinctSet& rows = people.of(IdentityKind::kRow);
  return rows.exact() ? Packed(rows.Hashes()) : std::string();
}

ipc::Findings ToMessage(const detect::Findings& findings) {
  ipc::Findings out;
  out.format = findings.format;
  out.encoding = findings.encoding;
  out.bytes = findings.bytes;
  out.persons = findings.persons;
  for (size_t i = 0; i < detect::kDataTypeCount; ++i) {
    if (findings.data[i] > 0) {
      out.data.push_back(
          {std::string(detect::kDataTypeNames[i]), findings.data[i]});
    }
  }
  for (const detect::CustomCount& count : findings.custom) {
    out.data.push_back({detect::CustomName(count.id), count.values});
  }
  for (const detect::ColumnFinding& column : findings.columns) {
    out.columns.push_back(
        {column.part.empty() ? column.name : column.part + "/" + column.name,
         detect::TypeName(column), column.rows, column.share});
  }
  out.inspection = Name(findings.inspection);
  out.reason = findings.reason;
  out.sketches = Sketches(findings.people);
  out.people_sample = Packed(findings.people.of(IdentityKind::kRow).Smallest());
  return out;
}

namespace {

// Hashes what is read for the first time as it is read, which is all of it for
// most files.
class HashedSource final : public detect::Source {
 public:
  HashedSource(int fd, int64_t size_bytes, const ScanOptions& options,
               const Clock& clock)
      : file_(fd, size_bytes),
        options_(options),
        clock_(clock),
        tell_next_(clock.SinceBoot() + kSoFarInterval) {}
  int64_t size() const override { return file_.size(); }
  size_t Read(int64_t offset, std::span<std::byte> out) const override {
    const size_t n = file_.Read(offset, out);
    const int64_t end = offset + static_cast<int64_t>(n);
    if (offset <= hashed_ && end > hashed_) {
      hash_.Add(ByteSpan(out).first(n).subspan(
          static_cast<size_t>(hashed_ - offset)));
      hashed_ = end;
    }
    TellSoFar();
    return n;
  }

  // Reads what nobody asked for; empty when the file is shorter than it should.
  std::string Finish() {
    Bytes buffer(kReadBytes);
    while (hashed_ < size() && Read(hashed_, buffer) > 0) {
    }
    if (hashed_ < size()) {
      return {};
    }
    return hash_.Finish();
  }

 private:
  void TellSoFar() const {
    if (!options_.so_far || clock_.SinceBoot() < tell_next_) {
      return;
    }
    tell_next_ = clock_.SinceBoot() + kSoFarInterval;
    options_.so_far(hashed_);
  }

  detect::FdSource file_;
  const ScanOptions& options_;
  const Clock& clock_;
  // Reading does not change what is read.
  mutable ContentHash hash_;
  mutable int64_t hashed_ = 0;
  mutable BootTime tell_next_;
};

// The last resort when one block never ends: the process dies, the peer sees
// the connection close and reports a timeout, systemd starts the next one.
void ArmWatchdog(int64_t timeout_ms) {
  itimerval timer{};
  timer.it_value.tv_sec = timeout_ms == 0 ? 0 : timeout_ms / 1000 + 5;
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

}  // namespace

ipc::Findings ScanFd(int fd, int64_t size_bytes, const ScanOptions& options,
                     const Clock& clock) {
  const BootTime deadline =
      clock.SinceBoot() + std::chrono::milliseconds(options.timeout_ms);
  detect::Budget budget({}, [&] { return clock.SinceBoot() >= deadline; });
  HashedSource source(fd, size_bytes, options, clock);
  const detect::Options detecting = DetectingOf(options);
  detect::Findings findings = detect::InspectSource(source, detecting, &budget);
  AddName(InspectName(options.name, detecting), &findings);
  ipc::Findings out = ToMessage(findings);
  out.sealed_samples = SealSamples(findings.samples, options);
  if (budget.ok()) {
    out.file_hash = source.Finish();
  }
  return out;
}

Result<Rules> CompileRules(const ipc::ScanRules& rules) {
  std::vector<detect::CustomType> types;
  for (const ipc::CustomType& type : rules.types) {
    const auto check = detect::CustomCheckFromName(type.check);
    if (!check) {
      return Fail(Code::kInvalidArgument,
                  "unknown check '" + EscapeUntrusted(type.check, 32) + "'");
    }
    types.push_back({.id = type.id,
                     .pattern = type.pattern,
                     .header_words = type.header_words,
                     .check = *check,
                     .values = type.values});
  }
  Rules compiled;
  if (!types.empty()) {
    ASSIGN_OR_RETURN(compiled.custom, detect::CustomTypes::Make(types));
  }
  if (rules.samples_key.size() == seal::kPublicKeyBytes) {
    compiled.samples_key.emplace();
    std::ranges::copy(AsBytes(rules.samples_key),
                      compiled.samples_key->begin());
  }
  return compiled;
}

namespace {

Result<Rules> TakeRules(Packet packet) {
  ASSIGN_OR_RETURN(const ipc::UseScanRules use,
                   ipc::Decode<ipc::UseScanRules>(packet.bytes));
  if (use.size_bytes == 0 && packet.fds.empty()) {
    return Rules();
  }
  if (packet.fds.size() != 1) {
    return Fail(Code::kInvalidArgument, "scan rules without a descriptor");
  }
  ipc::ScanRulesFile file;
  file.fd = std::move(packet.fds[0]);
  file.size_bytes = use.size_bytes;
  ASSIGN_OR_RETURN(const ipc::ScanRules rules, ipc::ReadScanRules(file));
  return CompileRules(rules);
}

// One connection: a content is asked about whole, or as it grows.
class Session {
 public:
  Session(int socket, const Clock& clock) : socket_(socket), clock_(clock) {}
  // An error ends the connection.
  Status Take(Packet packet) {
    if (ipc::TypeOf(packet.bytes) == ipc::ScanMore::kType) {
      return More(std::move(packet));
    }
    if (ipc::TypeOf(packet.bytes) == ipc::UseScanRules::kType) {
      ASSIGN_OR_RETURN(rules_, TakeRules(std::move(packet)));
      return {};
    }
    if (ipc::TypeOf(packet.bytes) == ipc::TellSoFar::kType) {
      tells_so_far_ = true;
      return {};
    }
    if (ipc::TypeOf(packet.bytes) == ipc::ScanInBackground::kType) {
      return GoToTheBackground();
    }
    ASSIGN_OR_RETURN(const ipc::ScanRequest request,
                     ipc::Decode<ipc::ScanRequest>(packet.bytes));
    const bool sane = packet.fds.size() == 1 && request.size_bytes >= 0 &&
                      request.timeout_ms > 0 &&
                      request.timeout_ms <= kMaxTimeoutMs;
    if (!sane) {
      return Fail(Code::kInvalidArgument,
                  "scan request without its one descriptor, or out of range");
    }
    ScanOptions options;
    options.sketch_key = request.sketch_key;
    options.timeout_ms = request.timeout_ms;
    options.name = request.name_hint;
    options.custom = rules_.custom;
    options.samples_key = rules_.samples_key;
    transfer_id_ = request.transfer_id;
    stream_.reset();
    if (request.follows) {
      stream_.emplace(options);
      timeout_ms_ = request.timeout_ms;
      content_ = std::move(packet.fds[0]);
      return Grow(request.size_bytes, {});
    }
    if (tells_so_far_) {
      // Nobody may be there to hear it: the answer tells that too.
      options.so_far = [&](int64_t read_bytes) {
        std::ignore = SendPacket(
            socket_, ipc::Encode(ipc::ScanSoFar{.transfer_id = transfer_id_,
                                                .read_bytes = read_bytes}));
      };
    }
    ArmWatchdog(request.timeout_ms);
    ipc::ScanResult result;
    result.transfer_id = request.transfer_id;
    result.findings =
        ScanFd(packet.fds[0].get(), request.size_bytes, options, clock_);
    ArmWatchdog(0);
    return SendPacket(socket_, ipc::Encode(result));
  }

 private:
  Status More(Packet packet) {
    ASSIGN_OR_RETURN(const ipc::ScanMore more,
                     ipc::Decode<ipc::ScanMore>(packet.bytes));
    if (!stream_ || more.transfer_id != transfer_id_ || packet.fds.size() > 1 ||
        more.size_bytes < size_bytes_) {
      return Fail(Code::kInvalidArgument, "more of a content nobody began");
    }
    if (packet.fds.size() == 1) {
      content_ = std::move(packet.fds[0]);
    }
    return Grow(more.size_bytes, more);
  }

  Status Grow(int64_t size_bytes, const ipc::ScanMore& more) {
    // Each piece has the time that a whole content has.
    ArmWatchdog(timeout_ms_);
    size_bytes_ = size_bytes;
    stream_->Feed(content_.get(), size_bytes);
    Bytes answer;
    if (more.last) {
      answer = AtTheEnd();
      stream_.reset();
      content_.Reset();
      size_bytes_ = 0;
    } else {
      answer = Told(stream_->Progress(more.quiet));
    }
    ArmWatchdog(0);
    return SendPacket(socket_, answer);
  }

  Bytes AtTheEnd() {
    std::optional<ipc::Findings> findings = stream_->Finish();
    if (!findings) {
      return Told({});  // not incremental
    }
    ipc::ScanResult result;
    result.transfer_id = transfer_id_;
    result.findings = *std::move(findings);
    return ipc::Encode(result);
  }

  Bytes Told(ipc::ScanProgress progress) const {
    progress.transfer_id = transfer_id_;
    return ipc::Encode(progress);
  }

  const int socket_;
  const Clock& clock_;
  Rules rules_;
  uint64_t transfer_id_ = 0;
  std::optional<ContentStream> stream_;
  UniqueFd content_;
  int64_t size_bytes_ = 0;
  int64_t timeout_ms_ = 0;
  bool tells_so_far_ = false;
};

}  // namespace

Status Serve(int socket, const Clock& clock) {
  Session session(socket, clock);
  for (;;) {
    Result<Packet> packet = ReceivePacket(socket);
    if (!packet) {
      return packet.error().code == Code::kCancelled
                 ? Status{}
                 : std::unexpected(packet.error());
    }
    RETURN_IF_ERROR(session.Take(*std::move(packet)));
  }
}

}  // namespace sekisho::scan
