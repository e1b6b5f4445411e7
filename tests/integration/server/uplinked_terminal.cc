#include "tests/integration/server/uplinked_terminal.h"

#include <sys/epoll.h>

#include <filesystem>
#include <fstream>
#include <future>

#include "common/unix_socket.h"

namespace sekisho::testing {

using std::chrono::milliseconds;

UplinkedTerminal::UplinkedTerminal(Enrolled enrolled, int agents_port,
                                   int enrol_port, const Clock& clock)
    : enrolled_(std::move(enrolled)), enrol_port_(enrol_port), clock_(clock) {
  char dir[] = "/tmp/sekisho-uplinked-XXXXXX";
  CHECK(mkdtemp(dir) != nullptr);
  dir_ = dir;
  WriteConfig(agents_port);
  std::ofstream(dir_ + "/agent.key") << enrolled_.key_pem;
  std::ofstream(dir_ + "/agent.crt") << enrolled_.answer.certificate_pem();
  std::ofstream(dir_ + "/ca.crt") << enrolled_.answer.ca_pem();
  head_.epoch = enrolled_.answer.epoch();
  loop_ = std::move(*EventLoop::Create());
  link_ = uplink::NewGrpcServerLink(*loop_);
  listener_ = std::move(*ListenSeqpacket(dir_ + "/core.sock", 0600));
  CHECK(loop_->Add(listener_.get(), EPOLLIN, [this](uint32_t) { Accept(); })
            .has_value());
  thread_ = std::jthread([this] { loop_->Run(); });
}

UplinkedTerminal::~UplinkedTerminal() {
  Stop();
  loop_->Stop();
  thread_.join();
  std::filesystem::remove_all(dir_);
}

void UplinkedTerminal::Start() {
  Do([this] {
    uplink::UplinkOptions options;
    options.core_socket = dir_ + "/core.sock";
    options.config_path = dir_ + "/agent.yaml";
    options.state_dir = dir_;
    options.heartbeat = milliseconds(100);
    options.renewal.look_every = milliseconds(20);
    options.renewal.again = options.renewal.again_expired = milliseconds(200);
    uplink_ = std::make_unique<uplink::Uplink>(*loop_, *link_, clock_,
                                               std::move(options));
    uplink_->Start();
  });
}

// The link may be destroyed only when nothing is in flight: what is in flight
// ends with the server, or by itself.
void UplinkedTerminal::Stop() {
  if (!link_) return;
  // Without a server to go to it does not connect again.
  std::filesystem::remove(dir_ + "/agent.yaml");
  Do([this] { link_->Cancel(); });
  std::this_thread::sleep_for(milliseconds(300));
  Do([this] {
    uplink_.reset();
    link_.reset();
    if (core_) loop_->Remove(core_.get());
    core_.Reset();
  });
}

void UplinkedTerminal::Happen() {
  Do([this] {
    event::v1::PublicPart part;
    part.set_event_id(std::string(AsText(NewUuid7(clock_.Now()))));
    part.set_agent_id(enrolled_.answer.agent_id());
    part.set_kind(event::v1::EVENT_KIND_TRANSFER);
    part.set_outcome(event::v1::OUTCOME_ALLOWED);
    auto record = event::Append(head_, part, {}, enrolled_.chain.secret_key);
    CHECK(record.has_value());
    records_.push_back(*record);
    Pump();
  });
}

int64_t UplinkedTerminal::acked() {
  int64_t acked = 0;
  Do([&] { acked = acked_; });
  return acked;
}

std::string UplinkedTerminal::trouble() {
  std::string trouble;
  Do([&] { trouble = uplink_state_.connected ? "" : uplink_state_.detail; });
  return trouble;
}

void UplinkedTerminal::WriteConfig(int agents_port) const {
  std::ofstream(dir_ + "/agent.yaml")
      << "server: localhost:" << agents_port
      << "\nenrolment: localhost:" << enrol_port_ << "\n";
}

void UplinkedTerminal::SetServer(int agents_port) {
  WriteConfig(agents_port);
  Do([this] { uplink_->OnNetworkChanged(); });
}

std::string UplinkedTerminal::rewritten() {
  std::string rewritten;
  Do([&] { rewritten = rewritten_; });
  return rewritten;
}

int64_t UplinkedTerminal::witnessed() const {
  std::ifstream file(dir_ + "/log.witness");
  std::string key, origin, size;
  std::getline(file, key);
  std::getline(file, origin);
  std::getline(file, size);
  return size.empty() ? 0 : std::stoll(size);
}

uplink::Identity UplinkedTerminal::identity() const {
  return *uplink::ReadIdentity(dir_);
}

void UplinkedTerminal::SetIdentity(const uplink::Identity& identity) {
  CHECK(uplink::WriteRenewed(dir_, identity).has_value());
}

void UplinkedTerminal::Accept() {
  auto fd = AcceptSeqpacket(listener_.get());
  if (!fd) return;
  if (core_) loop_->Remove(core_.get());
  core_ = std::move(*fd);
  asked_after_.reset();
  CHECK(loop_->Add(core_.get(), EPOLLIN, [this](uint32_t) { ReadCore(); })
            .has_value());
  CHECK(SendPacket(core_.get(), ipc::Encode(State())).has_value());
}

void UplinkedTerminal::ReadCore() {
  const auto packet = ReceivePacket(core_.get());
  if (!packet) {
    if (packet.error().code == Code::kUnavailable) return;
    loop_->Remove(core_.get());
    core_.Reset();
    asked_after_.reset();
    return;
  }
  switch (ipc::TypeOf(packet->bytes)) {
    case ipc::SendFrom::kType:
      asked_after_ = ipc::Decode<ipc::SendFrom>(packet->bytes)->acked.sequence;
      Pump();
      break;
    case ipc::EventsAcked::kType:
      acked_ = ipc::Decode<ipc::EventsAcked>(packet->bytes)->head.sequence;
      break;
    case ipc::UplinkState::kType:
      uplink_state_ = *ipc::Decode<ipc::UplinkState>(packet->bytes);
      break;
    case ipc::HistoryRewritten::kType:
      rewritten_ = ipc::Decode<ipc::HistoryRewritten>(packet->bytes)->detail;
      break;
    default:
      break;  // envelopes: nobody looks
  }
}

// The head first, then what was asked for; a full socket is tried again.
void UplinkedTerminal::Pump() {
  if (!core_ || !SendPacket(core_.get(), ipc::Encode(State()))) return;
  while (asked_after_ && *asked_after_ < std::ssize(records_)) {
    const auto& record = records_[static_cast<size_t>(*asked_after_)];
    const ipc::EventOut out{record.sequence(), record.SerializeAsString()};
    if (!SendPacket(core_.get(), ipc::Encode(out))) {
      loop_->After(milliseconds(1), [this] { Pump(); });
      return;
    }
    ++*asked_after_;
  }
}

ipc::CoreState UplinkedTerminal::State() const {
  ipc::CoreState state;
  state.mode = "observe";
  state.gate_state = "observe";
  state.head.epoch = head_.epoch;
  state.head.sequence = head_.sequence;
  state.head.hash = head_.hash;
  state.spooled_count = head_.sequence - acked_;
  return state;
}

void UplinkedTerminal::Do(const std::function<void()>& action) {
  std::promise<void> done;
  loop_->Post([&] {
    action();
    done.set_value();
  });
  done.get_future().wait();
}

}  // namespace sekisho::testing
