#include "server/desk.h"

#include <algorithm>

#include "common/text.h"
#include "server/auth/secrets.h"
#include "server/core/audit.h"
#include "server/core/requests.h"

namespace sekisho {
namespace {

using core::Caller;
using core::Page;
using core::Paging;

constexpr auto kTokenLife = std::chrono::hours(24);
constexpr auto kMaxTokenLife = std::chrono::days(7);
// 128 bits of the CA's fingerprint stand behind the dot of a token.
constexpr size_t kFingerprintDigits = 32;
constexpr size_t kMaxCommentBytes = 4096;

core::Session SessionOf(const store::StoredSession& stored) {
  core::Session session;
  session.csrf = stored.csrf;
  session.user = stored.user;
  session.role = stored.role;
  session.expire_time = stored.expire_time;
  session.must_set_password = stored.must_set_password;
  return session;
}

Status CheckAdmin(const Caller& caller) {
  if (caller.role != core::Role::kAdmin) {
    return Fail(Code::kPermissionDenied, "this needs the role admin");
  }
  return {};
}

// Writes what was done; a change that cannot be written down did not go well.
template <typename T>
Result<T> Written(store::Store& store, const Clock& clock, const Caller& caller,
                  const char* action, std::string object, std::string detail,
                  Result<T> result) {
  const Status status = result ? Status() : std::unexpected(result.error());
  RETURN_IF_ERROR(core::WriteAudit(store, clock,
                                   {.user = caller.user,
                                    .door = caller.door,
                                    .address = caller.address,
                                    .action = action,
                                    .object = std::move(object),
                                    .detail = std::move(detail)},
                                   status));
  return result;
}

class JoinedDesk final : public core::Desk {
 public:
  explicit JoinedDesk(DeskParts parts) : p_(std::move(parts)) {}

  Result<Page<core::Event>> ListEvents(const Caller&,
                                       const core::EventFilter& filter,
                                       const Paging& paging) override {
    return p_.store.ListEvents(filter, paging);
  }
  Result<core::Event> GetEvent(const Caller&, int64_t row_id) override {
    return p_.store.GetEvent(row_id);
  }
  Result<Page<core::Alert>> ListAlerts(const Caller&,
                                       const core::AlertFilter& filter,
                                       const Paging& paging) override {
    return p_.store.ListAlerts(filter, paging);
  }
  Result<core::Alert> UpdateAlert(const Caller& caller,
                                  const core::AlertChange& change) override;
  Result<Page<core::Device>> ListDevices(const Caller&,
                                         const core::DeviceFilter& filter,
                                         const Paging& paging) override {
    return p_.store.ListDevices(filter, paging, p_.clock.Now());
  }
  Result<int64_t> ApproveDevice(const Caller& caller,
                                const core::Approval& approval) override;
  Result<int64_t> RevokeDevice(const Caller& caller,
                               const std::string& device_id) override;
  Result<core::Alert> DecideRequest(
      const Caller& caller, const core::RequestDecision& decision) override;
  Result<Page<core::Agent>> ListAgents(const Caller&,
                                       const Paging& paging) override;
  Result<core::Agent> GetAgent(const Caller&,
                               const std::string& agent_id) override;
  Status RevokeAgent(const Caller& caller, const std::string& agent_id,
                     const std::string& reason) override;
  Status ApproveRenewal(const Caller& caller,
                        const std::string& agent_id) override;
  Result<core::Token> CreateToken(const Caller& caller,
                                  const core::NewToken& wish) override;
  Result<Page<core::PolicyVersion>> ListPolicyVersions(
      const Caller&, const Paging& paging) override {
    return p_.store.ListPolicies(paging);
  }
  Result<core::Pushed> PushPolicy(const Caller& caller, const std::string& text,
                                  const std::string& file_name,
                                  const std::string& comment) override;
  Result<core::Pushed> RollbackPolicy(const Caller& caller,
                                      int64_t version) override;
  Result<Page<core::AuditEntry>> ListAudit(const Caller& caller,
                                           const Paging& paging) override {
    RETURN_IF_ERROR(CheckAdmin(caller));
    return p_.store.ListAudit(paging);
  }
  Result<core::Session> LoginWithPassword(const std::string& user,
                                          const std::string& password,
                                          const std::string& address) override;
  Result<core::Session> LoginWithCode(const std::string& code,
                                      const std::string& address) override;
  Result<core::Session> FindSession(const std::string& token) override;
  Status Logout(const std::string& token) override;
  Status SetPassword(const std::string& session_token,
                     const std::string& password) override;
  Result<std::string> CreateLogin(const Caller& caller,
                                  const std::string& user) override;
  std::unique_ptr<core::Subscription> Subscribe(
      std::function<void(const core::Change&)> callback) override {
    return p_.changes.Subscribe(std::move(callback));
  }

