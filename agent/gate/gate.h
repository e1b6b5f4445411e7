// The gate of one mounted medium, from hello to exit.
#pragma once

#include <cstdint>
#include <string>

namespace sekisho::gate {

struct GatePaths {
  std::string core_socket;
  std::string scan_socket;
  std::string staging_directory;
};

// Returns the exit code when the medium is unmounted or sekishod says stop.
int RunGate(int64_t mount_id, const GatePaths& paths);

}  // namespace sekisho::gate
