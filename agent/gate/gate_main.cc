// sekisho-gate MOUNT_ID: serves one mounted medium. Started by systemd as
// sekisho-gate@MOUNT_ID; the number only says which mount to ask sekishod for.
// Everything that matters comes over gate.sock, paths are constants.
#include <charconv>
#include <cstdio>
#include <cstring>

#include "agent/gate/gate.h"
#include "agent/ipc/messages.h"

int main(int argc, char** argv) {
  int64_t mount_id = 0;
  const char* const text = argc == 2 ? argv[1] : "";
  const char* const end = text + std::strlen(text);
  const auto parsed = std::from_chars(text, end, mount_id);
  if (text == end || parsed.ec != std::errc{} || parsed.ptr != end) {
    std::fputs("usage: sekisho-gate MOUNT_ID\n", stderr);
    return 2;
  }
  const std::string run = std::string(sekisho::ipc::kRuntimeDir) + "/";
  return sekisho::gate::RunGate(
      mount_id, {.core_socket = run + sekisho::ipc::kGateSocket,
                 .scan_socket = run + sekisho::ipc::kScanSocket,
                 .staging_directory = "/var/lib/sekisho/staging"});
}
