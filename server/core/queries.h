// What people may ask and do: the one door for the console, the JSON API and
// the admin socket. Every change is written to the audit log with its caller
// and its result, also when it is refused. Thread-safe: callable from any
// thread; calls block on the store (milliseconds), so never from a loop thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "policy/parser.h"
#include "sekisho/event/v1/event.pb.h"

namespace sekisho::core {

inline constexpr int kDefaultPageSize = 100;
inline constexpr int kMaxPageSize = 1000;

enum class Role { kAnalyst, kAdmin };  // admin may all that analyst may
const char* Name(Role role);           // "analyst", "admin"

// Who asks. Made by the door he came through, never from a request's field.
struct Caller {
  std::string user;  // "tanaka"; "uid:0" on the admin socket
  Role role = Role::kAnalyst;
  std::string door;     // "console", "socket"
  std::string address;  // peer's address, for the audit log; may be empty
};

// `token` of a page is opaque; empty = first page. `size` 0 = default.
struct Paging {
  int size = 0;
  std::string token;
};
template <typename T>
struct Page {
  std::vector<T> rows;
  std::string next_token;  // empty = last page
};

// ---- events ----

struct Event {
  int64_t row_id = 0;  // rises in the order of commit
  std::string agent_id;
  std::string terminal;
  WallTime receive_time;  // server's clock at commit
  std::string hash_hex;
  std::string device_id;  // "vid:pid:serial" escaped; empty = no device
  event::v1::PublicPart public_part;
  event::v1::PersonalPart personal_part;  // empty when erased
};

struct EventFilter {
  std::string agent_id;
  std::string terminal;
  std::string person;
  std::string device_id;
  std::vector<event::v1::EventKind> kinds;   // any of; empty = all
  std::vector<event::v1::Outcome> outcomes;  // any of; empty = all
  std::optional<WallTime> from, to;          // receive time, [from, to)
  // Set: only rows after this one, oldest first (to follow). Unset: newest
  // first.
  std::optional<int64_t> after_row_id;
};

// ---- agents ----

enum class AgentState { kEnrolled, kConnected, kSilent, kRevoked };
const char* Name(AgentState state);

struct Agent {
  std::string agent_id;
  std::string terminal;
  std::string hostname;                      // as it says now
  AgentState state = AgentState::kEnrolled;  // kEnrolled: never connected
  std::string agent_version;
  std::string mode;        // "observe", "enforce"; empty = no heartbeat yet
  std::string gate_state;  // "full", "degraded", "unsupported"
  bool core_alive = true;
  int64_t policy_version = 0;
  std::optional<WallTime> last_seen_time;
  int64_t acked_sequence = 0;
  int64_t head_sequence = 0;  // of its own chain, as its heartbeat says
  int64_t spooled_count = 0;
  WallTime enrol_time;
  std::string revoke_reason;
};

struct NewToken {
  std::string hostname;         // empty = any host
  std::string terminal;         // empty = its host name
  std::chrono::seconds ttl{0};  // 0 = 24 h; at most 7 days
};
struct Token {
  std::string token;  // shown once, stored hashed
  WallTime expire_time;
};

// ---- devices ----

struct Device {
  std::string device_id;
  event::v1::Device facts;  // of its newest event
  std::string last_terminal;
  std::string last_person;
  WallTime first_seen_time;
  WallTime last_seen_time;
  std::string last_access;  // newest decision: "block", "inspect"...
  int64_t event_count = 0;
  bool weak_identity = false;  // empty, default or repeated serial
  // Approval in force; access empty = none.
  std::string approved_access;
  std::string approved_terminal;  // empty = every terminal
  std::string approved_by;
  std::optional<WallTime> approve_time;
  std::optional<WallTime> expire_time;
  std::string owner, purpose, ticket;
};

struct DeviceFilter {
  std::string device_id;
  std::string terminal;  // seen there last
  bool only_approved = false;
  bool only_unapproved = false;
};

struct Approval {
  std::string device_id;
  std::string access;    // access word of the contract
  std::string terminal;  // empty = every terminal
  std::optional<WallTime> expire_time;
  std::string owner, purpose, ticket;
};

// ---- alerts ----

enum class AlertState {
  kNew = 1,
  kAcknowledged = 2,
  kInProgress = 3,
  kClosed = 4
};
const char* Name(AlertState state);  // "new", "acknowledged", "in_progress"...

struct AlertComment {
  WallTime time;
  std::string author;
  std::string text;
};

struct Alert {
  int64_t alert_id = 0;
  std::string kind;      // "transfer_blocked", "terminal_silent", "tamper"...
  std::string severity;  // "low", "medium", "high", "critical"
  AlertState state = AlertState::kNew;
  std::string title;  // one plain sentence, English; shown text is escaped
  std::string agent_id;
  std::string terminal;
  std::string person;
  std::string device_id;
  WallTime create_time;
  WallTime update_time;
  int64_t event_row_id = 0;  // 0 = none (silence)
  // What the alert was about is over by itself (terminal is back).
  std::optional<WallTime> resolve_time;
  std::string assignee;
  std::string verdict;  // when closed: "true_positive", "false_positive",
                        // "benign"
  std::vector<AlertComment> comments;  // newest last
  std::optional<Event> event;          // when asked for
};

struct AlertFilter {
  std::vector<AlertState> states;  // any of; empty = all
  std::string severity, kind, terminal, assignee;
  int64_t alert_id = 0;  // 0 = all
  bool with_events = false;
};

struct AlertChange {
  int64_t alert_id = 0;
  std::optional<AlertState> state;      // closing needs a verdict
  std::optional<std::string> assignee;  // "" takes it away
  std::optional<std::string> verdict;
  std::string comment;  // empty = none
};

// ---- policy ----

struct PolicyVersion {
  int64_t version = 0;
  WallTime push_time;
  std::string author;
  std::string comment;
  std::string file_name;
  std::string mode;  // "observe", "enforce"
  std::string text;
};

struct Pushed {
  int64_t version = 0;
  int agent_count = 0;  // connected agents told
  // Why it was refused, with line and column; then version is 0 and nothing
  // changed. Empty when it was pushed.
  std::vector<policy::Problem> problems;
};

// ---- users, sessions, audit ----

struct Session {
  std::string token;  // secret; for a cookie. Stored hashed
  std::string csrf;   // to be sent back in a header with each change
  std::string user;
  Role role = Role::kAnalyst;
  WallTime expire_time;
  // He came with a one-time code: every call but SetPassword is refused.
  bool must_set_password = false;
};

struct AuditEntry {
  int64_t row_id = 0;
  WallTime time;
  std::string user;
  std::string door;
  std::string address;
  std::string action;  // "policy.push", "device.approve", "enrol.refused"...
  std::string object;  // "device 1234:5678:X"
  std::string result;  // "ok" or the error's message
  std::string detail;
};

// ---- live changes ----

struct Change {
  enum class What { kEvent, kAlert, kDevice, kAgent, kPolicy };
  What what = What::kEvent;
  int64_t row_id = 0;  // of the event or alert, or the policy's version
  std::string id;      // of the device or agent
};

// Ends the subscription when destroyed; no callback runs after that.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

class Desk {
 public:
  virtual ~Desk() = default;

