// Asks sekisho-scan about a file that lies somewhere already. Waits: for the
// threads of Jobs.
#pragma once

#include <string>

#include "agent/ipc/messages.h"
#include "agent/ipc/scan_rules.h"
#include "common/unique_fd.h"
#include "common/unix_socket.h"

namespace sekisho::agent {

inline constexpr int kContentScanSeconds = 60;

// A worker of its own, with the rules; it dies with the descriptor.
Result<UniqueFd> ConnectScan(const std::string& socket_path, Listener listener,
                             const ipc::SharedScanRules& rules);

// The size is asked of `file`. An error: the worker is of no use any more.
Result<ipc::Findings> ScanContent(int scan, int file, ipc::ScanRequest asked);

}  // namespace sekisho::agent
