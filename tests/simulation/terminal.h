// A modelled terminal: power, boots, a network, a chain of real signed events
// with a spool behind it, and devices that the real policy judges with totals
// that the terminal keeps, as sekishod's are.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/event_parts.h"
#include "agent/totals.h"
#include "policy/evaluator.h"
#include "tests/simulation/premises.h"

namespace sekisho::simulation {

// A file on its way to a medium.
struct Copy {
  std::string path;
  std::string format = "text";
  int64_t bytes = 200'000;
  int64_t persons = 0;
  std::string inspection = "full";
  std::string inspection_reason;
};

// How a terminal goes.
enum class Leaving {
  kShutdown,   // the goodbye stays in the spool until the next boot
  kPowerLost,  // no goodbye
};

class Terminal {
 public:
  Terminal(Premises& premises, std::string name, std::string site,
           WallTime certificate_issued);

  const std::string& name() const { return name_; }
  const std::string& site() const { return site_; }
  const std::string& agent_id() const { return agent_.agent_id; }
  bool is_on() const { return on_; }
  bool is_connected() const { return connected_; }
  int64_t policy_version() const { return beat_.policy_version; }
  void SetClockDrift(std::chrono::seconds drift) { drift_ = drift; }
  // From the next start on.
  void SetVersion(std::string version) { next_version_ = std::move(version); }
  void SetGate(std::string state) { beat_.gate_state = std::move(state); }

  void Boot();
  void Leave(Leaving how);
  // Cable, wireless or switch. A laptop that sleeps is a terminal without one.
  void SetNetwork(bool up);
  void SetSiteNetwork(bool up);
  // sekishod alone is gone, or is back and says so.
  void SetCore(bool alive);
  // Every 30 s of its own, if anybody hears it; `keep`: with its row.
  void Beat(bool keep);
  // Of the kind, with this reason.
  void TellHealth(const std::string& reason);
  void TellLost(int64_t count);
  void TellLanding(const std::string& person, int64_t persons,
                   const std::string& path);
  void TakePolicy(int64_t version, bool refuses);

  // With the real decision of `snapshot`; true: it may be used.
  bool Plug(const policy::Snapshot& snapshot, const policy::DeviceFacts& device,
            const std::string& person);
  void Unplug(const policy::DeviceFacts& device, const std::string& person);
  void Unmount(const policy::DeviceFacts& device, const std::string& person);
  // What policy said.
  policy::Verdict Transfer(const policy::Snapshot& snapshot,
                           const policy::DeviceFacts& device,
                           const std::string& person, const Copy& copy);
  // By a grant of the server, although policy stops it.
  void TransferGranted(const policy::DeviceFacts& device,
                       const std::string& person, const Copy& copy,
                       int64_t grant_id);
  // That the copy that was refused last may go once.
  void RequestCopy(const policy::DeviceFacts& device, const std::string& person,
                   const Copy& copy);
  void RequestDevice(const policy::DeviceFacts& device,
                     const std::string& person);

  // The disk of an earlier day: its chain, its spool, its head.
  struct Image {
    event::Head head;
  };
  Image TakeImage() const { return {head_}; }
  // Off; started again from the image it does not know what was told since,
  // and opens an epoch, as sekishod does when the server knows more.
  void Restore(const Image& image);

 private:
  void Update();
  void Emit(agent::Parts parts, const std::string& person);
  void Flush();
  Heartbeat NowBeat() const;

  Premises& premises_;
  const std::string name_;
  const std::string site_;
  const event::ChainKeyPair keys_ = event::NewChainKeyPair();
  store::AgentIdentity agent_;
  event::Head head_;    // of its chain
  event::Head acked_;   // what the server has
  event::Head stream_;  // what was sent
  std::deque<event::v1::EventRecord> spool_;
  bool on_ = false, network_ = true, site_network_ = true;
  bool connected_ = false;
  std::string next_version_ = "0.1.0";
  Heartbeat beat_;
  WallTime boot_time_;
  std::chrono::seconds drift_{0};
  int boots_ = 0;
  bool restored_ = false;
  // Plugged in, with what was decided.
  struct Attached {
    policy::DeviceFacts facts;
    bool mounted = false;
  };
  std::map<std::string, Attached> attached_;  // by vid:pid:serial
  std::unique_ptr<agent::Totals> totals_;
  std::string last_event_id_;
};

}  // namespace sekisho::simulation