  virtual Result<Page<Event>> ListEvents(const Caller& caller,
                                         const EventFilter& filter,
                                         const Paging& paging) = 0;
  virtual Result<Event> GetEvent(const Caller& caller, int64_t row_id) = 0;

  // Alerts newest first.
  virtual Result<Page<Alert>> ListAlerts(const Caller& caller,
                                         const AlertFilter& filter,
                                         const Paging& paging) = 0;
  // kFailedPrecondition: closing without a verdict, or a closed alert.
  virtual Result<Alert> UpdateAlert(const Caller& caller,
                                    const AlertChange& change) = 0;

  // Devices ever seen, newest first.
  virtual Result<Page<Device>> ListDevices(const Caller& caller,
                                           const DeviceFilter& filter,
                                           const Paging& paging) = 0;
  // Admin only. Replaces an earlier approval of the device and pushes the
  // device list; returns the list's version.
  virtual Result<int64_t> ApproveDevice(const Caller& caller,
                                        const Approval& approval) = 0;
  virtual Result<int64_t> RevokeDevice(const Caller& caller,
                                       const std::string& device_id) = 0;

  // By terminal.
  virtual Result<Page<Agent>> ListAgents(const Caller& caller,
                                         const Paging& paging) = 0;
  virtual Result<Agent> GetAgent(const Caller& caller,
                                 const std::string& agent_id) = 0;
  // Admin only. Ends its certificate and cuts its stream.
  virtual Status RevokeAgent(const Caller& caller, const std::string& agent_id,
                             const std::string& reason) = 0;
  virtual Result<Token> CreateToken(const Caller& caller,
                                    const NewToken& wish) = 0;

  // Versions newest first, with their text.
  virtual Result<Page<PolicyVersion>> ListPolicyVersions(
      const Caller& caller, const Paging& paging) = 0;
  // Admin only. A text with problems is not an error of the call: see Pushed.
  virtual Result<Pushed> PushPolicy(const Caller& caller,
                                    const std::string& text,
                                    const std::string& file_name,
                                    const std::string& comment) = 0;
  // Pushes the text of an older version as a new one.
  virtual Result<Pushed> RollbackPolicy(const Caller& caller,
                                        int64_t version) = 0;

  // Newest first. Admin only.
  virtual Result<Page<AuditEntry>> ListAudit(const Caller& caller,
                                             const Paging& paging) = 0;

  // kUnauthenticated without saying whether name or password was wrong;
  // kResourceExhausted after too many wrong tries. `address` is the peer's.
  virtual Result<Session> LoginWithPassword(const std::string& user,
                                            const std::string& password,
                                            const std::string& address) = 0;
  // The code of `sekisho login NAME`; usable once, within an hour.
  virtual Result<Session> LoginWithCode(const std::string& code,
                                        const std::string& address) = 0;
  // The session of a cookie; `csrf` is filled, `token` is empty.
  // kUnauthenticated: unknown, ended or idle too long.
  virtual Result<Session> FindSession(const std::string& token) = 0;
  virtual Status Logout(const std::string& token) = 0;
  // Of the session's own user, at least 12 characters. Ends his other sessions.
  virtual Status SetPassword(const std::string& session_token,
                             const std::string& password) = 0;
  // Admin only. Makes the user (as admin) if he is not there.
  virtual Result<std::string> CreateLogin(const Caller& caller,
                                          const std::string& user) = 0;

  // `callback` runs on the server's own thread and must not block or call the
  // desk: it hands the change on. Changes are hints; what they name is read
  // through the desk.
  virtual std::unique_ptr<Subscription> Subscribe(
      std::function<void(const Change&)> callback) = 0;
};

}  // namespace sekisho::core
