#include "agent/gate/core_client.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <utility>

#include "common/unix_socket.h"

namespace sekisho::gate {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kRetryFirst{50};
constexpr milliseconds kRetryMost{1'000};
constexpr size_t kMaxUntold = 256;
// What happens within this is told together.
constexpr milliseconds kTellingPause{200};

Status SetNonBlocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) {
    return FailErrno("fcntl");
  }
  return {};
}

}  // namespace

// Only root, or in tests the same user, may play sekishod.
Result<UniqueFd> CoreClient::Dial() const {
  // That this process is sekishod is for the kernel gate to see.
  ASSIGN_OR_RETURN(UniqueFd fd,
                   ConnectSeqpacket(socket_path_, Listener::kProcess));
  ASSIGN_OR_RETURN(const Peer peer, PeerOf(fd.get()));
  if (peer.uid != 0 && peer.uid != ::geteuid()) {
    return Fail(Code::kPermissionDenied, "gate.sock is not sekishod's");
  }
  return fd;
}

Result<Start> CoreClient::Connect() {
  ASSIGN_OR_RETURN(UniqueFd fd, Dial());
  ipc::GateHello hello;
  hello.mount_id = mount_id_;
  RETURN_IF_ERROR(SendPacket(fd.get(), ipc::Encode(hello)));
  ASSIGN_OR_RETURN(Packet packet, ReceivePacket(fd.get()));
  if (ipc::TypeOf(packet.bytes) == ipc::GateStop::kType) {
    return Fail(Code::kCancelled, "not needed");
  }
  Start start;
  ASSIGN_OR_RETURN(start.settings, ipc::Decode<ipc::GateStart>(packet.bytes));
  const size_t expected = start.settings.scan_rules_bytes > 0 ? 3 : 2;
  if (packet.fds.size() != expected || start.settings.mount_id != mount_id_) {
    return Fail(Code::kInvalidArgument, "GateStart is for another gate");
  }
  if (expected == 3) {
    ASSIGN_OR_RETURN(start.scan_rules,
                     ipc::TakeScanRules(std::move(packet.fds[2]),
                                        start.settings.scan_rules_bytes));
  }
  start.fuse = std::move(packet.fds[0]);
  start.root = std::move(packet.fds[1]);
  const std::lock_guard lock(mutex_);
  RETURN_IF_ERROR(SetNonBlocking(fd.get()));
  connection_ = std::move(fd);
  generation_ = 1;
  ready_ = true;
  return start;
}

bool CoreClient::SendNow(const Bytes& packet) {
  if (!ready_) return false;
  // A broken connection is noticed by the reading thread, which sends again.
  return SendPacket(connection_.get(), packet).has_value();
}

bool CoreClient::SendNews() {
  if (news_.empty()) return true;
  while (!news_.empty()) {
    const ipc::FilesTold next = news_.Next();
    if (!SendNow(ipc::Encode(next))) return false;
    news_.Drop(next);
  }
  news_changed_.notify_all();  // there is room
  return true;
}

void CoreClient::SendRest() {
  if (!news_.empty() && !SendNews()) return;
  for (const auto& [id, question] : waiting_) {
    if (question->sent || question->answered) continue;
    question->sent = SendNow(question->packet);
    if (!question->sent) return;
  }
  while (!untold_.empty() && SendNow(untold_.front())) {
    untold_.erase(untold_.begin());
  }
}

bool CoreClient::Wait(std::unique_lock<std::mutex>& lock, uint64_t id,
                      Question& question, Deadline deadline) {
  waiting_[id] = &question;
  // In the order in which it happened.
  question.sent = (news_.empty() || SendNews()) && SendNow(question.packet);
  if (!silent_since_) silent_since_ = std::chrono::steady_clock::now();
  while (!question.answered && !stopping_) {
    const Deadline until = silent_since_
                               ? std::min(deadline, *silent_since_ + patience_)
                               : deadline;
    if (std::chrono::steady_clock::now() >= until) break;
    question.changed.wait_until(lock, until);
  }
  waiting_.erase(id);
  return question.answered;
}

std::optional<Who> CoreClient::AskWho(const Requester& requester) {
  std::unique_lock lock(mutex_);
  ipc::WhoQuestion ask;
  ask.question_id = ++next_id_;
  ask.pid = requester.pid;
  ask.uid = requester.uid;
  Question question;
  question.packet = ipc::Encode(ask);
  if (!Wait(lock, ask.question_id, question, requester.deadline)) {
    return std::nullopt;
  }
  return Who{question.generation, question.who};
}

