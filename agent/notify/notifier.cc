#include "agent/notify/notifier.h"

#include <sys/epoll.h>

#include <optional>

#include "common/log.h"
#include "common/unix_socket.h"

namespace sekisho::notify {
namespace {

// nullopt: it is something else.
Result<std::optional<ipc::PlacedNotice>> NoticeIn(ByteSpan packet) {
  ipc::PlacedNotice placed;
  if (ipc::TypeOf(packet) == ipc::Notice::kType) {
    ASSIGN_OR_RETURN(placed.notice, ipc::Decode<ipc::Notice>(packet));
  } else if (ipc::TypeOf(packet) == ipc::PlacedNotice::kType) {
    ASSIGN_OR_RETURN(placed, ipc::Decode<ipc::PlacedNotice>(packet));
  } else {
    return std::nullopt;
  }
  return placed;
}

}  // namespace

Notifier::~Notifier() {
  loop_.Cancel(retry_);
  loop_.Cancel(show_again_);
  if (fd_) loop_.Remove(fd_.get());
}

Status Notifier::Open() {
  ASSIGN_OR_RETURN(UniqueFd fd, ConnectSeqpacket(options_.socket_path));
  ASSIGN_OR_RETURN(const Peer peer, PeerOf(fd.get()));
  if (peer.uid != 0 && peer.uid != ::geteuid()) {
    return Fail(Code::kPermissionDenied,
                options_.socket_path + " is not served by sekishod");
  }
  RETURN_IF_ERROR(
      SendPacket(fd.get(), ipc::Encode(ipc::Subscribe{options_.language})));
  RETURN_IF_ERROR(
      loop_.Add(fd.get(), EPOLLIN, [this](uint32_t) { OnReady(); }));
  fd_ = std::move(fd);
  return {};
}

void Notifier::Connect() {
  if (const auto opened = Open(); !opened) {
    if (!std::exchange(told_, true)) {
      Log(LogLevel::kNotice, "waiting for sekishod: " + opened.error().message);
    }
    retry_ = loop_.After(options_.retry, [this] { Connect(); });
    return;
  }
  told_ = false;
}

void Notifier::Lose() {
  loop_.Remove(fd_.get());
  fd_.Reset();
  retry_ = loop_.After(options_.retry, [this] { Connect(); });
}

void Notifier::OnReady() {
  const auto packet = ReceivePacket(fd_.get());
  if (!packet) return Lose();
  auto taken = NoticeIn(packet->bytes);
  if (!taken) {
    Log(LogLevel::kWarning, taken.error().message);
    return;
  }
  // sekishod's answer to the subscription, and what is not known yet.
  if (!*taken) return;
  ipc::PlacedNotice& notice = **taken;
  if (!notice.place.empty()) {
    std::erase_if(waiting_, [&](const ipc::PlacedNotice& other) {
      return other.place == notice.place;
    });
  }
  waiting_.push_back(std::move(notice));
  if (waiting_.size() > kMaxWaiting) waiting_.pop_front();
  ShowWaiting();
}

void Notifier::ShowWaiting() {
  while (!waiting_.empty()) {
    if (const auto shown = screen_.Show(waiting_.front()); !shown) {
      Log(LogLevel::kWarning, shown.error().message);
      loop_.Cancel(show_again_);
      show_again_ = loop_.After(options_.retry, [this] { ShowWaiting(); });
      return;
    }
    waiting_.pop_front();
  }
}

}  // namespace sekisho::notify
