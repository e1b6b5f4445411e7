#include "server/service/enrol_link_server.h"

#include <sys/epoll.h>

#include <charconv>
#include <cstring>
#include <map>
#include <thread>

#include "common/event_loop.h"
#include "common/log.h"
#include "common/unix_socket.h"
#include "server/service/enrol_link.h"

namespace sekisho::service {
namespace {

constexpr size_t kMaxPeers = 8;

LinkMessage ErrorAnswer(const Error& error) {
  return {{"code", std::to_string(static_cast<int>(error.code))},
          {"message", error.message}};
}

Result<LinkMessage> Grant(core::Enrolment& enrolment, LinkMessage& question) {
  core::Application application;
  application.token = question["token"];
  application.hostname = question["hostname"];
  application.machine_id = question["machine_id"];
  application.agent_version = question["agent_version"];
  application.address = question["address"];
  const std::string& key = question["chain_key"];
  if (key.size() != application.chain_key.size()) {
    return Fail(Code::kInvalidArgument, "the chain key is not 32 bytes");
  }
  std::memcpy(application.chain_key.data(), key.data(), key.size());
  ASSIGN_OR_RETURN(const core::Granted granted, enrolment.Grant(application));
  return LinkMessage{{"agent_id", granted.agent_id},
                     {"terminal", granted.terminal},
                     {"epoch", std::to_string(granted.epoch)},
                     {"root_file", granted.root_file}};
}

Status Note(core::Enrolment& enrolment, LinkMessage& question) {
  const std::string& text = question["not_after"];
  int64_t not_after = 0;
  std::from_chars(text.data(), text.data() + text.size(), not_after);
  core::Certified made;
  made.certificate = {question["agent_id"], question["serial"],
                      question["key_hash"],
                      WallTime(std::chrono::microseconds(not_after))};
  made.replaces = question["replaces"];
  made.address = question["address"];
  return enrolment.Note(made);
}

// What the answers are made from.
struct Parts {
  core::Enrolment& enrolment;
  const auth::OwnCertificate& own;
  const Clock& clock;
};

Result<LinkMessage> Answer(const Parts& parts, LinkMessage question) {
  const std::string& verb = question["verb"];
  if (verb == "grant") {
    return Grant(parts.enrolment, question);
  }
  if (verb == "renew") {
    RETURN_IF_ERROR(
        parts.enrolment.MayRenew({question["agent_id"], question["serial"],
                                  question["key_hash"], question["address"]}));
    return LinkMessage{};
  }
  if (verb == "certified") {
    RETURN_IF_ERROR(Note(parts.enrolment, question));
    return LinkMessage{};
  }
  if (verb == "refused") {
    parts.enrolment.Refused(question["hostname"], question["address"],
                            question["reason"]);
    return LinkMessage{};
  }
  if (verb == "server_csr") {
    ASSIGN_OR_RETURN(auto csr, parts.own.CsrIfDue(parts.clock.Now()));
    return LinkMessage{{"csr", csr.value_or("")}};
  }
  if (verb == "server_certificate") {
    RETURN_IF_ERROR(
        parts.own.Install(question["certificate"], parts.clock.Now()));
    Log(LogLevel::kNotice, "the server's certificate was renewed");
    return LinkMessage{};
  }
  return Fail(Code::kUnimplemented, "no such question");
}

class LinkServer final : public EnrolLinkServer {
 public:
  LinkServer(std::optional<uid_t> peer, const Parts& parts)
      : peer_(peer), parts_(parts) {}
  ~LinkServer() override {
    if (thread_.joinable()) {
      loop_->Stop();
      thread_.join();
    }
  }

  Status Start(const std::string& path) {
    ASSIGN_OR_RETURN(loop_, EventLoop::Create());
    ASSIGN_OR_RETURN(listen_, ListenSeqpacket(path, 0666));
    RETURN_IF_ERROR(
        loop_->Add(listen_.get(), EPOLLIN, [this](uint32_t) { Accept(); }));
    thread_ = std::thread([this] { loop_->Run(); });
    return {};
  }

 private:
  void Accept() {
    auto fd = AcceptSeqpacket(listen_.get());
    if (!fd) {
      return;
    }
    const auto peer = PeerOf(fd->get());
    const bool known = peer && (peer->uid == 0 || peer->uid == getuid() ||
                                (peer_ && peer->uid == *peer_));
    if (!known || peers_.size() >= kMaxPeers) {
      Log(LogLevel::kWarning, "enrolment link: a peer was turned away");
      return;
    }
    const int number = fd->get();
    if (loop_->Add(number, EPOLLIN,
                   [this, number](uint32_t) { Serve(number); })) {
      peers_.emplace(number, std::move(*fd));
    }
  }

  void Serve(int number) {
    auto packet = ReceivePacket(number);
    if (!packet && packet.error().code == Code::kUnavailable) {
      return;
    }
    if (packet) {
      auto question = DecodeLink(packet->bytes);
      auto answer = question ? Answer(parts_, std::move(*question))
                             : std::unexpected(std::move(question).error());
      LinkMessage message =
          answer ? std::move(*answer) : ErrorAnswer(answer.error());
      // An empty packet would read as the end.
      message.insert_or_assign("answer", std::string("1"));
      if (SendPacket(number, AsBytes(EncodeLink(message)))) {
        return;
      }
    }
    loop_->Remove(number);
    peers_.erase(number);
  }

  const std::optional<uid_t> peer_;
  const Parts parts_;
  std::unique_ptr<EventLoop> loop_;
  UniqueFd listen_;
  std::map<int, UniqueFd> peers_;  // the loop thread's
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<EnrolLinkServer>> EnrolLinkServer::Start(
    const std::string& path, std::optional<uid_t> peer,
    core::Enrolment& enrolment, const auth::OwnCertificate& own,
    const Clock& clock) {
  auto server =
      std::make_unique<LinkServer>(peer, Parts{enrolment, own, clock});
  if (auto started = server->Start(path); !started) {
    return Wrap("enrolment link " + path, std::move(started).error());
  }
  return server;
}

}  // namespace sekisho::service
