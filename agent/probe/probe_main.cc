// sekisho-probe: one process for each question. systemd accepts on probe.sock
// and hands the connection as descriptor 0; the process waits until sekishod
// asks, which may be long after, gives one ProbeAnswer, and ends. A probe that
// dies or hangs is ended by its alarm: sekishod then has no answer, and the
// device counts as unknown.
#include <unistd.h>

#include <vector>

#include "agent/ipc/messages.h"
#include "agent/probe/probe.h"
#include "agent/probe/sandbox.h"
#include "common/log.h"
#include "common/unix_socket.h"

namespace {

using namespace sekisho;

constexpr unsigned kMostSeconds = 10;

// Packets of one question, as sekishod sends them; nothing of a device was read
// when it returns. Empty: sekishod went away without a question.
Result<std::vector<probe::Node>> ReceiveQuestion() {
  std::vector<probe::Node> nodes;
  while (true) {
    auto packet = ReceivePacket(STDIN_FILENO);
    if (!packet && packet.error().code == Code::kCancelled && nodes.empty()) {
      return nodes;
    }
    if (!packet) return std::unexpected(std::move(packet).error());
    ASSIGN_OR_RETURN(const ipc::ProbeRequest request,
                     ipc::Decode<ipc::ProbeRequest>(packet->bytes));
    if (packet->fds.size() != 1 || nodes.size() == ipc::kMaxProbedNodes) {
      return Fail(Code::kInvalidArgument,
                  "expected one descriptor, at most 17 times");
    }
    nodes.push_back({std::move(packet->fds[0]), request.size_bytes});
    if (!request.more) return nodes;
  }
}

Status Answer() {
  ASSIGN_OR_RETURN(auto sandbox, probe::Sandbox::Prepare());
  ASSIGN_OR_RETURN(const std::vector<probe::Node> nodes, ReceiveQuestion());
  if (nodes.empty()) return {};
  RETURN_IF_ERROR(sandbox.Enter(kMostSeconds));
  return SendPacket(STDIN_FILENO, ipc::Encode(probe::ProbeAll(nodes)));
}

}  // namespace

int main() {
  if (auto done = Answer(); !done) {
    Log(LogLevel::kError, done.error().message);
    return 1;
  }
  return 0;
}
