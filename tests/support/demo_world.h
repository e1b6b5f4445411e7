// A small, fixed world behind the real desk: one call centre's terminals,
// devices, alerts and hostile names, in a store of its own, told by events that
// went through the indexer and the alert rules. For tests of the web server
// and, behind a port, for the browser tests.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "server/auth/accounts.h"
#include "server/core/indexer.h"
#include "server/core/presence.h"
#include "server/core/publisher.h"
#include "server/desk.h"

namespace sekisho::demo {

// Text a device or a file may carry to hurt a console.
inline constexpr char kHostileProduct[] =
    "<img src=x onerror=window.hacked=1>\x1b[2J";
inline constexpr char kSecretName[] = "himitsu";
inline constexpr char kHostileFile[] =
    "/home/op01/=cmd|'C calc'!A1\"><svg onload=window.hacked=1>\n.csv";

// 2026-11-20 18:12:31 in Japan: screenshots do not change by themselves.
inline constexpr WallTime kDemoNow{std::chrono::seconds(1'795'165'951)};

// Of tests/data/seal; its key is there, too.
std::string SealedSamples();

// Stands still until it is set.
class StandingClock final : public Clock {
 public:
  WallTime Now() const override { return now_.load(); }
  BootTime SinceBoot() const override { return now_.load() - WallTime(); }
  void Set(WallTime now) { now_ = now; }

 private:
  std::atomic<WallTime> now_ = kDemoNow;
};

class DemoWorld {
 public:
  enum class Past { kToday, kNinetyDays };
  explicit DemoWorld(Past past = Past::kToday);
  ~DemoWorld();

  core::Desk& desk() { return *desk_; }
  store::Store& store() { return *store_; }
  core::Checkpoints& checkpoints() { return *checkpoints_; }
  core::Containing& containing() { return *containing_; }
  core::Rollouts& rollouts() { return *rollouts_; }
  StandingClock& clock() { return clock_; }

  std::string AddLoginCode(const std::string& user);
  void AddUser(const std::string& user, const std::string& password,
               core::Roles roles);
  // A copy of 1,500 people's data is stopped: event and alert, told at once.
  // The alert's id.
  int64_t AddBlockedTransfer();
  // The operator asks for the approval of a stick. The alert's id.
  int64_t AddRequest();
  // The week before the last Monday is drawn for its review. The review's id.
  int64_t DrawReview();
  // An operator asks that one refused copy may go.
  // By somebody who said who he is, if `stated` is not empty.
  int64_t AddCopyRequest(const std::string& stated = "");
  // The first terminal says what became of a code over the phone for its
  // stick: `bytes` are the sealed secret or the match.
  void TellCode(event::v1::CodeStep step, const std::string& bytes,
                const std::string& person = "op01 (yamada)");
  // A terminal without network calls for its stick: the terminal's name, agent
  // id and device, and what it shows. Its secret was told.
  struct Caller {
    std::string terminal;
    std::string agent_id;
    std::string device_id;
    std::string challenge;
    policy::CodeSecret secret{};
  };
  Caller AddCaller();
  // The stick that was plugged into the second terminal, into the first.
  void PlugStick();
  // A device that calls itself that stick but is another, and another model
  // with its serial.
  void PlugImpostor();
  // What only the second terminal knows: a person, a device and a file whose
  // names are nowhere else, in a refused copy and two requests. For tests of
  // who sees what.
  struct Secret {
    std::string terminal;
    std::string agent_id;
    std::string device_id;
    int64_t event_row_id = 0;     // of the copy
    int64_t alert_id = 0;         // of the copy
    int64_t request_id = 0;       // alert that asks for the device
    int64_t copy_request_id = 0;  // alert that asks that the copy may go
  };
  Secret AddSecret();
  // The register: the first terminal in the group "osaka", the next in "tokyo",
  // the third in both "nagoya" and "tokyo", the fourth in no group.
  void SetGroups();
  void EndSessions();
  // Of subscriptions to the desk's changes.
  size_t subscriber_count();

 private:
  struct Terminal {
    std::string agent_id;
    std::string name;
    event::Head head;
  };
  // An event under way: on which terminal, when, and its two parts.
  struct Draft {
    size_t terminal = 0;
    WallTime time;
    event::v1::PublicPart open;
    event::v1::PersonalPart personal;
  };

  void AddTerminals(size_t count);
  void PushPolicies();
  void ApproveStick();
  void TellPast();
  void TellToday();
  void CloseOldAlerts();
  void Beat();
  void Cover();
  Draft Begin(event::v1::EventKind kind, size_t terminal,
              std::chrono::minutes ago);
  void Plug(Draft& draft, size_t device);
  Draft RefusedStick();
  Draft Request(std::chrono::minutes ago);
  // Appends and indexes, with the clock where the event happened.
  void Tell(const Draft& draft);
  void Index();
  int64_t NewestAlert();

  const std::string dir_;
  StandingClock clock_;
  core::Changes changes_;
  core::Presence presence_{clock_};
  const event::ChainKeyPair keys_ = event::NewChainKeyPair();
  std::unique_ptr<store::Store> store_;
  std::unique_ptr<core::Publisher> publisher_;
  std::unique_ptr<core::Checkpoints> checkpoints_;
  std::unique_ptr<core::Containing> containing_;
  std::unique_ptr<core::Rollouts> rollouts_;
  std::unique_ptr<core::OfflineCodes> codes_;
  std::unique_ptr<auth::Accounts> accounts_;
  std::unique_ptr<core::Indexer> indexer_;
  std::unique_ptr<core::Desk> desk_;
  std::vector<Terminal> terminals_;
  std::vector<event::v1::Device> devices_;
  std::vector<std::string> users_;
  int blocked_ = 0;
};

}  // namespace sekisho::demo
