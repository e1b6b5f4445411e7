// control.sock: status and requests for everybody, enrolment and removal for
// root; and what the operator is told.
#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "agent/agent.h"
#include "common/log.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxMediaShown = 64;
constexpr int64_t kMaxRequestSeconds = int64_t{366} * 24 * 3600;
constexpr size_t kMaxPurposeBytes = 1024;
// Each line stands in somebody's terminal for good.
constexpr std::chrono::seconds kTerminalLineInterval{10};
constexpr std::chrono::milliseconds kTerminalRetry{100};

ipc::Reply ReplyOf(const Status& status, const std::string& done) {
  if (status) return {.ok = true, .message = done};
  return {.ok = false, .message = status.error().message};
}

std::string WhyNow(const decide::Decider::Device& device) {
  if (device.ejected) return "it was ejected: plug it in again to use it";
  return device.open_error.empty() ? device.judged.decision.reason
                                   : device.open_error;
}

}  // namespace

Result<std::unique_ptr<SocketServer>> Agent::ListenControl() {
  SocketServer::Events on;
  on.packet = [this](SocketServer::ConnectionId id, const Packet& packet) {
    OnControl(id, packet);
  };
  on.closed = [this](SocketServer::ConnectionId id) { subscribers_.erase(id); };
  return SocketServer::Listen(
      loop_,
      {.path = options_.runtime_dir + "/" + ipc::kControlSocket,
       .mode = 0666,
       .owner_uid = -1,
       .max_connections = 128},
      std::move(on));
}

void Agent::OnControl(SocketServer::ConnectionId id, const Packet& packet) {
  const Peer peer = control_->PeerOfConnection(id);
  const bool root =
      peer.uid == 0 || options_.machine == AgentOptions::Machine::kTest;
  const uint16_t type = ipc::TypeOf(packet.bytes);
  const auto answer = [&](const auto& message) {
    control_->Send(id, ipc::Encode(message));
  };
  const bool for_root = type == ipc::IdentityRequest::kType ||
                        type == ipc::EnrolmentDone::kType ||
                        type == ipc::ProgramsCheck::kType ||
                        type == ipc::Teardown::kType;
  if (for_root && !root) {
    answer(ipc::Reply{.ok = false, .message = "only root may do that"});
    return;
  }
  if (ipc::Decode<ipc::StatusRequest>(packet.bytes)) {
    ipc::StatusAnswer status = StatusNow();
    SetIdentity(peer, &status);
    answer(status);
  } else if (ipc::Decode<ipc::IdentityRequest>(packet.bytes)) {
    answer(ipc::IdentityAnswer{.chain_public_key = log_->public_key(),
                               .agent_id = log_->agent_id()});
  } else if (const auto done = ipc::Decode<ipc::EnrolmentDone>(packet.bytes)) {
    answer(ReplyOf(Enrol(*done), "enrolled"));
  } else if (const auto request =
                 ipc::Decode<ipc::ApprovalRequest>(packet.bytes)) {
    answer(OnApprovalRequest(peer, *request));
  } else if (const auto code = ipc::Decode<ipc::CodeRequest>(packet.bytes)) {
    answer(OnCode(peer, *code));
  } else if (auto unlock = ipc::Decode<ipc::UnlockRequest>(packet.bytes)) {
    OnUnlock(id, peer, *std::move(unlock));
  } else if (auto identify = ipc::Decode<ipc::IdentifyRequest>(packet.bytes)) {
    OnIdentify(id, peer, *std::move(identify));
  } else if (const auto erase = ipc::Decode<ipc::EraseRequest>(packet.bytes)) {
    OnErase(id, peer, *erase);
  } else if (const auto wish = ipc::Decode<ipc::Subscribe>(packet.bytes)) {
    subscribers_[id] = {.uid = peer.uid, .language = wish->language};
  } else if (const auto end = ipc::Decode<ipc::Teardown>(packet.bytes)) {
    if (!decider_->observing() && !Unlocked()) {
      Parts parts = NewParts(event::v1::EVENT_KIND_TAMPER);
      SetWho(Behind(peer.pid), parts);
      parts.open.set_outcome(event::v1::OUTCOME_BLOCKED);
      parts.open.set_reason("refused: removal of the agent");
      WriteSoon(std::move(parts));
      answer(ipc::Reply{
          .ok = false,
          .message = "a policy enforces: removal needs a policy that observes, "
                     "or a maintenance unlock (on the server: sekisho agent "
                     "unlock)"});
      return;
    }
    Stop("torn down: " + EscapeUntrusted(end->reason, 256));
    Status torn;
    if (gate_ != nullptr) torn = gate_->Teardown();
    decider_->OnPolicy(policy::Snapshot::Make(policy::ObservePolicy(), {}, 0),
                       std::nullopt);
    answer(ReplyOf(torn, "the gate is open"));
  } else if (!OnProgramsQuestion(id, packet)) {
    Log(LogLevel::kNotice,
        fmt::format("control: bad packet of uid {}", peer.uid));
    control_->Close(id);
  }
}

