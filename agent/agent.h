// sekishod: joins the rooms of agent/. This is the map.
//
//   devices.sock -> Media -> Decider -> Media (authorise, probe, mount)
//   gate.sock    -> Gates -> decision on content -> event -> answer
//   uplink.sock  <- events, -> envelopes -> PolicyStore -> Decider
//   control.sock -> status, enrolment, requests, notices
//   kernel gate  -> refused accesses -> events
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "agent/codes.h"
#include "agent/containments.h"
#include "agent/decide/decider.h"
#include "agent/enforce/kernel_gate.h"
#include "agent/event_parts.h"
#include "agent/gates.h"
#include "agent/grants.h"
#include "agent/identities.h"
#include "agent/jobs.h"
#include "agent/landing_watch.h"
#include "agent/landings.h"
#include "agent/media.h"
#include "agent/medium_files.h"
#include "agent/notices.h"
#include "agent/own_programs.h"
#include "agent/past_logs.h"
#include "agent/policy_store.h"
#include "agent/remote_exits.h"
#include "agent/socket_server.h"
#include "agent/spool/event_log.h"
#include "agent/spool/spool.h"
#include "agent/ssh_keys.h"
#include "agent/start_files.h"
#include "agent/totals.h"
#include "agent/uplink_link.h"
#include "agent/write_watch.h"
#include "common/clock.h"
#include "common/event_loop.h"

