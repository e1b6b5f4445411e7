// Joins sekishod and the server: events up, acknowledgements down, heartbeats,
// envelopes. Decides when to connect and from where to send; holds no event
// that sekishod does not hold, so it can be killed at any moment.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "agent/uplink/backoff.h"
#include "agent/uplink/batcher.h"
#include "agent/uplink/core_link.h"
#include "agent/uplink/renewal.h"
#include "agent/uplink/server_link.h"
#include "agent/uplink/witness.h"
#include "common/clock.h"
#include "common/event_loop.h"

namespace sekisho::uplink {

struct UplinkOptions {
  std::string core_socket;
  std::string config_path = kConfigPath;
  std::string state_dir = kStateDir;
  std::string agent_version;
  std::string boot_id;
  std::chrono::milliseconds heartbeat{30'000};
  // No welcome, or no acknowledgement of what was sent, for so long: the
  // connection is given up and made anew.
  std::chrono::milliseconds answer_timeout{10'000};
  // sekishod answers at once, unless it was frozen.
  std::chrono::milliseconds core_answers{5'000};
  RenewalOptions renewal;  // its state_dir is the one above
};

// Loop thread only.
class Uplink final : public CoreLink::Listener, public ServerLink::Listener {
 public:
  // All must outlive it.
  Uplink(EventLoop& loop, ServerLink& server, const Clock& clock,
         UplinkOptions options);
  ~Uplink() override;

  void Start();
  // An interface, address or route changed: if there is no connection, now is
  // the time to try.
  void OnNetworkChanged();

  void OnCoreConnected() override;
  void OnCoreLost(const std::string& why) override;
  void OnCoreState(const ipc::CoreState& state) override;
  void OnContainState(const ipc::ContainState& state) override;
  void OnEvent(const ipc::EventOut& event) override;

  void OnMessage(const event::v1::ConnectResponse& message) override;
  void OnWritten() override;
  void OnEnded(const Error& error) override;

 private:
  enum class Phase {
    kWaiting,   // a timer will open
    kGreeting,  // hello is said
    kOpen,      // welcomed
    kClosing,   // cancelled; OnEnded() follows
  };

  void Open();
  void OpenLater(const std::string& why);
  void GiveUp(const std::string& why);
  // The next connection is made with another certificate; it is made at once,
  // on the connection that was tried beside the open one.
  void Switch();
  void WriteNext();
  void Pump();
  void Beat();
  // Whether sekishod is there: it answers with its state, or is told as away.
  void AskCore(int times_left);
  void ArmAnswerTimer();
  void SendFrom(const event::v1::ChainHead& head);
  void OnWelcome(const event::v1::Welcome& welcome);
  void OnAck(const event::v1::ChainHead& head);
  // False: the connection was given up, for the server's history is not what
  // this terminal saw of it.
  bool Witnessed(const event::v1::LogState& state);
  void OnRefusal(const event::v1::Refusal& refusal);
  void FetchNext();
  void OnFetched(const std::string& type, int64_t version,
                 Result<Fetched> fetched);
  int64_t HeldVersion(const std::string& type) const;
  event::v1::Hello MakeHello() const;
  event::v1::Heartbeat MakeHeartbeat() const;
  void TellState();

  EventLoop& loop_;
  ServerLink& server_;
  const Clock& clock_;
  const UplinkOptions options_;
  CoreLink core_;
  Backoff backoff_;
  Batcher batcher_;
  Renewal renewal_;
  Witness witness_;
  std::string told_rewritten_;  // sekishod was told of this

  Phase phase_ = Phase::kWaiting;
  bool tried_ = false;  // Open() ran
  BootTime open_since_{};
  bool writing_ = false;
  bool beat_due_ = false;
  bool asked_core_ = false;  // SendFrom was sent on this core connection
  std::string trouble_;      // why there is no connection
  std::string given_up_;     // why it was cancelled
  bool refused_ = false;     // it was cancelled for good reason: no hurry
  bool switching_ = false;   // it was cancelled for a new certificate
  int refusals_ = 0;
  std::optional<ipc::CoreState> core_state_;  // nothing: sekishod is away
  std::optional<ipc::ContainState> contain_state_;
  event::v1::ChainHead acked_;             // where the server stands
  std::map<std::string, int64_t> wanted_;  // announced versions
  std::map<std::string, int64_t> delivered_;
  bool fetching_ = false;

  EventLoop::TimerId open_timer_ = 0;
  EventLoop::TimerId beat_timer_ = 0;
  EventLoop::TimerId core_timer_ = 0;
  EventLoop::TimerId answer_timer_ = 0;
  EventLoop::TimerId refusal_timer_ = 0;
  EventLoop::TimerId soon_timer_ = 0;
  EventLoop::TimerId fetch_timer_ = 0;
};

}  // namespace sekisho::uplink
