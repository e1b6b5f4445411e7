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
#include "server/store/rows.h"

namespace sekisho::core {

// The rows themselves, with their comments: server/store/rows.h.
using store::Agent;
using store::AgentState;
using store::Alert;
using store::AlertChange;
using store::AlertComment;
using store::AlertFilter;
using store::AlertState;
using store::Approval;
using store::AuditEntry;
using store::Device;
using store::DeviceFilter;
using store::Event;
using store::EventFilter;
using store::kDefaultPageSize;
using store::kMaxPageSize;
using store::Name;
using store::Page;
using store::Paging;
using store::PolicyVersion;
using store::RenewalState;
using store::Role;

// Who asks. Made by the door he came through, never from a request's field.
struct Caller {
  std::string user;  // "tanaka"; "root (tanaka)" on the admin socket
  Role role = Role::kAnalyst;
  std::string door;     // "console", "socket"
  std::string address;  // peer's address, for the audit log; may be empty
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

// ---- requests for approval ----

enum class RequestAnswer { kApprove, kDeny };
enum class RequestScope { kThisTerminal, kEveryTerminal };

struct RequestDecision {
  int64_t alert_id = 0;  // of kind "approval_request"
  RequestAnswer answer = RequestAnswer::kDeny;
  std::string access = "inspect";
  std::optional<int64_t> seconds;  // unset = as asked for; at most 30 days
  RequestScope scope = RequestScope::kThisTerminal;
  std::string reason;  // needed to deny
};

// ---- policy ----

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
  // Admin only, and never on a request of his own. Approves the device as
  // asked, or refuses, and closes the alert. The alert as it is then.
  virtual Result<Alert> DecideRequest(const Caller& caller,
                                      const RequestDecision& decision) = 0;

  // By terminal.
  virtual Result<Page<Agent>> ListAgents(const Caller& caller,
                                         const Paging& paging) = 0;
  virtual Result<Agent> GetAgent(const Caller& caller,
                                 const std::string& agent_id) = 0;
  // Admin only. Ends its certificate and cuts its stream.
  virtual Status RevokeAgent(const Caller& caller, const std::string& agent_id,
                             const std::string& reason) = 0;
  // Admin only. Lets a terminal whose certificate has expired renew it once.
  // kFailedPrecondition: it does not ask.
  virtual Status ApproveRenewal(const Caller& caller,
                                const std::string& agent_id) = 0;
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

// Admin only: the agents (empty id = all) whose raw records are about to leave
// the server; writes that to the audit log.
using ExportGate = std::function<Result<std::vector<Agent>>(
    const Caller& caller, const std::string& agent_id)>;

}  // namespace sekisho::core