namespace sekisho::agent {

struct AgentOptions {
  std::string state_dir = "/var/lib/sekisho";
  std::string runtime_dir = "/run/sekisho";
  std::string media_dir = "/media/sekisho";
  std::string libexec_dir = "/usr/libexec/sekisho";
  std::string daemon_path = "/usr/sbin/sekishod";
  std::string systemctl = "/usr/bin/systemctl";
  std::string journalctl = "/usr/bin/journalctl";
  std::string version = "0.1.0";
  // Tests: peers are this user and any program, no kernel gate, no USB bus is
  // touched.
  enum class Machine { kReal, kTest } machine = Machine::kReal;
  std::string sysfs_root = "/sys";
  std::string proc_root = "/proc";  // where routes are read
  std::string attribution_root;  // in front of /proc, /run and /etc of people
  std::string unit_root;         // in front of /etc/systemd and the like
  int64_t spool_bytes = int64_t{64} << 20;
  // Whether what arrives on the disks is watched, where policy says so.
  enum class LandingWatching { kOff, kOn } landings = LandingWatching::kOn;
  LandingWatch::Timing landing_timing;
  // Whether what happened before the agent is read from the terminal's logs,
  // once.
  enum class Past { kOff, kOn } past = Past::kOn;
  PastLogs past_logs;
  // How long the server may take to answer after a policy refused the adapter
  // that led to it.
  std::chrono::milliseconds trial{120'000};
  // The list of what was issued comes right after the connection: a code that
  // it does not name by then was none.
  std::chrono::milliseconds code_confirm_within{60'000};
};

class Agent {
 public:
  // `gate` as from KernelGate::Open; null: why is in `gate_problem`, and what
  // the gate would guard stands open but for authorisation. Everything must
  // outlive the agent.
  static Result<std::unique_ptr<Agent>> Create(
      EventLoop& loop, const Clock& clock, const AgentOptions& options,
      std::unique_ptr<enforce::KernelGate> gate, std::string gate_problem);
  ~Agent();

  // Sets the mode that the stored policy wants and begins to listen.
  Status Start();
  // In good order: the last event is durable when it returns.
  void Stop(const std::string& reason);

 private:
  struct Subscriber {
    uid_t uid = 0;
    std::string language;
  };
  // Refused accesses of one kind by one program, told together.
  struct TamperCount {
    enforce::DeniedAccess first;
    int64_t count = 0;
  };
  struct Written {  // observe: waits for a scan
    decide::DeviceId device = 0;
    attribute::Who who;
    std::string path;
    UniqueFd file;
  };

  Agent(EventLoop& loop, const Clock& clock, const AgentOptions& options,
        std::unique_ptr<enforce::KernelGate> gate, std::string gate_problem);
  Listener WorkersStartedBy() const {
    return options_.machine == AgentOptions::Machine::kReal
               ? Listener::kInit
               : Listener::kAnybody;
  }
  Status OpenState();
  Status Listen();
  Result<std::unique_ptr<SocketServer>> ListenDevices();
  int64_t UidOf(const std::string& name) const;

  // Events (agent_events.cc).
  Result<spool::Written> Write(Parts parts);
  void WriteSoon(Parts parts);  // after what is being done now
  void WritePending();
  void TellHealth(const std::string& what);
  // The server's log is not the continuation of what was seen of it.
  void TellRewritten(const std::string& what);
  void OnReport(const decide::Report& report);
  ipc::TransferVerdict OnTransfer(int64_t mount_id, const attribute::Who& who,
                                  const ipc::TransferQuestion& question);
  void OnTransferFailed(int64_t mount_id, const ipc::TransferFailed& failed);
  // What of a file reaches the medium before its verdict (agent_release.cc).
  ipc::TransferVerdict OnRelease(int64_t mount_id, const attribute::Who& who,
                                 const ipc::ReleaseQuestion& question);
  void OnStreamEnded(int64_t mount_id, const attribute::Who& who,
                     const ipc::StreamEnded& ended);
  void OnGateGone(int64_t mount_id);

  // Erasing a medium (agent_erase.cc).
  struct Erasure {
    SocketServer::ConnectionId asker = 0;
    attribute::Who who;
  };
  void OnErase(SocketServer::ConnectionId id, const Peer& peer,
               const ipc::EraseRequest& request);
  Result<int64_t> MountToErase(const Peer& peer,
                               const std::string& target) const;
  void OnErased(int64_t mount_id, const ipc::GateErased& erased);
  void EndErasure(int64_t mount_id, const std::string& why_not);

  // Before Sekisho (agent_past.cc).
  void ReadPastOnce();
  void TellPast();
  void EndPast();

  // What is on media (agent_files.cc).
  struct Served {
    policy::DeviceFacts facts;
    attribute::Who person;
  };
  void OnFilesTold(int64_t mount_id, const ipc::FilesTold& told);
  void TellFiles(int64_t mount_id, const MediumFiles::Batch& batch);
  void EndFiles(int64_t mount_id);

  // A content of which people's rows were released and whose verdict is open.
  using Owners = std::vector<policy::OwnerFound>;
  struct OpenStream {
    attribute::Who who;
    std::string path;
    int64_t persons = 0;                     // counted in the totals
    int64_t uncounted = 0;                   // of these without a hash
    std::optional<Landings::Match> landing;  // where its content came from
    Owners owners;                           // of those released so far
  };
  using StreamKey = std::pair<int64_t, uint64_t>;  // mount, stream
  bool MayStream() const;
  Status CountReleased(const ipc::Released& released,
                       const decide::Decider::Device* device,
                       OpenStream* stream);
  void TellUnfinished(int64_t mount_id, const OpenStream& stream,
                      const std::string& what_became);
  // The kernel counted what the gate did not do.
  void OnDifference(decide::DeviceId id, const Difference& difference);
  void OnDenied(const enforce::DeniedAccess& denied);
  void TellTamper(const enforce::DeniedAccess& denied, int64_t count);
  void TellTamperCounts();
  void OnForeignProgram(const std::string& what);
  void OnForeignStart(const std::string& what);
  // Whether programs are ours and start as the package says; looks now.
  Status CheckOwn();
  void LookAtScanSocket();
  Status OwnStanding() const;
  std::string GateStateWord() const;

  // Ways out that are no device here (agent_remote.cc).
  void UseRemoteExits();  // as the policy in force says
  policy::DeviceDecision DecideRemote(const policy::DeviceFacts& facts,
                                      const attribute::Who& who) const;
  // False: it is none of these.
  bool OnRemoteDenied(const enforce::DeniedAccess& denied);

  // Observe (agent_observe.cc).
  void WatchWrites();
  void OnWritten(WriteWatch::Written one);
  void ScanNext();
  void OnScanned(const Written& written, const ipc::Findings& findings);
  void CountLost(const std::string& why);

  // What arrives on the terminal's own disks (agent_landing.cc).
  void UseLandings();  // as the policy in force says
  void OnLanded(const Landed& landed, const std::string& path,
                const ipc::Findings& findings);
  void CountUnlooked(const std::string& why);
  std::optional<Landings::Match> LandingWith(
      const ipc::Findings& findings) const;

  // Contents and totals (agent_content.cc).
  // `owners` as OwnersIn() found them.
  policy::ContentDecision DecideContent(const ipc::Findings& findings,
                                        const Owners& owners,
                                        const decide::Decider::Device* device,
                                        const attribute::Who& who) const;
  // Clients whose data it holds, by the data sets of now; most people first.
  Owners OwnersIn(const ipc::Findings& findings) const;
  // SetFindings and SetOwners.
  void TellFindings(const ipc::Findings& findings, const Owners& owners,
                    Parts& parts) const;
  // A failure is one of the disk; in memory it counts all the same.
  // `released`: what of it was counted before; may be null.
  Status CountWritten(const ipc::Findings& findings,
                      const decide::Decider::Device* device,
                      const attribute::Who& who, const OpenStream* released);
  void OnServerReached(bool reached);
  void SetOnline(bool online);

  // Policy (agent_policy.cc).
  void OnEnvelope(const std::string& type, const std::string& sealed);
  void OnModeChanged(policy::Mode mode);
  // Gates and workers look for what the policy in force defines. Should that
  // fail, every content is blocked until the next policy.
  void UpdateScanRules();
  void ArmExpiry();
  // How long an unlock that was just taken lasts; zero: it came too late.
  BootTime UnlockLeft() const;
  bool Unlocked() const { return clock_.SinceBoot() < unlocked_until_; }
  Status BeginUnlock();
  void ArmUnlockEnd();
  Status Enrol(const ipc::EnrolmentDone& done);

  // A policy that takes what the terminal needs (agent_trial.cc).
  struct Needs {
    std::vector<decide::DeviceId> keyboards;  // that type
    std::vector<decide::DeviceId> networks;   // that lead out
  };
  Needs NeedsNow() const;
  // A policy has just been taken: undoes it, or puts it on trial, if it takes
  // away what was needed before.
  void CheckNeeds(const Needs& before);
  void ResumeTrial();  // after a restart; begins again
  void ProveTrial();   // when all is done that the policy wants
  void OnAcked(const event::Head& head);
  void UndoPolicy(const std::string& why);
  std::string PolicyNote() const;  // for status; empty: nothing to say
  // The policy in force, or another list that is judged by, has changed.
  void UsePolicy();

  // Containments (agent_contain.cc).
  void TakeContainments();   // of the store, also at the start
  void ApplyContainments();  // those that run; again when one ends
  // nullptr: none stops this copy.
  const policy::Containment* ContainedCopy(int64_t mount_id,
                                           const attribute::Who& who) const;
  policy::ContentDecision Contained(
      const policy::Containment& containment) const;
  // What the operator is told of a rule "contain:..."; empty for others.
  std::map<std::string, std::string> ContainNotice(
      const std::string& rule) const;
  // Whoever is in the middle of a copy to a medium that is being closed.
  void TellCopying(decide::DeviceId id, const attribute::Who& plugger,
                   const Refusal& refusal);
  // Looks how far they are carried out, and tells the server what is new.
  void LookAtContained();
  void LookAtContainedSoon();

  // Grants of one transfer (agent_grant.cc).
  struct RefusedCopy {
    std::string event_id;  // of its TRANSFER, 16 bytes
    attribute::Who who;
    policy::DeviceFacts device;
    std::string path;  // raw
    std::string rule;
    bool grantable = false;
    ipc::Findings findings;
  };
  struct AskedFor {
    std::string event_id;  // of the REQUEST, 16 bytes
    attribute::Who who;
    std::string what;  // raw
    bool of_copy = false;
  };
  void TakeGrants();  // of the store, also at the start
  policy::GrantedTransfer GrantedBy(const attribute::Who& who,
                                    const policy::DeviceFacts& facts,
                                    const std::string& file_hash) const;
  // The grant that opens it, used up now; 0: none. A failure is one of the
  // disk, and nothing is opened.
  Result<int64_t> UseGrant(const ipc::Findings& findings,
                           const policy::DeviceFacts& facts,
                           const attribute::Who& who);
  bool HoldsGrant(const attribute::Who& who,
                  const policy::DeviceFacts& facts) const;
  void RememberRefused(RefusedCopy copy);
  const RefusedCopy* FindRefused(const attribute::Who& who,
                                 std::string_view file) const;
  Result<Parts> DeviceRequest(const std::string& device_id);
  // All of the request but who asks, what for and how long.
  Result<Parts> CopyRequest(const attribute::Who& who, const std::string& file);
  void RememberAsked(AskedFor asked);

  // Codes over the phone (agent_code.cc).
  void TakeCodes();   // of the store, also at the start
  void ApplyCodes();  // those that run; again when one ends
  void TellSecret(const policy::CodePublicKey& key);
  void ArmCodeEnd();
  void ArmCodeConfirm();
  void TellEnded(const std::vector<Codes::Ended>& ended);
  Parts CodeParts(event::v1::CodeStep step,
                  const policy::DeviceFacts* facts) const;
  ipc::CodeAnswer OnCode(const Peer& peer, const ipc::CodeRequest& request);
  ipc::CodeAnswer ShowChallenges(const Peer& peer, const std::string& wanted);
  ipc::CodeAnswer RedeemCode(const Peer& peer, const std::string& code);

  // Who is at a shared account (agent_identify.cc).
  attribute::Who Behind(pid_t pid) const;  // OfProcess(), and Knowing() of it
  // With who he proved to be, or whose job it is, as it stands now.
  attribute::Who Knowing(attribute::Who who) const;
  void UseIdentities();  // list or policy changed; also at the start
  void JudgePluggers();
  void ArmIdentityLook();
  // A failure is one of the disk.
  Status TellIdentified(const attribute::Who& who, const std::string& person,
                        const Result<Identities::Known>& known);
  void OnIdentify(SocketServer::ConnectionId id, const Peer& peer,
                  ipc::IdentifyRequest request);
  void SetIdentity(const Peer& peer, ipc::StatusAnswer* status) const;

  // Encrypted media (agent_unlock.cc).
  void OnUnlock(SocketServer::ConnectionId id, const Peer& peer,
                ipc::UnlockRequest request);
  Result<decide::DeviceId> LockedDevice(const std::string& wanted) const;

  // Control (agent_control.cc).
  Result<std::unique_ptr<SocketServer>> ListenControl();
  void OnControl(SocketServer::ConnectionId id, const Packet& packet);
  // False: it is no question about programs.
  bool OnProgramsQuestion(SocketServer::ConnectionId id, const Packet& packet);
  ipc::StatusAnswer StatusNow() const;
  ipc::CoreState CoreStateNow() const;
  ipc::Reply OnApprovalRequest(const Peer& peer,
                               const ipc::ApprovalRequest& request);
  void Notify(const attribute::Who& who, const Refusal& refusal);
  void Tell(const attribute::Who& who, const Answer& answer);
  void Tell(const attribute::Who& who, const Locked& locked);
  // Somebody waits for his copy to be looked at.
  void OnChecking(int64_t mount_id, const attribute::Who& who,
                  const ipc::Checking& checking);
  template <typename Message>
  void TellPerson(const attribute::Who& who, const Message& message);
  template <typename Message>
  void TellDesktop(const attribute::Who& who, const Message& message);
  void TellTerminal(const std::string& tty, std::string text,
                    int more_tries = 20);

  EventLoop& loop_;
  const Clock& clock_;
  const AgentOptions options_;
  std::unique_ptr<enforce::KernelGate> gate_;
  const std::string gate_problem_;
  Jobs jobs_;
  std::string terminal_;
  std::array<std::byte, 32> sketch_key_{};
  bool enforced_before_ = false;
  ipc::SharedScanRules scan_rules_;
  std::string scan_rules_problem_;  // empty: they are what policy says

  std::unique_ptr<spool::Spool> spool_;
  std::unique_ptr<spool::EventLog> log_;
  std::unique_ptr<PolicyStore> store_;
  std::unique_ptr<Containments> containments_;
  std::unique_ptr<Grants> grants_;
  std::unique_ptr<Codes> codes_;
  std::unique_ptr<Identities> identities_;
  bool identifying_ = false;  // one at a time: each takes 64 MiB
  std::deque<RefusedCopy> refused_;
  std::deque<AskedFor> asked_;
  std::unique_ptr<OwnPrograms> programs_;
  std::unique_ptr<StartFiles> start_files_;
  std::unique_ptr<Totals> totals_;  // null: they could not be opened
  std::string totals_problem_;
  std::unique_ptr<Landings> landings_;  // null: they could not be opened
  std::string landings_problem_;
  std::unique_ptr<Media> media_;
  std::unique_ptr<decide::Decider> decider_;
  std::unique_ptr<Gates> gates_;
  std::unique_ptr<UplinkLink> uplink_;
  std::unique_ptr<SocketServer> devices_;
  std::unique_ptr<SocketServer> control_;
  std::unique_ptr<WriteWatch> observe_;
  std::unique_ptr<LandingWatch> landing_watch_;
  std::unique_ptr<RemoteExits> remote_;  // null: no kernel gate
  std::set<std::string> told_remote_;    // bus and uid, for a while
  std::unique_ptr<SshKeys> ssh_keys_;    // null: they cannot be learned
  std::vector<policy::CustomType> landing_types_;
  int64_t unlooked_ = 0;
  std::string unlooked_why_;

  std::map<StreamKey, OpenStream> streams_;
  std::unique_ptr<MediumFiles> files_;
  std::shared_ptr<PastRead> past_;  // null: not read by this process
  size_t past_told_ = 0;
  std::map<int64_t, Erasure> erasures_;   // by mount
  std::map<int64_t, Served> served_;      // by mount
  std::map<int64_t, BootTime> checking_;  // by mount: next line on a terminal
  std::vector<Parts> pending_;
  bool pending_posted_ = false;
  std::map<SocketServer::ConnectionId, Subscriber> subscribers_;
  std::map<std::string, TamperCount> tamper_;
  EventLoop::TimerId expiry_timer_ = 0;
  EventLoop::TimerId trial_timer_ = 0;  // its end
  EventLoop::TimerId prove_timer_ = 0;
  int64_t trial_proof_ = 0;  // what the server has to keep; 0: not written yet
  bool trial_resumed_ = false;
  BootTime unlocked_until_{};
  EventLoop::TimerId unlock_timer_ = 0;
  EventLoop::TimerId offline_timer_ = 0;
  EventLoop::TimerId contain_end_timer_ = 0;
  EventLoop::TimerId code_end_timer_ = 0;
  EventLoop::TimerId code_confirm_timer_ = 0;
  EventLoop::TimerId identity_timer_ = 0;
  bool server_reached_ = false;
  EventLoop::TimerId contain_look_timer_ = 0;
  EventLoop::TimerId scan_socket_timer_ = 0;  // not looked at until then
  std::string foreign_scan_;                  // as it was last told
  ipc::ContainState contain_state_;           // as it was last told
  std::deque<Written> unscanned_;
  int scanning_ = 0;
  int64_t lost_ = 0;
  std::string lost_why_;
  WallTime lost_from_;
  bool stopped_ = false;
};

}  // namespace sekisho::agent