Judgement CoreClient::Judge(const Who& who, const std::string& path,
                            const std::string& operation,
                            const ipc::Findings& findings,
                            const Released& released, Deadline deadline) {
  ipc::TransferQuestion ask;
  ask.path = path;
  ask.operation = operation;
  ask.findings = findings;
  ask.stream_id = released.stream_id;
  ask.persons_released = released.persons;
  return AskVerdict(who, std::move(ask), deadline);
}

Judgement CoreClient::AskRelease(const Who& who, ipc::ReleaseQuestion ask,
                                 Deadline deadline) {
  return AskVerdict(who, std::move(ask), deadline);
}

template <typename Ask>
Judgement CoreClient::AskVerdict(const Who& who, Ask ask, Deadline deadline) {
  std::unique_lock lock(mutex_);
  ask.question_id = ++next_id_;
  ask.who = who.generation == generation_ ? who.id : 0;
  Question question;
  question.packet = ipc::Encode(ask);
  question.nameless = [&ask] {
    ask.who = 0;
    return ipc::Encode(ask);
  };
  Judgement judgement;
  judgement.question_id = ask.question_id;
  judgement.answered = Wait(lock, ask.question_id, question, deadline);
  judgement.allowed = judgement.answered && question.allowed;
  return judgement;
}

void CoreClient::TellFailed(uint64_t question_id, const std::string& path,
                            const std::string& error) {
  ipc::TransferFailed failed;
  failed.question_id = question_id;
  failed.path = path;
  failed.error = error;
  Tell(ipc::Encode(failed));
}

void CoreClient::TellEnded(const Who& who, ipc::StreamEnded ended) {
  {
    const std::lock_guard lock(mutex_);
    ended.who = who.generation == generation_ ? who.id : 0;
  }
  Tell(ipc::Encode(ended));
}

void CoreClient::TellChecking(const Who& who, ipc::Checking checking) {
  const std::lock_guard lock(mutex_);
  checking.who = who.generation == generation_ ? who.id : 0;
  [[maybe_unused]] const bool sent = SendNow(ipc::Encode(checking));
}

void CoreClient::TellFile(ipc::ToldFile file) {
  const std::lock_guard lock(mutex_);
  const bool first = news_.empty();
  news_.Add(std::move(file));
  if (first) news_changed_.notify_all();
}

void CoreClient::RunTelling() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    news_changed_.wait(lock, [this] { return stopping_ || !news_.empty(); });
    stopped_.wait_for(lock, kTellingPause, [this] { return stopping_; });
    if (!stopping_) SendRest();
  }
}

void CoreClient::TellRest() {
  const std::lock_guard lock(mutex_);
  if (!news_.empty()) SendNews();
}

void CoreClient::TellUnmounted() { Tell(ipc::Encode(ipc::GateUnmounted{})); }

bool CoreClient::WaitForRoom() {
  std::unique_lock lock(mutex_);
  news_changed_.wait(lock, [this] { return stopping_ || news_.HasRoom(); });
  return !stopping_;
}

void CoreClient::EndListing(const ListingEnd& end) {
  const std::lock_guard lock(mutex_);
  news_.End(end);
  news_changed_.notify_all();
}

uint64_t CoreClient::generation() {
  const std::lock_guard lock(mutex_);
  return generation_;
}

void CoreClient::Tell(const Bytes& packet) {
  const std::lock_guard lock(mutex_);
  if (!SendNow(packet) && untold_.size() < kMaxUntold) {
    untold_.push_back(packet);
  }
}

// A gate that cannot read what shall be found keeps what it had: sekishod made
// the file, and nobody else could.
void CoreClient::TakeScanRules(Packet* packet, int64_t size_bytes,
                               const Events& events) {
  if (size_bytes == 0) {
    events.scan_rules_changed(nullptr);
    return;
  }
  if (packet->fds.size() != 1) return;
  auto rules = ipc::TakeScanRules(std::move(packet->fds[0]), size_bytes);
  if (rules) events.scan_rules_changed(*std::move(rules));
}