bool Agent::OnProgramsQuestion(SocketServer::ConnectionId id,
                               const Packet& packet) {
  const auto check = ipc::Decode<ipc::ProgramsCheck>(packet.bytes);
  if (!check) return false;
  std::optional<policy::UpgradeManifest> list;
  if (!check->list.empty()) {
    auto parsed = policy::ParseUpgradeManifest(check->list);
    if (!parsed) {
      control_->Send(id,
                     ipc::Encode(ReplyOf(std::unexpected(parsed.error()), "")));
      return true;
    }
    list = std::move(*parsed);
  }
  programs_->WhenSettled([this, id, list = std::move(list)] {
    Status taken = list ? programs_->WouldTake(*list) : programs_->Check();
    if (taken && !list && gate_ == nullptr && !decider_->observing()) {
      taken =
          Fail(Code::kFailedPrecondition, "no kernel gate: " + gate_problem_);
    }
    control_->Send(id, ipc::Encode(ReplyOf(
                           taken, list ? "these programs will be taken"
                                       : "all programs are the agent's own")));
  });
  return true;
}

Result<Parts> Agent::DeviceRequest(const std::string& device_id) {
  for (const auto& [id, device] : decider_->devices()) {
    if (ShownId(device.plug.facts) == device_id) {
      Parts parts = NewParts(event::v1::EVENT_KIND_REQUEST);
      SetDevice(device.Facts(), parts);
      return parts;
    }
  }
  return Fail(Code::kNotFound,
              "no attached device has this id; see sekisho status");
}

ipc::Reply Agent::OnApprovalRequest(const Peer& peer,
                                    const ipc::ApprovalRequest& request) {
  if (request.purpose.empty() || request.purpose.size() > kMaxPurposeBytes ||
      request.device.size() > 1024 || request.file.size() > 4096) {
    return {.ok = false, .message = "say what for, in at most 1024 bytes"};
  }
  if (request.seconds < 0 || request.seconds > kMaxRequestSeconds) {
    return {.ok = false, .message = "ask for at most a year"};
  }
  const attribute::Who who = Behind(peer.pid);
  const bool of_copy = request.device.empty();
  auto made =
      of_copy ? CopyRequest(who, request.file) : DeviceRequest(request.device);
  if (!made) return ReplyOf(std::unexpected(made.error()), "");
  Parts parts = *std::move(made);
  SetWho(who, parts);
  parts.personal.set_purpose(request.purpose);
  parts.open.set_request_seconds(request.seconds);
  AskedFor asked{.event_id = {},
                 .who = who,
                 .what = of_copy ? parts.personal.file_path() : request.device,
                 .of_copy = of_copy};
  const auto written = Write(std::move(parts));
  if (!written) return ReplyOf(std::unexpected(written.error()), "");
  asked.event_id = written->event_id;
  RememberAsked(std::move(asked));
  return {.ok = true,
          .message = uplink_->connected()
                         ? "the request was sent"
                         : "the request is written down and will be sent when "
                           "the server can be reached"};
}

