// One listening socket of sekishod: admits peers by what the kernel says about
// them, hands over packets, and never waits for a peer that does not read.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/event_loop.h"
#include "common/unix_socket.h"

namespace sekisho::agent {

// What one peer may leave unread before it is cut off.
inline constexpr size_t kMaxWaitingPackets = 512;

class SocketServer {
 public:
  using ConnectionId = uint64_t;
  struct Events {
    // An error keeps the peer out and is logged.
    std::function<Status(const Peer&)> admit;
    std::function<void(ConnectionId)> opened;
    std::function<void(ConnectionId, Packet)> packet;
    std::function<void(ConnectionId)> closed;
    // All that was waiting has been sent.
    std::function<void(ConnectionId)> drained;
  };
  struct Options {
    std::string path;
    mode_t mode = 0600;
    int64_t owner_uid = -1;  // -1: root
    size_t max_connections = 16;
  };

  // Loop thread only. Callbacks may call anything but the destructor.
  static Result<std::unique_ptr<SocketServer>> Listen(EventLoop& loop,
                                                      const Options& options,
                                                      Events events);
  ~SocketServer();

  // Sends now or when the peer reads again, in order. A peer that leaves too
  // much unread, or is gone, is closed (`closed` follows from the loop).
  void Send(ConnectionId id, ByteSpan bytes, const std::vector<int>& fds = {});
  void Close(ConnectionId id);
  // pid 0: there is no such connection.
  Peer PeerOfConnection(ConnectionId id) const;
  size_t WaitingPackets(ConnectionId id) const;
  std::vector<ConnectionId> Connections() const;

 private:
  struct Outgoing {
    Bytes bytes;
    std::vector<UniqueFd> fds;
  };
  struct Connection {
    UniqueFd fd;
    Peer peer;
    std::deque<Outgoing> waiting;
    bool doomed = false;
  };

  SocketServer(EventLoop& loop, UniqueFd listener, size_t max_connections,
               Events events);
  void Accept();
  void OnEvents(ConnectionId id, uint32_t epoll_events);
  void Flush(ConnectionId id);
  void Doom(ConnectionId id);

  EventLoop& loop_;
  UniqueFd listener_;
  const size_t max_connections_;
  Events events_;
  std::map<ConnectionId, Connection> connections_;
  ConnectionId last_id_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace sekisho::agent