 private:
  // Runs `work` if the caller is an admin; either way it is written down.
  template <typename T, typename Work>
  Result<T> AsAdmin(const Caller& caller, const char* action,
                    std::string object, std::string detail, Work work) {
    const Status may = CheckAdmin(caller);
    Result<T> result = may ? work() : std::unexpected(may.error());
    return Written<T>(p_.store, p_.clock, caller, action, std::move(object),
                      std::move(detail), std::move(result));
  }
  Result<core::Pushed> WrittenPush(const Caller& caller, const char* action,
                                   std::string object,
                                   Result<core::Pushed> pushed);
  Result<core::Session> WrittenLogin(const std::string& user,
                                     const std::string& address,
                                     const char* action,
                                     Result<auth::Login> login);
  Caller Of(const store::StoredSession& session) const {
    return {session.user, session.role, "console", ""};
  }

  DeskParts p_;
};

Result<core::Alert> JoinedDesk::UpdateAlert(const Caller& caller,
                                            const core::AlertChange& change) {
  static constexpr std::string_view kVerdicts[] = {"true_positive",
                                                   "false_positive", "benign"};
  const auto result = [&]() -> Result<core::Alert> {
    if (change.verdict &&
        std::ranges::find(kVerdicts, *change.verdict) == std::end(kVerdicts)) {
      return Fail(Code::kInvalidArgument,
                  "a verdict is one of true_positive, false_positive, benign");
    }
    if (change.comment.size() > kMaxCommentBytes ||
        !IsValidUtf8(change.comment) ||
        (change.assignee && change.assignee->size() > auth::kMaxUserBytes)) {
      return Fail(Code::kInvalidArgument,
                  "a comment is UTF-8 text of at most 4 KiB");
    }
    return p_.store.UpdateAlert(change, caller.user, p_.clock.Now());
  }();
  std::string detail;
  if (change.state) {
    detail += std::string("state=") + core::Name(*change.state) + " ";
  }
  if (change.assignee) {
    detail += "assignee=" + *change.assignee + " ";
  }
  if (change.verdict) {
    detail += "verdict=" + *change.verdict;
  }
  if (result) {
    p_.changes.Tell({core::Change::What::kAlert, change.alert_id, ""});
  }
  return Written<core::Alert>(p_.store, p_.clock, caller, "alert.update",
                              "alert " + std::to_string(change.alert_id),
                              detail, result);
}

Result<int64_t> JoinedDesk::ApproveDevice(const Caller& caller,
                                          const core::Approval& approval) {
  std::string detail = "access=" + approval.access;
  if (!approval.terminal.empty()) {
    detail += " terminal=" + approval.terminal;
  }
  if (approval.expire_time) {
    detail += " until=" + FormatUtc(*approval.expire_time);
  }
  detail += " owner=" + approval.owner + " purpose=" + approval.purpose +
            " ticket=" + approval.ticket;
  return AsAdmin<int64_t>(
      caller, "device.approve", "device " + approval.device_id, detail,
      [&]() -> Result<int64_t> {
        if (approval.access.empty()) {
          return Fail(Code::kInvalidArgument,
                      "access is one of block, read_only, inspect, audit, "
                      "full");
        }
        auto version = p_.publisher.ChangeApproval(caller.user, approval);
        if (version) {
          p_.changes.Tell({core::Change::What::kDevice, 0, approval.device_id});
        }
        return version;
      });
}

Result<int64_t> JoinedDesk::RevokeDevice(const Caller& caller,
                                         const std::string& device_id) {
  return AsAdmin<int64_t>(
      caller, "device.revoke", "device " + device_id, "", [&] {
        core::Approval none;
        none.device_id = device_id;
        auto version = p_.publisher.ChangeApproval(caller.user, none);
        if (version) {
          p_.changes.Tell({core::Change::What::kDevice, 0, device_id});
        }
        return version;
      });
}

Result<core::Alert> JoinedDesk::DecideRequest(
    const Caller& caller, const core::RequestDecision& decision) {
  const bool approve = decision.answer == core::RequestAnswer::kApprove;
  return AsAdmin<core::Alert>(
      caller, approve ? "request.approve" : "request.deny",
      "alert " + std::to_string(decision.alert_id), decision.reason,
      [&]() -> Result<core::Alert> {
        core::AlertFilter filter;
        filter.alert_id = decision.alert_id;
        filter.with_events = true;
        ASSIGN_OR_RETURN(const auto page, p_.store.ListAlerts(filter, {}));
        if (page.rows.empty()) {
          return Fail(Code::kNotFound, "there is no such request");
        }
        ASSIGN_OR_RETURN(core::Approval approval,
                         core::ApprovalFor(caller, page.rows.front(), decision,
                                           p_.clock.Now()));
        std::optional<core::Approval> given;
        if (approve) {
          // First what counts: a request left open is asked for again, an
          // approval that was written on the alert but never given is a lie.
          RETURN_IF_ERROR(ApproveDevice(caller, approval));
          given = std::move(approval);
        }
        auto alert = p_.store.UpdateAlert(core::ClosingOf(decision, given),
                                          caller.user, p_.clock.Now());
        p_.changes.Tell({core::Change::What::kAlert, decision.alert_id, ""});
        return alert;
      });
}

Result<Page<core::Agent>> JoinedDesk::ListAgents(const Caller&,
                                                 const Paging& paging) {
  ASSIGN_OR_RETURN(auto page, p_.store.ListAgents(paging));
  for (core::Agent& agent : page.rows) {
    agent.state = p_.presence.StateOf(agent);
  }
  return page;
}

Result<core::Agent> JoinedDesk::GetAgent(const Caller&,
                                         const std::string& agent_id) {
  ASSIGN_OR_RETURN(core::Agent agent, p_.store.GetAgent(agent_id));
  agent.state = p_.presence.StateOf(agent);
  return agent;
}

Status JoinedDesk::RevokeAgent(const Caller& caller,
                               const std::string& agent_id,
                               const std::string& reason) {
  return AsAdmin<void>(
      caller, "agent.revoke", "agent " + agent_id, reason, [&]() -> Status {
        RETURN_IF_ERROR(p_.store.RevokeAgent(
            agent_id, EscapeUntrusted(reason, 256), p_.clock.Now()));
        p_.presence.Revoke(agent_id);
        p_.cut(agent_id, "this agent was revoked");
        p_.changes.Tell({core::Change::What::kAgent, 0, agent_id});
        return {};
      });
}

Status JoinedDesk::ApproveRenewal(const Caller& caller,
                                  const std::string& agent_id) {
  return AsAdmin<void>(
      caller, "agent.approve_renewal", "agent " + agent_id, "",
      [&]() -> Status {
        RETURN_IF_ERROR(
            p_.store.ApproveRenewal(agent_id, caller.user, p_.clock.Now()));
        p_.changes.Tell({core::Change::What::kAgent, 0, agent_id});
        return {};
      });
}

Result<core::Token> JoinedDesk::CreateToken(const Caller& caller,
                                            const core::NewToken& wish) {
  const std::string object =
      wish.hostname.empty() ? "any host" : "host " + wish.hostname;
  return AsAdmin<core::Token>(
      caller, "agent.token", object, "terminal=" + wish.terminal,
      [&]() -> Result<core::Token> {
        const auto life =
            wish.ttl.count() == 0 ? std::chrono::seconds(kTokenLife) : wish.ttl;
        if (life.count() < 0 || life > kMaxTokenLife) {
          return Fail(Code::kInvalidArgument,
                      "a token lives at least a second and at most 7 days");
        }
        const auto fine = [](const std::string& name) {
          return name.size() <= 253 && std::ranges::all_of(name, [](char c) {
                   return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                          c == '_';
                 });
        };
        if (!fine(wish.hostname) || !fine(wish.terminal)) {
          return Fail(Code::kInvalidArgument,
                      "names are at most 253 of letters, digits and - . _");
        }
        core::Token token;
        const std::string secret = auth::NewSecret();
        token.token =
            secret + "." + p_.ca_fingerprint.substr(0, kFingerprintDigits);
        token.expire_time = p_.clock.Now() + life;
        store::StoredToken stored;
        stored.hash = auth::HashSecret(secret);
        stored.hostname = wish.hostname;
        stored.terminal = wish.terminal;
        stored.created_by = caller.user;
        stored.create_time = p_.clock.Now();
        stored.expire_time = token.expire_time;
        RETURN_IF_ERROR(p_.store.AddToken(stored));
        return token;
      });
}

Result<core::Pushed> JoinedDesk::WrittenPush(const Caller& caller,
                                             const char* action,
                                             std::string object,
                                             Result<core::Pushed> pushed) {
  Status status = pushed ? Status() : std::unexpected(pushed.error());
  std::string detail;
  if (pushed && !pushed->problems.empty()) {
    status =
        Fail(Code::kInvalidArgument, policy::Format(pushed->problems.front()));
  } else if (pushed) {
    detail = "version=" + std::to_string(pushed->version);
    p_.changes.Tell({core::Change::What::kPolicy, pushed->version, ""});
  }
  const Result<core::Pushed> noted = status ? std::move(pushed) : pushed;
  RETURN_IF_ERROR(core::WriteAudit(p_.store, p_.clock,
                                   {.user = caller.user,
                                    .door = caller.door,
                                    .address = caller.address,
                                    .action = action,
                                    .object = std::move(object),
                                    .detail = std::move(detail)},
                                   status));
  return noted;
}

Result<core::Pushed> JoinedDesk::PushPolicy(const Caller& caller,
                                            const std::string& text,
                                            const std::string& file_name,
                                            const std::string& comment) {
  const Status may = CheckAdmin(caller);
  return WrittenPush(
      caller, "policy.push", "policy " + file_name,
      may ? p_.publisher.PushPolicy(caller.user, text, file_name, comment)
          : std::unexpected(may.error()));
}

Result<core::Pushed> JoinedDesk::RollbackPolicy(const Caller& caller,
                                                int64_t version) {
  const Status may = CheckAdmin(caller);
  return WrittenPush(caller, "policy.rollback",
                     "policy version " + std::to_string(version),
                     may ? p_.publisher.Rollback(caller.user, version)
                         : std::unexpected(may.error()));
}

Result<core::Session> JoinedDesk::WrittenLogin(const std::string& user,
                                               const std::string& address,
                                               const char* action,
                                               Result<auth::Login> login) {
  const Caller caller{login ? login->session.user : user, core::Role::kAnalyst,
                      "console", address};
  ASSIGN_OR_RETURN(const auth::Login made,
                   Written<auth::Login>(p_.store, p_.clock, caller, action, "",
                                        "", std::move(login)));
  core::Session session = SessionOf(made.session);
  session.token = made.token;
  return session;
}

Result<core::Session> JoinedDesk::LoginWithPassword(
    const std::string& user, const std::string& password,
    const std::string& address) {
  return WrittenLogin(user, address, "login.password",
                      p_.accounts.LoginWithPassword(user, password, address));
}

Result<core::Session> JoinedDesk::LoginWithCode(const std::string& code,
                                                const std::string& address) {
  return WrittenLogin("", address, "login.code",
                      p_.accounts.LoginWithCode(code, address));
}

Result<core::Session> JoinedDesk::FindSession(const std::string& token) {
  ASSIGN_OR_RETURN(const auto stored, p_.accounts.FindSession(token));
  return SessionOf(stored);
}

Status JoinedDesk::Logout(const std::string& token) {
  ASSIGN_OR_RETURN(const auto stored, p_.accounts.FindSession(token));
  return Written<void>(p_.store, p_.clock, Of(stored), "logout", "", "",
                       p_.accounts.Logout(token));
}

Status JoinedDesk::SetPassword(const std::string& session_token,
                               const std::string& password) {
  ASSIGN_OR_RETURN(const auto stored, p_.accounts.FindSession(session_token));
  return Written<void>(p_.store, p_.clock, Of(stored), "password.set",
                       "user " + stored.user, "",
                       p_.accounts.SetPassword(session_token, password));
}

Result<std::string> JoinedDesk::CreateLogin(const Caller& caller,
                                            const std::string& user) {
  return AsAdmin<std::string>(caller, "login.create", "user " + user, "",
                              [&] { return p_.accounts.CreateLogin(user); });
}

}  // namespace

std::unique_ptr<core::Desk> MakeDesk(DeskParts parts) {
  return std::make_unique<JoinedDesk>(std::move(parts));
}

core::ExportGate MakeExportGate(store::Store& store, const Clock& clock) {
  using Agents = std::vector<core::Agent>;
  return [&store, &clock](const Caller& caller,
                          const std::string& agent_id) -> Result<Agents> {
    const auto agents = [&]() -> Result<Agents> {
      RETURN_IF_ERROR(CheckAdmin(caller));
      if (agent_id.empty()) {
        return store.AllAgents();
      }
      ASSIGN_OR_RETURN(core::Agent agent, store.GetAgent(agent_id));
      return Agents{std::move(agent)};
    }();
    return Written<Agents>(
        store, clock, caller, "event.export",
        agent_id.empty() ? "all agents" : "agent " + agent_id, "", agents);
  };
}

}  // namespace sekisho