ipc::StatusAnswer Agent::StatusNow() const {
  ipc::StatusAnswer status;
  status.version = options_.version;
  status.mode = policy::Name(decider_->snapshot()->policy().mode);
  status.gate_state = GateStateWord();
  status.gate_detail = gate_ == nullptr ? gate_problem_ : gate_->State().why;
  if (const Status own = OwnStanding(); !own) {
    status.gate_detail = own.error().message;
  }
  status.terminal = terminal_;
  status.agent_id = log_->agent_id();
  status.connected = uplink_->connected();
  status.uplink_detail = uplink_->detail();
  status.policy_version = store_->version("policy");
  status.policy_name = decider_->snapshot()->policy().name;
  status.policy_note = PolicyNote();
  status.spooled_count = log_->spooled_count();
  status.spool_used_bytes = log_->spool_used_bytes();
  status.spool_size_bytes = log_->spool_size_bytes();
  status.head = ToIpc(log_->head());
  for (const auto& [id, device] : decider_->devices()) {
    if (status.media.size() == kMaxMediaShown) break;
    // Hubs and keyboards that just work are not what anybody asks for.
    if (!decide::HoldsMedium(device.plug.facts) &&
        device.judged.goal != decide::Goal::kRefuse) {
      continue;
    }
    const policy::DeviceFacts& facts = device.plug.facts;
    const policy::Access access =
        decider_->observing() ? policy::Access::kFull
                              : device.open.value_or(policy::Access::kBlock);
    status.media.push_back(
        {.device = ShownId(facts),
         .name = EscapeUntrusted(facts.manufacturer + " " + facts.product, 600),
         .access = policy::Name(access),
         .mount_point = device.mount_point,
         .rule = device.judged.decision.rule,
         .reason = WhyNow(device)});
  }
  return status;
}

ipc::CoreState Agent::CoreStateNow() const {
  return {.head = ToIpc(log_->head()),
          .mode = policy::Name(decider_->snapshot()->policy().mode),
          .gate_state = GateStateWord(),
          .policy_version = store_->version("policy"),
          .devices_version = store_->version("devices"),
          .spooled_count = log_->spooled_count(),
          .people_version = store_->version("people"),
          .data_sets_version = store_->version("data_sets")};
}

template <typename Message>
void Agent::TellDesktop(const attribute::Who& who, const Message& message) {
  std::set<int64_t> uids = {who.uid, who.login_uid};
  uids.erase(-1);
  for (const auto& [id, subscriber] : subscribers_) {
    if (uids.contains(int64_t{subscriber.uid})) {
      control_->Send(id, ipc::Encode(NoticeOf(message, subscriber.language)));
    }
  }
}

// A terminal that does not read for so long misses the rest; the event stands.
void Agent::TellTerminal(const std::string& tty, std::string text,
                         int more_tries) {
  std::string rest = WriteToTerminal(tty, std::move(text));
  if (rest.empty() || more_tries == 0) return;
  loop_.After(kTerminalRetry, [this, tty, rest = std::move(rest), more_tries] {
    TellTerminal(tty, rest, more_tries - 1);
  });
}

// Notices of his, and the terminal he works at.
template <typename Message>
void Agent::TellPerson(const attribute::Who& who, const Message& message) {
  TellDesktop(who, message);
  TellTerminal(who.tty, TerminalText(message));
}

void Agent::OnChecking(int64_t mount_id, const attribute::Who& who,
                       const ipc::Checking& checking) {
  Waiting waiting;
  waiting.place = fmt::format("checking-{}", mount_id);
  waiting.what = checking.path.substr(checking.path.rfind('/') + 1);
  waiting.over = checking.over;
  if (checking.size_bytes > 0) {
    const double share = static_cast<double>(checking.read_bytes) /
                         static_cast<double>(checking.size_bytes);
    // What was read need not be judged yet.
    waiting.percent = static_cast<int>(std::clamp(share, 0.0, 0.99) * 100);
  }
  TellDesktop(who, waiting);
  if (checking.over) {
    checking_.erase(mount_id);
    return;
  }
  const BootTime now = clock_.SinceBoot();
  BootTime& next = checking_[mount_id];
  if (now < next) return;
  next = now + kTerminalLineInterval;
  TellTerminal(who.tty, TerminalText(waiting));
}

void Agent::Notify(const attribute::Who& who, const Refusal& refusal) {
  TellPerson(who, refusal);
}

void Agent::Tell(const attribute::Who& who, const Answer& answer) {
  TellPerson(who, answer);
}

void Agent::Tell(const attribute::Who& who, const Locked& locked) {
  TellPerson(who, locked);
}

}  // namespace sekisho::agent
