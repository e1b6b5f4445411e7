// sekisho-probe: one process for each question. systemd accepts on probe.sock
// and hands the connection as descriptor 0; sekishod sends one ProbeRequest
// with the device, gets one ProbeAnswer, and the process ends. A probe that
// dies or hangs is ended by its alarm: sekishod then has no answer, and the
// device counts as unknown.
#include <unistd.h>

#include "agent/ipc/messages.h"
#include "agent/probe/probe.h"
#include "agent/probe/sandbox.h"
#include "common/log.h"
#include "common/unix_socket.h"

namespace {

using namespace sekisho;

constexpr unsigned kMostSeconds = 10;

Status Answer() {
  RETURN_IF_ERROR(probe::EnterSandbox(kMostSeconds));
  ASSIGN_OR_RETURN(const Packet packet, ReceivePacket(STDIN_FILENO));
  ASSIGN_OR_RETURN(const ipc::ProbeRequest request,
                   ipc::Decode<ipc::ProbeRequest>(packet.bytes));
  if (packet.fds.size() != 1) {
    return Fail(Code::kInvalidArgument, "expected one descriptor");
  }
  return SendPacket(
      STDIN_FILENO,
      ipc::Encode(probe::Probe(packet.fds[0].get(), request.size_bytes)));
}

}  // namespace

int main() {
  if (auto done = Answer(); !done) {
    Log(LogLevel::kError, done.error().message);
    return 1;
  }
  return 0;
}
