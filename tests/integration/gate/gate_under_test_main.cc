// sekisho-gate with its paths from argv, for tests only: never packaged. What
// is packaged has no such option (agent/gate/gate_main.cc).
#include <cstdio>
#include <cstdlib>

#include "agent/gate/gate.h"

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: gate_under_test MOUNT_ID SOCKETS_DIR STAGING_DIR\n",
               stderr);
    return 2;
  }
  const std::string sockets = std::string(argv[2]) + "/";
  return sekisho::gate::RunGate(std::strtol(argv[1], nullptr, 10),
                                {.core_socket = sockets + "gate.sock",
                                 .scan_socket = sockets + "scan.sock",
                                 .scan_listener = sekisho::Listener::kAnybody,
                                 .staging_directory = argv[3]});
}
