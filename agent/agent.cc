#include "agent/agent.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "agent/agent_gate.h"
#include "agent/attribute/sessions.h"
#include "common/file.h"
#include "common/log.h"
#include "common/text.h"

namespace sekisho::agent {
namespace {

constexpr size_t kMaxSmallFileBytes = 4096;
constexpr int64_t kSmallestSegment = int64_t{256} * 1024;

std::string HostName() {
  utsname names{};
  return ::uname(&names) == 0 ? names.nodename : "unknown";
}

Status MakeDir(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) {
    return FailErrno("mkdir " + path);
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Agent>> Agent::Create(
    EventLoop& loop, const Clock& clock, const AgentOptions& options,
    std::unique_ptr<enforce::KernelGate> gate, std::string gate_problem) {
  std::unique_ptr<Agent> agent(new Agent(loop, clock, options, std::move(gate),
                                         std::move(gate_problem)));
  RETURN_IF_ERROR(agent->OpenState());
  return agent;
}

Agent::Agent(EventLoop& loop, const Clock& clock, const AgentOptions& options,
             std::unique_ptr<enforce::KernelGate> gate,
             std::string gate_problem)
    : loop_(loop),
      clock_(clock),
      options_(options),
      gate_(std::move(gate)),
      gate_problem_(std::move(gate_problem)),
      jobs_(loop) {}

Agent::~Agent() {
  if (gate_ != nullptr && gate_->EventsFd() >= 0) {
    loop_.Remove(gate_->EventsFd());
  }
}

// A user of the package; in tests everybody is the one who runs them.
int64_t Agent::UidOf(const std::string& name) const {
  if (options_.machine == AgentOptions::Machine::kTest) return ::geteuid();
  const auto account = attribute::AccountNamed("", name);
  return account ? account->uid : -1;
}

Status Agent::OpenState() {
  RETURN_IF_ERROR(MakeDir(options_.runtime_dir, 0711));
  RETURN_IF_ERROR(MakeDir(options_.state_dir, 0711));
  for (const char* name : {"/core", "/spool"}) {
    RETURN_IF_ERROR(MakeDir(options_.state_dir + name, 0700));
  }
  RETURN_IF_ERROR(MakeDir(options_.state_dir + "/boot", 0755));

  spool::SpoolOptions spool;
  spool.dir = options_.state_dir + "/spool";
  spool.size_bytes = options_.spool_bytes;
  // Few files: each is written and synced at the first start, which a slow
  // disk must not stretch over systemd's patience.
  spool.segment_bytes = std::max(options_.spool_bytes / 16, kSmallestSegment);
  ASSIGN_OR_RETURN(spool_, spool::Spool::Open(spool));
  ASSIGN_OR_RETURN(
      log_, spool::EventLog::Open(
                {.state_dir = options_.state_dir + "/core", .boot_id = ""},
                *spool_, clock_));

  const std::string core = options_.state_dir + "/core/";
  const auto terminal =
      ReadFileAt(AT_FDCWD, core + "terminal", kMaxSmallFileBytes);
  terminal_ = terminal ? std::string(Trim(*terminal)) : HostName();
  const auto key = ReadFileAt(AT_FDCWD, core + "sketch.key", 64);
  if (key && key->size() == sketch_key_.size()) {
    std::memcpy(sketch_key_.data(), key->data(), key->size());
  }
  const auto mode = ReadFileAt(AT_FDCWD, core + "mode", 64);
  enforced_before_ = mode && mode->starts_with("enforce");
  auto totals = Totals::Open(core + "totals", clock_.Now(), &totals_problem_);
  if (totals) {
    totals_ = std::move(*totals);
  } else {
    totals_problem_ = totals.error().message;
  }
  auto landings = Landings::Open(core + "landings", &landings_problem_);
  if (landings) {
    landings_ = std::move(*landings);
  } else {
    landings_problem_ = landings.error().message;
  }
  store_ = std::make_unique<PolicyStore>(options_.state_dir + "/core",
                                         log_->agent_id());

  const auto gate_account = attribute::AccountNamed("", "sekisho-gate");
  MediaOptions media{.attribution_root = options_.attribution_root,
                     .sysfs_root = options_.sysfs_root,
                     .proc_root = options_.proc_root,
                     .runtime_dir = options_.runtime_dir,
                     .media_dir = options_.media_dir,
                     .systemctl = options_.systemctl,
                     .workers = WorkersStartedBy(),
                     .gate_uid = UidOf("sekisho-gate"),
                     .gate_gid = gate_account ? gate_account->gid : -1,
                     .enforced_before = enforced_before_};
  media_ = std::make_unique<Media>(
      loop_, jobs_, clock_, gate_.get(), std::move(media),
      Media::Events{
          .tell = [this](const decide::Report& report) { OnReport(report); },
          .problem = [this](const std::string& what) { TellHealth(what); },
          .mode_changed = [this](policy::Mode m) { OnModeChanged(m); },
          .differs = [this](decide::DeviceId id,
                            const Difference& d) { OnDifference(id, d); },
          .knowing =
              [this](attribute::Who who) { return Knowing(std::move(who)); }});
  decider_ = std::make_unique<decide::Decider>(
      clock_, *media_, store_->snapshot(),
      policy::TerminalFacts{
          .terminal = terminal_, .groups = {}, .online = false});
  containments_ = std::make_unique<Containments>(clock_);
  grants_ = std::make_unique<Grants>(clock_,
                                     options_.state_dir + "/core/grants.used");
  const auto boot = ReadFileAt(AT_FDCWD, "/proc/sys/kernel/random/boot_id", 64);
  codes_ = std::make_unique<Codes>(clock_, core + "codes",
                                   boot ? std::string(Trim(*boot)) : "unknown");
  identities_ = std::make_unique<Identities>(
      clock_, core + "identified", boot ? std::string(Trim(*boot)) : "unknown");
  identities_->Use(store_->people(), store_->snapshot()->policy().identify);
  programs_ = std::make_unique<OwnPrograms>(
      loop_, jobs_, gate_.get(), ProgramsOf(options_),
      OwnPrograms::Events{
          .enforcing = [this] { return !decider_->observing(); },
          .refused = [this](const std::string& w) { OnForeignProgram(w); }});
  programs_->SetManifest(store_->upgrade());
  files_ = std::make_unique<MediumFiles>(
      loop_, [this](int64_t mount_id, const MediumFiles::Batch& batch) {
        TellFiles(mount_id, batch);
      });
  start_files_ = std::make_unique<StartFiles>(
      loop_, jobs_,
      StartFiles::Options{.root = options_.unit_root,
                          .libexec_dir = options_.libexec_dir,
                          .systemctl = options_.systemctl},
      StartFiles::Events{
          .enforcing = [this] { return !decider_->observing(); },
          .foreign = [this](const std::string& w) { OnForeignStart(w); }});
  return {};
}

Status Agent::Listen() {
  std::function<bool(pid_t)> runs_gate;
  std::function<bool(pid_t)> runs_uplink;
  if (options_.machine == AgentOptions::Machine::kReal) {
    // What an upgrade has replaced gets no new medium.
    runs_gate = [this,
                 path = options_.libexec_dir + "/sekisho-gate"](pid_t pid) {
      return RunsProgram(pid, path) && programs_->Owns(pid, path);
    };
    runs_uplink = [this, path = options_.libexec_dir + "/sekisho-uplink"](
                      pid_t pid) { return programs_->Owns(pid, path); };
  }
  Gates::Options gates;
  gates.attribution_root = options_.attribution_root;
  gates.socket_path = options_.runtime_dir + "/" + ipc::kGateSocket;
  gates.gate_uid = UidOf("sekisho-gate");
  gates.runs_gate = std::move(runs_gate);
  gates.sketch_key = sketch_key_;
  ASSIGN_OR_RETURN(
      gates_,
      Gates::Listen(
          loop_, gates,
          {.unmounted = [this](int64_t id) { media_->OnUnmounted(id); },
           .started = [this](int64_t id,
                             const Status& s) { media_->OnGateStarted(id, s); },
           .lost = [this](int64_t id,
                          const std::string& w) { media_->OnGateLost(id, w); },
           .transfer =
               [this](int64_t id, const attribute::Who& who,
                      const ipc::TransferQuestion& question) {
                 return OnTransfer(id, who, question);
               },
           .failed =
               [this](int64_t id, const ipc::TransferFailed& failed) {
                 OnTransferFailed(id, failed);
               },
           .counts =
               [this](int64_t id, const ipc::GateCounts& counts) {
                 media_->OnGateCounts(id, counts);
               },
           .checking =
               [this](int64_t id, const attribute::Who& who,
                      const ipc::Checking& checking) {
                 OnChecking(id, who, checking);
               },
           .release =
               [this](int64_t id, const attribute::Who& who,
                      const ipc::ReleaseQuestion& question) {
                 return OnRelease(id, who, question);
               },
           .ended =
               [this](int64_t id, const attribute::Who& who,
                      const ipc::StreamEnded& ended) {
                 OnStreamEnded(id, who, ended);
               },
           .files = [this](
                        int64_t id,
                        const ipc::FilesTold& told) { OnFilesTold(id, told); },
           .erased =
               [this](int64_t id, const ipc::GateErased& erased) {
                 OnErased(id, erased);
               },
           .gone = [this](int64_t id) { OnGateGone(id); }}));
  media_->Join(*decider_, *gates_);
  UpdateScanRules();
  ASSIGN_OR_RETURN(
      uplink_,
      UplinkLink::Listen(
          loop_,
          {.socket_path = options_.runtime_dir + "/" + ipc::kUplinkSocket,
           .uplink_uid = UidOf("sekisho"),
           .runs_uplink = std::move(runs_uplink)},
          *log_,
          {.state = [this] { return CoreStateNow(); },
           .contain = [this] { return contain_state_; },
           .envelope =
               [this](const std::string& type, const std::string& sealed) {
                 OnEnvelope(type, sealed);
               },
           .problem = [this](const std::string& w) { TellHealth(w); },
           .rewritten = [this](const std::string& w) { TellRewritten(w); },
           .reached = [this](bool reached) { OnServerReached(reached); },
           .acked = [this](const event::Head& h) { OnAcked(h); }}));
  ASSIGN_OR_RETURN(control_, ListenControl());
  return {};
}

Result<std::unique_ptr<SocketServer>> Agent::ListenDevices() {
  const int64_t uid = UidOf("sekisho-devices");
  SocketServer::Events on;
  on.admit = [this, uid](const Peer& peer) -> Status {
    const bool is_program =
        options_.machine == AgentOptions::Machine::kTest ||
        programs_->Owns(peer.pid, options_.libexec_dir + "/sekisho-devices");
    if (static_cast<int64_t>(peer.uid) == uid && is_program) return {};
    return Fail(Code::kPermissionDenied,
                fmt::format("devices.sock: process {} of uid {} may not",
                            peer.pid, peer.uid));
  };
  on.packet = [this](SocketServer::ConnectionId id, const Packet& packet) {
    if (const auto seen = ipc::Decode<ipc::DeviceSeen>(packet.bytes)) {
      media_->OnSeen(*seen);
      return;
    }
    if (const auto done = ipc::Decode<ipc::RescanDone>(packet.bytes)) {
      if (done->lost) {
        TellHealth(
            "the kernel dropped uevents; attached devices were read "
            "again");
      }
      media_->OnScanned();
      ResumeTrial();
      if (observe_ != nullptr) observe_->Refresh();
      if (landing_watch_ != nullptr) landing_watch_->Refresh();
      return;
    }
    Log(LogLevel::kWarning, "devices: bad packet");
    devices_->Close(id);
  };
  return SocketServer::Listen(
      loop_,
      {.path = options_.runtime_dir + "/" + ipc::kDevicesSocket,
       .mode = 0600,
       .owner_uid = uid,
       .max_connections = 2},
      std::move(on));
}

Status Agent::Start() {
  RETURN_IF_ERROR(Listen());
  if (gate_ != nullptr) {
    // Begun before this process was.
    if (const auto until = gate_->UnlockedUntil(); until) {
      unlocked_until_ = *until;
      ArmUnlockEnd();
    }
  }
  // Closed (or open) before the first device is looked at.
  decider_->Start();
  TakeContainments();
  TakeGrants();
  TellEnded(codes_->EndDue());
  ApplyCodes();
  TakeCodes();
  UseIdentities();
  programs_->Start();
  UseRemoteExits();
  UseLandings();
  start_files_->Start();
  ArmExpiry();
  if (gate_ != nullptr && gate_->EventsFd() >= 0) {
    RETURN_IF_ERROR(loop_.Add(gate_->EventsFd(), EPOLLIN, [this](uint32_t) {
      const auto read = gate_->ReadEvents(
          [this](const enforce::DeniedAccess& d) { OnDenied(d); });
      if (!read) TellHealth("kernel gate: " + read.error().message);
    }));
  }
  if (options_.machine == AgentOptions::Machine::kReal) {
    auto keys = SshKeys::Watch(loop_, jobs_, "", options_.journalctl);
    if (keys) {
      ssh_keys_ = std::move(*keys);
    } else {
      TellHealth("keys of SSH logins are not known: " + keys.error().message);
    }
  }
  Parts parts = NewParts(event::v1::EVENT_KIND_AGENT_STARTED);
  if (gate_ == nullptr) {
    parts.open.set_reason(gate_problem_);
  } else if (!gate_->State().why.empty()) {
    parts.open.set_reason(gate_->State().why);
  }
  WriteSoon(std::move(parts));
  if (!totals_problem_.empty()) TellHealth("totals: " + totals_problem_);
  if (!codes_->problem().empty()) TellHealth(codes_->problem());
  if (!identities_->problem().empty()) TellHealth(identities_->problem());
  if (!landings_problem_.empty()) TellHealth("landings: " + landings_problem_);
  for (const std::string& problem : store_->problems()) TellHealth(problem);
  for (const spool::Problem& problem : log_->TakeProblems()) {
    TellHealth("spool: " + problem.text);
  }
  ASSIGN_OR_RETURN(devices_, ListenDevices());
  ReadPastOnce();
  return {};
}

void Agent::Stop(const std::string& reason) {
  if (stopped_) return;
  stopped_ = true;
  // The sekishod that starts next may be another file. While nothing is
  // enforced the gate takes what is installed; while a policy enforces it takes
  // no program that was not vouched for, and stays closed.
  if (gate_ != nullptr && decider_->observing()) {
    const Status taken = gate_->SetAgentPrograms(AgentPrograms(options_));
    if (!taken) Log(LogLevel::kWarning, taken.error().message);
  }
  files_->Flush();
  WritePending();
  TellTamperCounts();
  Parts parts = NewParts(event::v1::EVENT_KIND_AGENT_STOPPED);
  parts.open.set_reason(reason);
  if (const auto written = Write(std::move(parts)); !written) {
    Log(LogLevel::kError, written.error().message);
  }
  WritePending();
  // The uplink outlives this process: the server hears of the stop from it.
  if (uplink_ != nullptr) uplink_->SendNow();
}

}  // namespace sekisho::agent
