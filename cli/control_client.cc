#include "cli/control_client.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::chrono::seconds kUsualPatience{10};

}  // namespace

Result<ControlClient> ControlClient::Connect(const std::string& runtime_dir) {
  const std::string dir = runtime_dir.empty() ? ipc::kRuntimeDir : runtime_dir;
  auto fd = ConnectSeqpacket(dir + "/" + ipc::kControlSocket);
  if (!fd) {
    return Wrap("the Sekisho agent (sekishod) does not run on this terminal",
                std::move(fd).error());
  }
  ControlClient client(std::move(*fd));
  client.set_patience(kUsualPatience);
  return client;
}

void ControlClient::set_patience(std::chrono::seconds patience) {
  const timeval timeout{.tv_sec = patience.count(), .tv_usec = 0};
  CHECK(::setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout,
                     sizeof timeout) == 0);
}

Result<Packet> ControlClient::Receive() {
  auto packet = ReceivePacket(fd_.get());
  if (packet) return packet;
  if (packet.error().code == Code::kUnavailable) {
    return Fail(Code::kDeadlineExceeded, "sekishod does not answer");
  }
  if (packet.error().code == Code::kCancelled) {
    return Fail(Code::kPermissionDenied,
                "sekishod closed the connection; this may need root");
  }
  return packet;
}

int ExitCodeOf(const Error& error) {
  switch (error.code) {
    case Code::kNotFound:
    case Code::kUnavailable:
    case Code::kDeadlineExceeded:
      return 3;
    default:
      return 1;
  }
}

int TellReply(std::string_view command, const Result<ipc::Reply>& reply,
              bool json) {
  if (!reply) {
    fmt::print(stderr, "sekisho {}: {}\n", command, reply.error().message);
    return ExitCodeOf(reply.error());
  }
  if (json) {
    fmt::print("{{\"ok\":{},\"message\":{}}}\n", reply->ok,
               JsonQuote(reply->message));
  } else {
    fmt::print(reply->ok ? stdout : stderr, "{}\n",
               EscapeUntrusted(reply->message));
  }
  return reply->ok ? 0 : 1;
}

}  // namespace sekisho::cli
