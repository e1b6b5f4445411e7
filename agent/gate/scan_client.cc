#include "agent/gate/scan_client.h"

#include <poll.h>

#include "common/unix_socket.h"

namespace sekisho::gate {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

// The worker watches its own time; this is for one that no longer can.
constexpr milliseconds kGrace{2'000};

}  // namespace

ipc::Findings Uninspected(int64_t size_bytes, std::string reason) {
  ipc::Findings findings;
  findings.bytes = size_bytes;
  findings.inspection = "none";
  findings.reason = std::move(reason);
  return findings;
}

ipc::Findings NameOnly() {
  ipc::Findings findings;
  findings.format = "name";
  findings.inspection = "full";
  return findings;
}

ipc::Findings ScanClient::Scan(int content_fd, int64_t size_bytes,
                               const std::string& name) {
  const std::lock_guard lock(mutex_);
  auto found = Exchange(content_fd, size_bytes, name);
  if (found) return *std::move(found);
  connection_.Reset();  // its state is unknown; never ask it again
  return Uninspected(size_bytes, found.error().code == Code::kDeadlineExceeded
                                     ? "timeout"
                                     : "crash");
}

// A worker that left while idle, before anything was asked of it.
bool ScanClient::Stale() const {
  pollfd wait{connection_.get(), POLLIN, 0};
  return ::poll(&wait, 1, 0) != 0;
}

Status ScanClient::Connect() {
  if (connection_ && !Stale()) return {};
  ASSIGN_OR_RETURN(connection_, ConnectSeqpacket(options_.socket_path));
  sent_rules_.reset();
  return {};
}

void ScanClient::UseRules(ipc::SharedScanRules rules) {
  const std::lock_guard lock(rules_mutex_);
  rules_ = std::move(rules);
}

// A worker that was told nothing knows the built-in types only.
Status ScanClient::SendRules() {
  ipc::SharedScanRules rules;
  {
    const std::lock_guard lock(rules_mutex_);
    rules = rules_;
  }
  if (rules == sent_rules_) return {};
  const ipc::UseScanRules message{.size_bytes = ipc::SizeOf(rules)};
  RETURN_IF_ERROR(
      SendPacket(connection_.get(), ipc::Encode(message), ipc::FdsOf(rules)));
  sent_rules_ = std::move(rules);
  return {};
}

Result<ipc::Findings> ScanClient::Exchange(int content_fd, int64_t size_bytes,
                                           const std::string& name) {
  RETURN_IF_ERROR(Connect());
  RETURN_IF_ERROR(SendRules());
  ipc::ScanRequest request;
  request.transfer_id = ++next_transfer_;
  request.size_bytes = size_bytes;
  request.name_hint = name;
  request.sketch_key = options_.sketch_key;
  request.timeout_ms = options_.timeout.count();
  RETURN_IF_ERROR(
      SendPacket(connection_.get(), ipc::Encode(request), {content_fd}));

  const auto deadline = steady_clock::now() + options_.timeout + kGrace;
  while (true) {
    const auto left = std::chrono::duration_cast<milliseconds>(
        deadline - steady_clock::now());
    if (left.count() <= 0) {
      return Fail(Code::kDeadlineExceeded, "scan worker gave no answer");
    }
    pollfd wait{connection_.get(), POLLIN, 0};
    const int ready = ::poll(&wait, 1, static_cast<int>(left.count()));
    if (ready < 0 && errno != EINTR) return FailErrno("poll");
    if (ready <= 0) continue;
    ASSIGN_OR_RETURN(const Packet packet, ReceivePacket(connection_.get()));
    ASSIGN_OR_RETURN(ipc::ScanResult result,
                     ipc::Decode<ipc::ScanResult>(packet.bytes));
    if (result.transfer_id != request.transfer_id) {
      return Fail(Code::kInternal, "answer to another scan");
    }
    return std::move(result.findings);
  }
}

}  // namespace sekisho::gate
