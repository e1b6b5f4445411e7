// One question to sekishod over control.sock, one answer.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "agent/ipc/messages.h"
#include "common/unix_socket.h"

namespace sekisho::cli {

class ControlClient {
 public:
  // `runtime_dir` empty: /run/sekisho. kNotFound, kUnavailable: no sekishod.
  static Result<ControlClient> Connect(const std::string& runtime_dir);

  // How long an answer may take; ten seconds unless set.
  void set_patience(std::chrono::seconds patience);

  // kFailedPrecondition with sekishod's words when it says no;
  // kDeadlineExceeded when it takes too long.
  template <ipc::Message Answer, ipc::Message Question>
  Result<Answer> Ask(const Question& question) {
    RETURN_IF_ERROR(SendPacket(fd_.get(), ipc::Encode(question)));
    ASSIGN_OR_RETURN(const Packet packet, Receive());
    if constexpr (!std::is_same_v<Answer, ipc::Reply>) {
      if (ipc::TypeOf(packet.bytes) == ipc::Reply::kType) {
        ASSIGN_OR_RETURN(const auto reply,
                         ipc::Decode<ipc::Reply>(packet.bytes));
        return Fail(Code::kFailedPrecondition, reply.message);
      }
    }
    return ipc::Decode<Answer>(packet.bytes);
  }

 private:
  explicit ControlClient(UniqueFd fd) : fd_(std::move(fd)) {}
  Result<Packet> Receive();

  UniqueFd fd_;
};

// 3 for "cannot reach", 1 for the rest.
int ExitCodeOf(const Error& error);

// Prints what became of `sekisho COMMAND` and returns its exit code: 0 done, 1
// refused, 3 no sekishod answers.
int TellReply(std::string_view command, const Result<ipc::Reply>& reply,
              bool json);

// Connects, asks what is answered with yes or no, and tells it.
template <ipc::Message Question>
int AskAndTell(std::string_view command, const std::string& runtime_dir,
               const Question& question, bool json) {
  auto client = ControlClient::Connect(runtime_dir);
  if (!client) {
    return TellReply(command, std::unexpected(client.error()), json);
  }
  return TellReply(command, client->template Ask<ipc::Reply>(question), json);
}

}  // namespace sekisho::cli