void CoreClient::TakeAnswer(Packet packet, const Events& events) {
  const ByteSpan bytes = packet.bytes;
  switch (ipc::TypeOf(bytes)) {
    case ipc::WhoAnswer::kType: {
      const auto answer = ipc::Decode<ipc::WhoAnswer>(bytes);
      if (!answer) return;
      const std::lock_guard lock(mutex_);
      const auto found = waiting_.find(answer->question_id);
      if (found == waiting_.end()) return;
      found->second->who = answer->who;
      found->second->generation = generation_;
      found->second->answered = true;
      found->second->changed.notify_one();
      return;
    }
    case ipc::TransferAnswer::kType: {
      const auto answer = ipc::Decode<ipc::TransferAnswer>(bytes);
      if (!answer) return;
      const std::lock_guard lock(mutex_);
      const auto found = waiting_.find(answer->question_id);
      if (found == waiting_.end()) return;
      // Named one by one: a number this gate does not know is a refusal.
      found->second->allowed =
          answer->verdict == ipc::TransferVerdict::kAllow ||
          answer->verdict == ipc::TransferVerdict::kAlert;
      found->second->answered = true;
      found->second->changed.notify_one();
      return;
    }
    case ipc::GateAccess::kType: {
      const auto access = ipc::Decode<ipc::GateAccess>(bytes);
      if (access) events.access_changed(access->access);
      return;
    }
    case ipc::GateScanRules::kType: {
      const auto rules = ipc::Decode<ipc::GateScanRules>(bytes);
      if (rules) TakeScanRules(&packet, rules->size_bytes, events);
      return;
    }
    case ipc::GateCountsQuestion::kType:
      // An old answer is worth nothing: it is not kept for later.
      if (events.counts) {
        const std::lock_guard lock(mutex_);
        SendNow(ipc::Encode(events.counts()));
      }
      return;
    case ipc::GateErase::kType:
      if (events.erase) events.erase();
      return;
    case ipc::GateStop::kType: {
      const auto stop = ipc::Decode<ipc::GateStop>(bytes);
      events.stop(stop ? stop->reason : "malformed stop");
      return;
    }
    case ipc::GateStart::kType: {
      const auto start = ipc::Decode<ipc::GateStart>(bytes);
      if (!start) return;
      events.access_changed(start->access);
      TakeScanRules(&packet, start->scan_rules_bytes, events);
      const std::lock_guard lock(mutex_);
      ready_ = true;
      for (const auto& [id, question] : waiting_) {
        question->sent = false;
        if (question->nameless) question->packet = question->nameless();
      }
      SendRest();
      return;
    }
    default:
      return;  // a newer sekishod's message: not for us
  }
}

Status CoreClient::ReadOne(const Events& events) {
  int fd = -1;
  {
    const std::lock_guard lock(mutex_);
    if (stopping_) return Fail(Code::kCancelled, "shutting down");
    fd = connection_.get();
  }
  pollfd wait{fd, POLLIN, 0};
  if (::poll(&wait, 1, -1) < 0 && errno != EINTR) return FailErrno("poll");
  auto packet = ReceivePacket(fd);
  if (!packet) {
    if (packet.error().code == Code::kUnavailable) return {};
    return std::unexpected(std::move(packet).error());
  }
  TakeAnswer(*std::move(packet), events);
  const std::lock_guard lock(mutex_);
  silent_since_.reset();
  // Answered questions stay in the list until their threads have woken up.
  for (const auto& [id, question] : waiting_) {
    if (!question->answered) silent_since_ = std::chrono::steady_clock::now();
  }
  SendRest();
  return {};
}

bool CoreClient::Reconnect() {
  milliseconds pause = kRetryFirst;
  std::unique_lock lock(mutex_);
  ready_ = false;
  connection_.Reset();
  news_.Disturb();
  ++generation_;
  while (!stopping_) {
    lock.unlock();
    auto fd = Dial();
    ipc::GateHello hello;
    hello.mount_id = mount_id_;
    hello.running = true;
    const bool said =
        fd.has_value() && SendPacket(fd->get(), ipc::Encode(hello)).has_value();
    lock.lock();
    if (said && !stopping_ && SetNonBlocking(fd->get())) {
      connection_ = *std::move(fd);
      return true;
    }
    stopped_.wait_for(lock, pause, [this] { return stopping_; });
    pause = std::min(pause * 2, kRetryMost);
  }
  return false;
}

void CoreClient::Run(const Events& events) {
  while (true) {
    if (ReadOne(events)) continue;
    if (!Reconnect()) return;
  }
}

void CoreClient::Shutdown() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  ready_ = false;
  if (connection_) ::shutdown(connection_.get(), SHUT_RDWR);
  stopped_.notify_all();
  news_changed_.notify_all();
  for (const auto& [id, question] : waiting_) question->changed.notify_one();
}

}  // namespace sekisho::gate
