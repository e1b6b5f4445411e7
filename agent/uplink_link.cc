#include "agent/uplink_link.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "common/log.h"
#include "policy/envelope.h"

namespace sekisho::agent {
namespace {

constexpr size_t kBatchRecords = 64;
constexpr size_t kBatchBytes = size_t{512} * 1024;

event::Head FromIpc(const ipc::ChainHead& head) {
  event::Head out;
  out.epoch = static_cast<int32_t>(head.epoch);
  out.sequence = head.sequence;
  out.hash = head.hash;
  return out;
}

// Only memory: a pipe or a foreign file system could keep the loop waiting.
Result<std::string> ReadMemory(int fd) {
  if (::fcntl(fd, F_GET_SEALS) < 0) {
    return Fail(Code::kInvalidArgument, "an envelope comes in a memfd");
  }
  struct stat about{};
  if (::fstat(fd, &about) != 0) return FailErrno("envelope");
  const auto size = static_cast<size_t>(about.st_size);
  if (size > policy::kMaxEnvelopeBytes) {
    return Fail(Code::kResourceExhausted, "envelope over the cap");
  }
  std::string text(size, '\0');
  size_t at = 0;
  while (at < size) {
    const ssize_t n =
        ::pread(fd, text.data() + at, size - at, static_cast<off_t>(at));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return FailErrno("read the envelope");
    at += static_cast<size_t>(n);
  }
  return text;
}

}  // namespace

ipc::ChainHead ToIpc(const event::Head& head) {
  return {.epoch = head.epoch, .sequence = head.sequence, .hash = head.hash};
}

Result<std::unique_ptr<UplinkLink>> UplinkLink::Listen(EventLoop& loop,
                                                       const Options& options,
                                                       spool::EventLog& log,
                                                       Events events) {
  std::unique_ptr<UplinkLink> link(
      new UplinkLink(loop, options, log, std::move(events)));
  UplinkLink* raw = link.get();
  SocketServer::Events on;
  on.admit = [raw](const Peer& peer) { return raw->Admit(peer); };
  on.opened = [raw](SocketServer::ConnectionId id) {
    if (raw->peer_ != 0) raw->server_->Close(raw->peer_);
    raw->peer_ = id;
    raw->sending_ = false;
    raw->told_contain_.reset();
    raw->Wake();
  };
  on.packet = [raw](SocketServer::ConnectionId id, Packet packet) {
    if (id == raw->peer_) raw->OnPacket(id, std::move(packet));
  };
  on.closed = [raw](SocketServer::ConnectionId id) {
    if (id != raw->peer_) return;
    raw->peer_ = 0;
    raw->sending_ = false;
    raw->SetConnected(false);
    raw->detail_ = "the uplink is not running";
  };
  on.drained = [raw](SocketServer::ConnectionId) { raw->Pump(); };
  ASSIGN_OR_RETURN(link->server_,
                   SocketServer::Listen(loop,
                                        {.path = options.socket_path,
                                         .mode = 0600,
                                         .owner_uid = options.uplink_uid,
                                         .max_connections = 2},
                                        std::move(on)));
  return link;
}

UplinkLink::UplinkLink(EventLoop& loop, const Options& options,
                       spool::EventLog& log, Events events)
    : loop_(loop), options_(options), log_(log), events_(std::move(events)) {}

Status UplinkLink::Admit(const Peer& peer) const {
  if (static_cast<int64_t>(peer.uid) != options_.uplink_uid) {
    return Fail(Code::kPermissionDenied,
                fmt::format("uplink.sock: uid {} is no uplink", peer.uid));
  }
  if (options_.runs_uplink && !options_.runs_uplink(peer.pid)) {
    return Fail(
        Code::kPermissionDenied,
        fmt::format("uplink.sock: process {} is another program", peer.pid));
  }
  return {};
}

void UplinkLink::SetConnected(bool connected) {
  if (connected == connected_) return;
  connected_ = connected;
  if (events_.reached) events_.reached(connected);
}

void UplinkLink::Wake() {
  if (woken_ || peer_ == 0) return;
  woken_ = true;
  loop_.Post([this] {
    woken_ = false;
    SendNow();
  });
}

void UplinkLink::SendNow() {
  if (peer_ == 0) return;
  server_->Send(peer_, ipc::Encode(events_.state()));
  if (auto contain = events_.contain(); contain != told_contain_) {
    server_->Send(peer_, ipc::Encode(contain));
    told_contain_ = std::move(contain);
  }
  Pump();
}

void UplinkLink::Pump() {
  while (sending_ && peer_ != 0 && server_->WaitingPackets(peer_) == 0) {
    const auto records = log_.ReadAfter(cursor_, kBatchRecords, kBatchBytes);
    if (!records) {
      events_.problem("spool: " + records.error().message);
      return;
    }
    if (records->empty()) return;
    for (const spool::SpooledRecord& record : *records) {
      server_->Send(
          peer_, ipc::Encode(ipc::EventOut{.sequence = record.position.sequence,
                                           .record = record.bytes}));
      cursor_.epoch = log_.head().epoch;
      cursor_.sequence = record.position.sequence;
    }
  }
}

void UplinkLink::OnPacket(SocketServer::ConnectionId id, Packet packet) {
  switch (ipc::TypeOf(packet.bytes)) {
    case ipc::SendFrom::kType:
      if (const auto from = ipc::Decode<ipc::SendFrom>(packet.bytes)) {
        OnAcked(from->acked);
        cursor_ = FromIpc(from->acked);
        sending_ = true;
        Wake();
        return;
      }
      break;
    case ipc::EventsAcked::kType:
      if (const auto acked = ipc::Decode<ipc::EventsAcked>(packet.bytes)) {
        OnAcked(acked->head);
        Wake();
        return;
      }
      break;
    case ipc::EnvelopeIn::kType:
      if (const auto in = ipc::Decode<ipc::EnvelopeIn>(packet.bytes)) {
        OnEnvelope(*in, std::move(packet));
        return;
      }
      break;
    case ipc::UplinkState::kType:
      if (const auto state = ipc::Decode<ipc::UplinkState>(packet.bytes)) {
        SetConnected(state->connected);
        detail_ = state->detail.substr(0, 1024);
        Wake();  // an answer: so the uplink knows that somebody is here
        return;
      }
      break;
    case ipc::HistoryRewritten::kType:
      if (const auto told = ipc::Decode<ipc::HistoryRewritten>(packet.bytes)) {
        events_.rewritten(told->detail.substr(0, 1024));
        return;
      }
      break;
    default:
      break;
  }
  Log(LogLevel::kWarning, "uplink: bad packet");
  server_->Close(id);
}

void UplinkLink::OnAcked(const ipc::ChainHead& head) {
  if (head.sequence == 0) return;
  if (const Status acked = log_.Ack(FromIpc(head)); !acked) {
    events_.problem("the server's chain is not ours: " + acked.error().message);
    return;
  }
  if (events_.acked) events_.acked(FromIpc(head));
}

void UplinkLink::OnEnvelope(const ipc::EnvelopeIn& in, Packet packet) {
  if (packet.fds.size() != 1) {
    events_.problem("an envelope came without its content");
    return;
  }
  const auto sealed = ReadMemory(packet.fds[0].get());
  if (!sealed) {
    events_.problem("envelope: " + sealed.error().message);
    return;
  }
  events_.envelope(in.type, *sealed);
}

}  // namespace sekisho::agent
