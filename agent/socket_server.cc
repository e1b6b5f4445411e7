#include "agent/socket_server.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/log.h"

namespace sekisho::agent {
namespace {
// Of one peer in one turn of the loop, so that others have theirs.
constexpr int kMaxPacketsATurn = 64;
}  // namespace

Result<std::unique_ptr<SocketServer>> SocketServer::Listen(
    EventLoop& loop, const Options& options, Events events) {
  ASSIGN_OR_RETURN(UniqueFd listener,
                   ListenSeqpacket(options.path, options.mode));
  if (options.owner_uid > 0 &&
      ::chown(options.path.c_str(), static_cast<uid_t>(options.owner_uid),
              static_cast<gid_t>(-1)) != 0) {
    return FailErrno("chown " + options.path);
  }
  const int fd = listener.get();
  std::unique_ptr<SocketServer> server(new SocketServer(
      loop, std::move(listener), options.max_connections, std::move(events)));
  RETURN_IF_ERROR(
      loop.Add(fd, EPOLLIN, [raw = server.get()](uint32_t) { raw->Accept(); }));
  return server;
}

SocketServer::SocketServer(EventLoop& loop, UniqueFd listener,
                           size_t max_connections, Events events)
    : loop_(loop),
      listener_(std::move(listener)),
      max_connections_(max_connections),
      events_(std::move(events)) {}

SocketServer::~SocketServer() {
  loop_.Remove(listener_.get());
  for (const auto& [id, connection] : connections_) {
    loop_.Remove(connection.fd.get());
  }
}

void SocketServer::Accept() {
  auto accepted = AcceptSeqpacket(listener_.get());
  if (!accepted) return;
  const auto peer = PeerOf(accepted->get());
  if (!peer) return;
  if (connections_.size() >= max_connections_) {
    Log(LogLevel::kWarning, "too many peers on one socket");
    return;
  }
  if (events_.admit) {
    if (const Status admitted = events_.admit(*peer); !admitted) {
      Log(LogLevel::kWarning, admitted.error().message);
      return;
    }
  }
  const ConnectionId id = ++last_id_;
  const Status added =
      loop_.Add(accepted->get(), EPOLLIN | EPOLLRDHUP,
                [this, id](uint32_t events) { OnEvents(id, events); });
  if (!added) {
    Log(LogLevel::kError, added.error().message);
    return;
  }
  Connection& connection = connections_[id];
  connection.fd = std::move(*accepted);
  connection.peer = *peer;
  if (events_.opened) events_.opened(id);
}

void SocketServer::OnEvents(ConnectionId id, uint32_t epoll_events) {
  if ((epoll_events & EPOLLOUT) != 0) Flush(id);
  for (int i = 0; i < kMaxPacketsATurn; ++i) {
    const auto found = connections_.find(id);
    if (found == connections_.end() || found->second.doomed) return;
    auto packet = ReceivePacket(found->second.fd.get());
    if (packet) {
      if (events_.packet) events_.packet(id, std::move(*packet));
      continue;
    }
    if (packet.error().code == Code::kUnavailable && errno == EAGAIN) return;
    if (packet.error().code != Code::kCancelled) {
      Log(LogLevel::kNotice, packet.error().message);
    }
    Doom(id);
    return;
  }
}

void SocketServer::Send(ConnectionId id, ByteSpan bytes,
                        const std::vector<int>& fds) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.doomed) return;
  Connection& connection = found->second;
  if (connection.waiting.empty()) {
    const Status sent = SendPacket(connection.fd.get(), bytes, fds);
    if (sent) return;
    if (sent.error().code != Code::kUnavailable || errno != EAGAIN) {
      Doom(id);
      return;
    }
  }
  if (connection.waiting.size() >= kMaxWaitingPackets) {
    Log(LogLevel::kWarning, "a peer does not read; cut off");
    Doom(id);
    return;
  }
  Outgoing outgoing{Bytes(bytes.begin(), bytes.end()), {}};
  for (const int fd : fds) {
    outgoing.fds.emplace_back(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
  }
  connection.waiting.push_back(std::move(outgoing));
  if (connection.waiting.size() == 1 &&
      !loop_.Modify(connection.fd.get(), EPOLLIN | EPOLLRDHUP | EPOLLOUT)) {
    Doom(id);
  }
}

void SocketServer::Flush(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.doomed) return;
  Connection& connection = found->second;
  while (!connection.waiting.empty()) {
    const Outgoing& next = connection.waiting.front();
    std::vector<int> fds;
    for (const UniqueFd& fd : next.fds) fds.push_back(fd.get());
    const Status sent = SendPacket(connection.fd.get(), next.bytes, fds);
    if (!sent) {
      if (sent.error().code != Code::kUnavailable || errno != EAGAIN) Doom(id);
      return;
    }
    connection.waiting.pop_front();
  }
  if (!loop_.Modify(connection.fd.get(), EPOLLIN | EPOLLRDHUP)) Doom(id);
  if (events_.drained) events_.drained(id);
}

void SocketServer::Doom(ConnectionId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end() || found->second.doomed) return;
  found->second.doomed = true;
  loop_.Remove(found->second.fd.get());
  // Later, since the caller may be in the middle of something about it.
  loop_.Post([this, id, alive = std::weak_ptr<bool>(alive_)] {
    if (alive.expired() || connections_.erase(id) == 0) return;
    if (events_.closed) events_.closed(id);
  });
}

void SocketServer::Close(ConnectionId id) { Doom(id); }

Peer SocketServer::PeerOfConnection(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? Peer{} : found->second.peer;
}

size_t SocketServer::WaitingPackets(ConnectionId id) const {
  const auto found = connections_.find(id);
  return found == connections_.end() ? 0 : found->second.waiting.size();
}

std::vector<SocketServer::ConnectionId> SocketServer::Connections() const {
  std::vector<ConnectionId> ids;
  for (const auto& [id, connection] : connections_) {
    if (!connection.doomed) ids.push_back(id);
  }
  return ids;
}

}  // namespace sekisho::agent
