// The way to sekishod: connects to uplink.sock, again and again, and turns
// packets into calls. What the messages mean is left to Uplink.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "agent/ipc/messages.h"
#include "common/event_loop.h"
#include "common/unix_socket.h"

namespace sekisho::uplink {

class CoreLink {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void OnCoreConnected() = 0;
    virtual void OnCoreLost(const std::string& why) = 0;
    virtual void OnCoreState(const ipc::CoreState& state) = 0;
    virtual void OnContainState(const ipc::ContainState& state) = 0;
    virtual void OnEvent(const ipc::EventOut& event) = 0;
  };

  // All must outlive the link. Loop thread only.
  CoreLink(EventLoop& loop, std::string socket_path, Listener& listener)
      : loop_(loop), path_(std::move(socket_path)), listener_(listener) {}
  ~CoreLink();
  CoreLink(const CoreLink&) = delete;
  CoreLink& operator=(const CoreLink&) = delete;

  // From now on there is a connection whenever sekishod is there.
  void Start() { Connect(); }
  // A new connection at once: what is on its way on the old one is forgotten.
  // The listener is told as if it had been lost only if it does not come back.
  void Renew();

  bool connected() const { return fd_.valid(); }
  // Ignored while not connected: all of it is said again on a connection.
  template <ipc::Message T>
  void Send(const T& message) {
    Queue(ipc::Encode(message), UniqueFd());
  }
  void SendEnvelope(const ipc::EnvelopeIn& message, UniqueFd memfd) {
    Queue(ipc::Encode(message), std::move(memfd));
  }
  // While paused nothing is read, and sekishod stops when the socket is full.
  void SetPaused(bool paused);
  bool paused() const { return paused_; }

 private:
  struct Out {
    Bytes bytes;
    UniqueFd fd;
  };
  Result<UniqueFd> Open();
  void Connect();
  void RetryLater();
  void Lose(const std::string& why);
  void Close();
  void OnReady(uint32_t events);
  Status ReadSome();
  Status Dispatch(const Packet& packet);
  void Queue(Bytes bytes, UniqueFd fd);
  Status Flush();
  void Watch();

  EventLoop& loop_;
  const std::string path_;
  Listener& listener_;
  UniqueFd fd_;
  std::deque<Out> outbox_;
  bool paused_ = false;
  uint64_t generation_ = 0;  // counts connections
  EventLoop::TimerId retry_ = 0;
};

}  // namespace sekisho::uplink
