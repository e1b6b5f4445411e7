#include "agent/content_scan.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <utility>

#include "common/unix_socket.h"

namespace sekisho::agent {

Result<UniqueFd> ConnectScan(const std::string& socket_path, Listener listener,
                             const ipc::SharedScanRules& rules) {
  ASSIGN_OR_RETURN(UniqueFd scan, ConnectSeqpacket(socket_path, listener));
  const timeval timeout{.tv_sec = kContentScanSeconds + 10, .tv_usec = 0};
  if (::setsockopt(scan.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout,
                   sizeof timeout) != 0) {
    return FailErrno("scan: timeout");
  }
  if (rules) {
    const ipc::UseScanRules use{.size_bytes = rules->size_bytes};
    RETURN_IF_ERROR(
        SendPacket(scan.get(), ipc::Encode(use), ipc::FdsOf(rules)));
  }
  return scan;
}

Result<ipc::Findings> ScanContent(int scan, int file, ipc::ScanRequest asked) {
  struct stat about{};
  if (::fstat(file, &about) != 0) return FailErrno("stat");
  asked.size_bytes = about.st_size;
  asked.timeout_ms = int64_t{kContentScanSeconds} * 1000;
  RETURN_IF_ERROR(SendPacket(scan, ipc::Encode(asked), {file}));
  auto packet = ReceivePacket(scan);
  if (!packet) return Wrap("scan", std::move(packet).error());
  ASSIGN_OR_RETURN(ipc::ScanResult result,
                   ipc::Decode<ipc::ScanResult>(packet->bytes));
  return std::move(result.findings);
}

}  // namespace sekisho::agent
