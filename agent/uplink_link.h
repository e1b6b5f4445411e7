// sekishod's side of uplink.sock: hands the spool's events over in order, takes
// acknowledgements and sealed envelopes. The uplink's word counts for nothing
// but what is signed.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "agent/ipc/messages.h"
#include "agent/socket_server.h"
#include "agent/spool/event_log.h"
#include "common/event_loop.h"

namespace sekisho::agent {

class UplinkLink {
 public:
  struct Options {
    std::string socket_path;
    int64_t uplink_uid = -1;
    // Whether a process runs the uplink's program; null: any does (tests).
    std::function<bool(pid_t)> runs_uplink;
  };
  struct Events {
    std::function<ipc::CoreState()> state;
    std::function<ipc::ContainState()> contain;
    std::function<void(const std::string& type, const std::string& sealed)>
        envelope;
    std::function<void(const std::string&)> problem;
    // The server's history is not what it was.
    std::function<void(const std::string&)> rewritten;
    std::function<void(bool)> reached;  // the server, or no longer
    // The server keeps the events up to here.
    std::function<void(const event::Head&)> acked;
  };

  // Loop thread only; `log` must outlive it.
  static Result<std::unique_ptr<UplinkLink>> Listen(EventLoop& loop,
                                                    const Options& options,
                                                    spool::EventLog& log,
                                                    Events events);

  // There are new events, or the state changed; many calls make one packet.
  void Wake();
  // The same at once, before the loop ends: what the socket takes arrives.
  void SendNow();

  bool connected() const { return connected_; }  // to the server
  const std::string& detail() const { return detail_; }

 private:
  UplinkLink(EventLoop& loop, const Options& options, spool::EventLog& log,
             Events events);
  Status Admit(const Peer& peer) const;
  void OnPacket(SocketServer::ConnectionId id, Packet packet);
  void OnAcked(const ipc::ChainHead& head);
  void OnEnvelope(const ipc::EnvelopeIn& in, Packet packet);
  void Pump();
  void SetConnected(bool connected);

  EventLoop& loop_;
  const Options options_;
  spool::EventLog& log_;
  Events events_;
  std::unique_ptr<SocketServer> server_;
  SocketServer::ConnectionId peer_ = 0;
  bool sending_ = false;                           // SendFrom was received
  event::Head cursor_;                             // sent up to here
  std::optional<ipc::ContainState> told_contain_;  // on this connection
  bool woken_ = false;
  bool connected_ = false;
  std::string detail_ = "the uplink is not running";
};

ipc::ChainHead ToIpc(const event::Head& head);

}  // namespace sekisho::agent
