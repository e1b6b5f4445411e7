// Observe: what would have happened to files that went to native mounts.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "agent/agent.h"
#include "agent/content_scan.h"
#include "common/log.h"

namespace sekisho::agent {
namespace {

constexpr int kMaxScansAtOnce = 2;
constexpr size_t kMaxUnscanned = 512;
// Up to this size content is copied first, so that unmounting is not refused
// while a scan runs.
constexpr int64_t kMaxCopiedBytes = int64_t{16} << 20;
constexpr std::chrono::milliseconds kGapInterval{10'000};

Result<UniqueFd> CopyToMemory(int file, int64_t size) {
  UniqueFd memory(::memfd_create("sekisho-scan", MFD_CLOEXEC));
  if (!memory) return FailErrno("memfd");
  std::array<char, 65536> buffer{};
  int64_t at = 0;
  while (at < size) {
    const ssize_t n = ::pread(file, buffer.data(), buffer.size(), at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return FailErrno("read");
    if (n == 0) break;
    if (::write(memory.get(), buffer.data(), static_cast<size_t>(n)) != n) {
      return FailErrno("copy");
    }
    at += n;
  }
  return memory;
}

Result<ipc::Findings> Scan(const std::string& socket_path, Listener listener,
                           UniqueFd file, const ipc::ScanRequest& asked,
                           const ipc::SharedScanRules& rules) {
  struct stat about{};
  if (::fstat(file.get(), &about) != 0) return FailErrno("stat");
  if (about.st_size <= kMaxCopiedBytes) {
    ASSIGN_OR_RETURN(file, CopyToMemory(file.get(), about.st_size));
  }
  ASSIGN_OR_RETURN(const UniqueFd scan,
                   ConnectScan(socket_path, listener, rules));
  return ScanContent(scan.get(), file.get(), asked);
}

}  // namespace

void Agent::WatchWrites() {
  if (observe_ != nullptr) return;
  auto started = WriteWatch::Start(
      loop_,
      {.wanted =
           [this](const enforce::MountEntry& mount) {
             return media_->DeviceOfNode(mount.device) != 0;
           },
       .written =
           [this](WriteWatch::Written one) { OnWritten(std::move(one)); },
       .lost = [this](const std::string& why) { CountLost(why); }},
      {});
  if (!started) {
    TellHealth("copies to media are not seen: " + started.error().message);
    return;
  }
  observe_ = std::move(*started);
}

void Agent::OnWritten(WriteWatch::Written one) {
  const decide::DeviceId device =
      media_->DeviceOfNode({enforce::NodeKind::kBlock, major(one.about.st_dev),
                            minor(one.about.st_dev)});
  auto path = PathOf(one.file.get());
  if (device == 0 || !path) return;
  if (unscanned_.size() >= kMaxUnscanned) {
    CountLost("too many files waited for inspection");
    return;
  }
  Written written{.device = device,
                  .who = Behind(one.pid),
                  .path = *std::move(path),
                  .file = std::move(one.file)};
  unscanned_.push_back(std::move(written));
  ScanNext();
}

void Agent::ScanNext() {
  while (scanning_ < kMaxScansAtOnce && !unscanned_.empty()) {
    auto written = std::make_shared<Written>(std::move(unscanned_.front()));
    unscanned_.pop_front();
    ++scanning_;
    ipc::ScanRequest request;
    request.name_hint = written->path.substr(written->path.rfind('/') + 1);
    request.sketch_key = sketch_key_;
    jobs_.Run(
        [written, request, rules = scan_rules_, listener = WorkersStartedBy(),
         socket = options_.runtime_dir + "/" + ipc::kScanSocket] {
          return Scan(socket, listener, std::move(written->file), request,
                      rules);
        },
        [this, written](Result<ipc::Findings> findings) {
          --scanning_;
          if (!findings) {
            // Not clean: not looked into, and the event says so.
            Log(LogLevel::kWarning, findings.error().message);
            findings = ipc::Findings{};
            findings->reason = "crash";
          }
          OnScanned(*written, *findings);
          ScanNext();
        });
  }
}

void Agent::OnScanned(const Written& written, const ipc::Findings& findings) {
  const auto* device = decider_->Find(written.device);
  const Owners owners = OwnersIn(findings);
  const auto decision = DecideContent(findings, owners, device, written.who);
  Parts parts = NewParts(event::v1::EVENT_KIND_TRANSFER);
  parts.open.set_outcome(OutcomeOf(decision.verdict));
  parts.open.set_rule(decision.rule);
  parts.open.set_reason(decision.reason);
  if (device != nullptr) {
    SetDevice(device->Facts(), parts);
    const auto& judged = device->judged.decision;
    parts.open.set_access(policy::Name(judged.access));
    if (judged.access == policy::Access::kBlock && !judged.needs_probe) {
      parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
      parts.open.set_rule(judged.rule);
      parts.open.set_reason(judged.reason);
    }
  }
  SetWho(written.who, parts);
  TellFindings(findings, owners, parts);
  if (const auto from = LandingWith(findings)) SetLanding(*from, parts);
  // It was there before anybody asked, whatever the mode is by now.
  parts.open.set_observe_only(true);
  parts.open.set_persons_written_count(findings.persons);
  if (const Status counted =
          CountWritten(findings, device, written.who, nullptr);
      !counted) {
    Log(LogLevel::kWarning, "totals: " + counted.error().message);
  }
  parts.personal.set_file_path(written.path.substr(0, 4096));
  WriteSoon(std::move(parts));
}

void Agent::CountLost(const std::string& why) {
  if (lost_++ > 0) return;
  Log(LogLevel::kWarning, why);
  lost_why_ = why;
  lost_from_ = clock_.Now();
  loop_.After(kGapInterval, [this] {
    Parts parts = NewParts(event::v1::EVENT_KIND_GAP);
    parts.open.set_lost_count(std::exchange(lost_, 0));
    parts.open.set_reason(lost_why_);
    SetTime(lost_from_, parts.open.mutable_lost_from_time());
    SetTime(clock_.Now(), parts.open.mutable_lost_to_time());
    WriteSoon(std::move(parts));
  });
}

}  // namespace sekisho::agent
