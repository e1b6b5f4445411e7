#include "agent/scan/scan.h"

#include <sodium.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>

#include "agent/ipc/scan_rules.h"
#include "common/text.h"
#include "common/unix_socket.h"
#include "detect/formats/inspect.h"

namespace sekisho::scan {
namespace {

using detect::DistinctSet;
using detect::IdentityKind;

constexpr size_t kReadBytes = size_t{256} * 1024;

ipc::SketchFinding ToMessage(IdentityKind kind, const DistinctSet& set) {
  ipc::SketchFinding out;
  out.kind = detect::kIdentityKindNames[static_cast<size_t>(kind)];
  out.persons = set.Count();
  if (set.exact() && static_cast<size_t>(set.Count()) <= kMaxKeyedHashes) {
    for (uint64_t hash : set.Hashes()) {
      std::array<std::byte, 8> bytes{};
      PutU64(bytes.data(), hash);
      out.keyed_hashes += AsText(bytes);
    }
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
  return out;
}

// Hashes what is read for the first time as it is read, which is all of it for
// most files.
class HashedSource final : public detect::Source {
 public:
  HashedSource(int fd, int64_t size_bytes) : file_(fd, size_bytes) {
    crypto_hash_sha256_init(&hash_);
  }
  int64_t size() const override { return file_.size(); }
  size_t Read(int64_t offset, std::span<std::byte> out) const override {
    const size_t n = file_.Read(offset, out);
    const int64_t end = offset + static_cast<int64_t>(n);
    if (offset <= hashed_ && end > hashed_) {
      const ByteSpan part =
          ByteSpan(out).first(n).subspan(static_cast<size_t>(hashed_ - offset));
      crypto_hash_sha256_update(
          &hash_, reinterpret_cast<const unsigned char*>(part.data()),
          part.size());
      hashed_ = end;
    }
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
    std::array<unsigned char, crypto_hash_sha256_BYTES> digest{};
    crypto_hash_sha256_final(&hash_, digest.data());
    return std::string(AsText(std::as_bytes(std::span(digest))));
  }

 private:
  detect::FdSource file_;
  // Reading does not change what is read.
  mutable crypto_hash_sha256_state hash_{};
  mutable int64_t hashed_ = 0;
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
  HashedSource source(fd, size_bytes);
  const detect::Findings findings = detect::InspectSource(
      source, {.key = options.sketch_key, .custom = options.custom}, &budget);
  ipc::Findings out = ToMessage(findings);
  if (budget.ok()) {
    out.file_hash = source.Finish();
  }
  return out;
}

Result<std::shared_ptr<const detect::CustomTypes>> CompileRules(
    const ipc::ScanRules& rules) {
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
  return detect::CustomTypes::Make(types);
}

namespace {

Result<std::shared_ptr<const detect::CustomTypes>> TakeRules(Packet packet) {
  ASSIGN_OR_RETURN(const ipc::UseScanRules use,
                   ipc::Decode<ipc::UseScanRules>(packet.bytes));
  if (use.size_bytes == 0 && packet.fds.empty()) {
    return std::shared_ptr<const detect::CustomTypes>();
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

}  // namespace

Status Serve(int socket, const Clock& clock) {
  ScanOptions options;
  for (;;) {
    Result<Packet> packet = ReceivePacket(socket);
    if (!packet) {
      return packet.error().code == Code::kCancelled
                 ? Status{}
                 : std::unexpected(packet.error());
    }
    if (ipc::TypeOf(packet->bytes) == ipc::UseScanRules::kType) {
      ASSIGN_OR_RETURN(options.custom, TakeRules(*std::move(packet)));
      continue;
    }
    ASSIGN_OR_RETURN(const ipc::ScanRequest request,
                     ipc::Decode<ipc::ScanRequest>(packet->bytes));
    const bool sane = packet->fds.size() == 1 && request.size_bytes >= 0 &&
                      request.timeout_ms > 0 &&
                      request.timeout_ms <= kMaxTimeoutMs;
    if (!sane) {
      return Fail(Code::kInvalidArgument,
                  "scan request without its one descriptor, or out of range");
    }
    options.sketch_key = request.sketch_key;
    options.timeout_ms = request.timeout_ms;
    ArmWatchdog(request.timeout_ms);
    ipc::ScanResult result;
    result.transfer_id = request.transfer_id;
    result.findings =
        ScanFd(packet->fds[0].get(), request.size_bytes, options, clock);
    ArmWatchdog(0);
    RETURN_IF_ERROR(SendPacket(socket, ipc::Encode(result)));
  }
}

}  // namespace sekisho::scan
