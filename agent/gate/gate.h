// The gate of one mounted medium, from hello to exit.
#pragma once

#include <cstdint>
#include <string>

#include "common/unix_socket.h"

namespace sekisho::gate {

// Who may listen where the scan workers are asked for: root could put a socket
// of his own in that place. Tests have no pid 1 of theirs.
struct GatePaths {
  std::string core_socket;
  std::string scan_socket;
  Listener scan_listener = Listener::kInit;
  std::string staging_directory;
};

// Returns the exit code when the medium is unmounted or sekishod says stop.
int RunGate(int64_t mount_id, const GatePaths& paths);

}  // namespace sekisho::gate
