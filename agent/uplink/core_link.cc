#include "agent/uplink/core_link.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace sekisho::uplink {
namespace {

constexpr auto kRetryEvery = std::chrono::milliseconds(1'000);
constexpr size_t kMaxOutbox = 256;
// Others get their turn on the loop between two rounds.
constexpr int kPacketsARound = 64;

}  // namespace

CoreLink::~CoreLink() {
  loop_.Cancel(retry_);
  Close();
}

Result<UniqueFd> CoreLink::Open() {
  ASSIGN_OR_RETURN(UniqueFd fd, ConnectSeqpacket(path_));
  ASSIGN_OR_RETURN(const Peer peer, PeerOf(fd.get()));
  if (peer.uid != 0 && peer.uid != ::geteuid()) {
    return Fail(Code::kPermissionDenied,
                path_ + " is served by uid " + std::to_string(peer.uid));
  }
  if (::fcntl(fd.get(), F_SETFL, O_NONBLOCK) != 0) return FailErrno("fcntl");
  return fd;
}

void CoreLink::Connect() {
  auto fd = Open();
  if (!fd) return RetryLater();
  fd_ = std::move(*fd);
  paused_ = false;
  const uint64_t generation = ++generation_;
  auto added = loop_.Add(fd_.get(), EPOLLIN, [this, generation](uint32_t e) {
    if (generation == generation_) OnReady(e);
  });
  if (!added) {
    fd_.Reset();
    return RetryLater();
  }
  listener_.OnCoreConnected();
}

void CoreLink::RetryLater() {
  loop_.Cancel(retry_);
  retry_ = loop_.After(kRetryEvery, [this] { Connect(); });
}

void CoreLink::Renew() {
  if (!fd_) return;
  Close();
  Connect();
  if (!fd_) listener_.OnCoreLost("sekishod does not answer");
}

void CoreLink::Close() {
  if (fd_) loop_.Remove(fd_.get());
  fd_.Reset();
  outbox_.clear();
}

void CoreLink::Lose(const std::string& why) {
  Close();
  RetryLater();
  listener_.OnCoreLost(why);
}

void CoreLink::OnReady(uint32_t events) {
  const uint64_t generation = generation_;
  if ((events & EPOLLOUT) != 0) {
    if (auto sent = Flush(); !sent) return Lose(sent.error().message);
    Watch();
  }
  if ((events & EPOLLIN) != 0 && !paused_) {
    auto read = ReadSome();
    if (generation != generation_ || !fd_) return;
    if (!read) return Lose(read.error().message);
    return;
  }
  if ((events & (EPOLLHUP | EPOLLERR)) != 0) Lose("sekishod closed");
}

Status CoreLink::ReadSome() {
  const uint64_t generation = generation_;
  for (int i = 0; i < kPacketsARound && !paused_; ++i) {
    const auto packet = ReceivePacket(fd_.get());
    if (!packet) {
      if (packet.error().code == Code::kUnavailable) return {};
      return std::unexpected(packet.error());
    }
    RETURN_IF_ERROR(Dispatch(*packet));
    if (generation != generation_ || !fd_) return {};
  }
  return {};
}

Status CoreLink::Dispatch(const Packet& packet) {
  switch (ipc::TypeOf(packet.bytes)) {
    case ipc::CoreState::kType: {
      ASSIGN_OR_RETURN(const auto state,
                       ipc::Decode<ipc::CoreState>(packet.bytes));
      listener_.OnCoreState(state);
      return {};
    }
    case ipc::ContainState::kType: {
      ASSIGN_OR_RETURN(const auto state,
                       ipc::Decode<ipc::ContainState>(packet.bytes));
      listener_.OnContainState(state);
      return {};
    }
    case ipc::EventOut::kType: {
      ASSIGN_OR_RETURN(const auto event,
                       ipc::Decode<ipc::EventOut>(packet.bytes));
      listener_.OnEvent(event);
      return {};
    }
    default:
      // Of a newer sekishod: not for us.
      return {};
  }
}

void CoreLink::Queue(Bytes bytes, UniqueFd fd) {
  if (!fd_) return;
  outbox_.push_back({std::move(bytes), std::move(fd)});
  if (outbox_.size() > kMaxOutbox) return Lose("sekishod does not read");
  if (auto sent = Flush(); !sent) return Lose(sent.error().message);
  Watch();
}

Status CoreLink::Flush() {
  while (!outbox_.empty()) {
    const Out& next = outbox_.front();
    std::vector<int> fds;
    if (next.fd) fds.push_back(next.fd.get());
    if (auto sent = SendPacket(fd_.get(), next.bytes, fds); !sent) {
      // A full socket and a closed one have the same code.
      if (errno == EAGAIN) return {};
      return sent;
    }
    outbox_.pop_front();
  }
  return {};
}

void CoreLink::SetPaused(bool paused) {
  if (!fd_ || paused == paused_) return;
  paused_ = paused;
  Watch();
}

void CoreLink::Watch() {
  if (!fd_) return;
  const uint32_t events = (paused_ ? 0U : uint32_t{EPOLLIN}) |
                          (outbox_.empty() ? 0U : uint32_t{EPOLLOUT});
  // Fails only for an fd that is not watched, which this one is.
  std::ignore = loop_.Modify(fd_.get(), events);
}

}  // namespace sekisho::uplink
