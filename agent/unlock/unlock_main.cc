// sekisho-unlock: one process for each passphrase. systemd accepts on
// unlock.sock and hands the connection as descriptor 0; one UnlockQuestion with
// the volume as its descriptor, one UnlockAnswer, and the process ends.
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "agent/ipc/messages.h"
#include "agent/unlock/volume.h"
#include "common/log.h"
#include "common/unix_socket.h"

namespace {

using namespace sekisho;

constexpr unsigned kMostSeconds = 55;  // sekishod waits a little longer

Status Answer() {
  const rlimit none{0, 0};
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
      ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      ::setrlimit(RLIMIT_CORE, &none) != 0) {
    return FailErrno("prepare");
  }
  ::alarm(kMostSeconds);
  ASSIGN_OR_RETURN(Packet packet, ReceivePacket(STDIN_FILENO));
  ASSIGN_OR_RETURN(ipc::UnlockQuestion question,
                   ipc::Decode<ipc::UnlockQuestion>(packet.bytes));
  ::explicit_bzero(packet.bytes.data(), packet.bytes.size());
  if (packet.fds.size() != 1) {
    return Fail(Code::kInvalidArgument, "expected one descriptor");
  }
  auto found = unlock::FindKey(packet.fds[0].get(), question.size_bytes,
                               question.passphrase);
  ::explicit_bzero(question.passphrase.data(), question.passphrase.size());
  ipc::UnlockAnswer answer;
  if (found) {
    answer = std::move(*found);
  } else {
    answer.wrong_passphrase = found.error().code == Code::kInvalidArgument;
    answer.error = found.error().message;
  }
  Bytes bytes = ipc::Encode(answer);
  ::explicit_bzero(answer.key.data(), answer.key.size());
  const Status sent = SendPacket(STDIN_FILENO, bytes);
  ::explicit_bzero(bytes.data(), bytes.size());
  return sent;
}

}  // namespace

int main() {
  if (const Status done = Answer(); !done) {
    Log(LogLevel::kError, done.error().message);
    return 1;
  }
  return 0;
}
