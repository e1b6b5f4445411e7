#include "server/service/enrol_link.h"

#include <sys/socket.h>
#include <sys/time.h>

#include "common/text.h"
#include "common/unix_socket.h"

namespace sekisho::service {
namespace {

constexpr time_t kAnswerSeconds = 10;
constexpr size_t kMaxKeys = 16;

}  // namespace

std::string EncodeLink(const LinkMessage& message) {
  std::string text;
  for (const auto& [key, value] : message) {
    text += key + "=" + ToHex(AsBytes(value)) + "\n";
  }
  return text;
}

Result<LinkMessage> DecodeLink(ByteSpan bytes) {
  if (bytes.size() > kMaxLinkBytes) {
    return Fail(Code::kInvalidArgument, "link message is over 32 KiB");
  }
  LinkMessage message;
  for (const std::string_view line : Split(AsText(bytes), '\n')) {
    if (line.empty()) {
      continue;
    }
    const size_t equals = line.find('=');
    if (equals == std::string_view::npos || message.size() >= kMaxKeys) {
      return Fail(Code::kInvalidArgument, "link message is not key=hex");
    }
    ASSIGN_OR_RETURN(const Bytes value, FromHex(line.substr(equals + 1)));
    message.emplace(line.substr(0, equals), AsText(value));
  }
  return message;
}

Result<LinkMessage> LinkClient::Ask(const LinkMessage& question) {
  std::lock_guard lock(mutex_);
  const bool was_connected = fd_.valid();
  auto answer = AskOnce(question);
  if (!answer && answer.error().code == Code::kCancelled && was_connected) {
    // The server was restarted since the last question and never saw this one.
    answer = AskOnce(question);
  }
  if (!answer) {
    fd_.Reset();
    return Fail(Code::kUnavailable,
                "the server does not answer: " + answer.error().message);
  }
  if (const auto code = answer->find("code"); code != answer->end()) {
    return Fail(static_cast<Code>(std::atoi(code->second.c_str())),
                (*answer)["message"]);
  }
  return answer;
}

Result<LinkMessage> LinkClient::AskOnce(const LinkMessage& question) {
  if (!fd_.valid()) {
    ASSIGN_OR_RETURN(fd_, ConnectSeqpacket(path_));
    const timeval limit{kAnswerSeconds, 0};
    if (setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) !=
        0) {
      return FailErrno("SO_RCVTIMEO");
    }
  }
  auto sent = SendPacket(fd_.get(), AsBytes(EncodeLink(question)));
  if (!sent) {
    fd_.Reset();
    return Fail(Code::kCancelled, sent.error().message);
  }
  auto packet = ReceivePacket(fd_.get());
  if (!packet) {
    fd_.Reset();
    return std::unexpected(std::move(packet).error());
  }
  return DecodeLink(packet->bytes);
}

}  // namespace sekisho::service
