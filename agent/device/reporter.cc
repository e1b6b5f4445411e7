#include "agent/device/reporter.h"

#include <sys/epoll.h>

#include <chrono>

#include "common/log.h"
#include "common/unix_socket.h"

namespace sekisho::device {
namespace {
constexpr std::chrono::milliseconds kReconnectDelay{1000};
}  // namespace

Reporter::Reporter(EventLoop& loop, KernelWatch& watch, std::string socket_path)
    : loop_(loop), watch_(watch), socket_path_(std::move(socket_path)) {}

Reporter::~Reporter() {
  loop_.Remove(watch_.fd());
  if (connection_) loop_.Remove(connection_.get());
}

Status Reporter::Start() {
  RETURN_IF_ERROR(
      loop_.Add(watch_.fd(), EPOLLIN, [this](uint32_t) { ReadUevents(); }));
  Connect();
  return {};
}

void Reporter::Connect() {
  auto connected = ConnectSeqpacket(socket_path_);
  if (!connected) {
    loop_.After(kReconnectDelay, [this] { Connect(); });
    return;
  }
  connection_ = std::move(*connected);
  // sekishod never writes here: readable means it is gone.
  const Status added = loop_.Add(connection_.get(), EPOLLIN | EPOLLRDHUP,
                                 [this](uint32_t) { Disconnect(); });
  if (!added) {
    Log(LogLevel::kError, added.error().message);
    connection_.Reset();
    loop_.After(kReconnectDelay, [this] { Connect(); });
    return;
  }
  TellEverything(loss_untold_ ? Rescan::kAfterLoss : Rescan::kAfterStart);
}

void Reporter::Disconnect() {
  if (!connection_) return;
  loop_.Remove(connection_.get());
  connection_.Reset();
  loop_.After(kReconnectDelay, [this] { Connect(); });
}

void Reporter::ReadUevents() {
  // Without a connection uevents are read and forgotten: the scan after the
  // next connect tells what is there then.
  const auto drained = watch_.Read([this](const ipc::DeviceSeen& seen) {
    if (connection_) Send(ipc::Encode(seen));
  });
  if (drained == KernelWatch::Drained::kLost) {
    Log(LogLevel::kWarning, "the kernel dropped uevents; scanning again");
    loss_untold_ = true;
    TellEverything(Rescan::kAfterLoss);
  }
}

void Reporter::TellEverything(Rescan why) {
  if (!connection_) return;
  const Status scanned = watch_.Scan([this](const ipc::DeviceSeen& seen) {
    if (connection_) Send(ipc::Encode(seen));
  });
  if (!scanned) {
    Log(LogLevel::kError, scanned.error().message);
    Disconnect();
    return;
  }
  const ipc::RescanDone done{.lost = why == Rescan::kAfterLoss};
  if (connection_ && Send(ipc::Encode(done))) loss_untold_ = false;
}

bool Reporter::Send(ByteSpan bytes) {
  // The socket blocks: sekishod reads at once or is restarting.
  const Status sent = SendPacket(connection_.get(), bytes);
  if (sent) return true;
  Log(LogLevel::kWarning, sent.error().message);
  Disconnect();
  return false;
}

}  // namespace sekisho::device
