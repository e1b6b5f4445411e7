#include "agent/unlock_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>

#include "agent/probe_client.h"
#include "common/text.h"
#include "common/unix_socket.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxErrorBytes = 256;

Result<ipc::UnlockAnswer> Ask(int fd, ipc::UnlockQuestion& question,
                              const UnlockOptions& options) {
  auto worker = ConnectSeqpacket(options.socket_path, options.listener);
  if (!worker) {
    return Wrap("the unlocker cannot be started", std::move(worker).error());
  }
  Bytes bytes = ipc::Encode(question);
  const Status sent = SendPacket(worker->get(), bytes, {fd});
  ::explicit_bzero(bytes.data(), bytes.size());
  RETURN_IF_ERROR(sent);
  pollfd wait{worker->get(), POLLIN, 0};
  const int ready =
      ::poll(&wait, 1, static_cast<int>(options.patience.count()));
  if (ready < 0) return FailErrno("unlocker: poll");
  if (ready == 0) {
    return Fail(Code::kDeadlineExceeded,
                fmt::format("its key was not found within {} s",
                            options.patience.count() / 1000));
  }
  auto packet = ReceivePacket(worker->get());
  if (!packet) {
    return Fail(Code::kUnavailable,
                "the unlocker ended without an answer: it took too long, or "
                "needs more memory than the unit gives it");
  }
  auto answer = ipc::Decode<ipc::UnlockAnswer>(packet->bytes);
  ::explicit_bzero(packet->bytes.data(), packet->bytes.size());
  return answer;
}

}  // namespace

Result<ipc::UnlockAnswer> AskForKey(const std::string& node_path,
                                    const enforce::DeviceNumber& number,
                                    std::string passphrase,
                                    const UnlockOptions& options) {
  ipc::UnlockQuestion question;
  question.passphrase = std::move(passphrase);
  const auto fd = OpenNode(node_path, number);
  uint64_t size_bytes = 0;
  Result<ipc::UnlockAnswer> answer;
  if (!fd) {
    answer = std::unexpected(fd.error());
  } else if (::ioctl(fd->get(), BLKGETSIZE64, &size_bytes) != 0) {
    answer = FailErrno("size of " + node_path);
  } else {
    question.size_bytes = static_cast<int64_t>(size_bytes);
    answer = Ask(fd->get(), question, options);
  }
  ::explicit_bzero(question.passphrase.data(), question.passphrase.size());
  if (!answer || answer->ok) return answer;
  return Fail(answer->wrong_passphrase ? Code::kInvalidArgument
                                       : Code::kFailedPrecondition,
              EscapeUntrusted(answer->error, kMaxErrorBytes));
}

}  // namespace sekisho::agent
