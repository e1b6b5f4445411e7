// A desk in memory with a small, fixed world: one call centre's terminals,
// devices, alerts and hostile names. For tests of the web server and, behind a
// port, for the browser tests.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "server/core/queries.h"

namespace sekisho::web {

// Text a device or a file may carry to hurt a console.
inline constexpr char kHostileProduct[] =
    "<img src=x onerror=window.hacked=1>\x1b[2J";
inline constexpr char kHostileFile[] =
    "/home/op01/=cmd|'C calc'!A1\"><svg onload=window.hacked=1>\n.csv";

class FakeDesk final : public core::Desk {
 public:
  FakeDesk();

  // ---- what a test asks for ----
  std::string AddLoginCode(const std::string& user);
  void AddUser(const std::string& user, const std::string& password,
               core::Role role);
  // A copy of 1,500 people's data is stopped: event and alert, told at once.
  int64_t AddBlockedTransfer();
  void EndSessions();
  size_t subscriber_count();

  // ---- core::Desk ----
  Result<core::Page<core::Event>> ListEvents(
      const core::Caller& caller, const core::EventFilter& filter,
      const core::Paging& paging) override;
  Result<core::Event> GetEvent(const core::Caller& caller,
                               int64_t row_id) override;
  Result<core::Page<core::Alert>> ListAlerts(
      const core::Caller& caller, const core::AlertFilter& filter,
      const core::Paging& paging) override;
  Result<core::Alert> UpdateAlert(const core::Caller& caller,
                                  const core::AlertChange& change) override;
  Result<core::Page<core::Device>> ListDevices(
      const core::Caller& caller, const core::DeviceFilter& filter,
      const core::Paging& paging) override;
  Result<int64_t> ApproveDevice(const core::Caller& caller,
                                const core::Approval& approval) override;
  Result<int64_t> RevokeDevice(const core::Caller& caller,
                               const std::string& device_id) override;
  Result<core::Alert> DecideRequest(
      const core::Caller& caller,
      const core::RequestDecision& decision) override;
  Result<core::Page<core::Agent>> ListAgents(
      const core::Caller& caller, const core::Paging& paging) override;
  Result<core::Agent> GetAgent(const core::Caller& caller,
                               const std::string& agent_id) override;
  Status RevokeAgent(const core::Caller& caller, const std::string& agent_id,
                     const std::string& reason) override;
  Status ApproveRenewal(const core::Caller& caller,
                        const std::string& agent_id) override;
  Result<core::Token> CreateToken(const core::Caller& caller,
                                  const core::NewToken& wish) override;
  Result<core::Page<core::PolicyVersion>> ListPolicyVersions(
      const core::Caller& caller, const core::Paging& paging) override;
  Result<core::Pushed> PushPolicy(const core::Caller& caller,
                                  const std::string& text,
                                  const std::string& file_name,
                                  const std::string& comment) override;
  Result<core::Pushed> RollbackPolicy(const core::Caller& caller,
                                      int64_t version) override;
  Result<core::Page<core::AuditEntry>> ListAudit(
      const core::Caller& caller, const core::Paging& paging) override;
  Result<core::Session> LoginWithPassword(const std::string& user,
                                          const std::string& password,
                                          const std::string& address) override;
  Result<core::Session> LoginWithCode(const std::string& code,
                                      const std::string& address) override;
  Result<core::Session> FindSession(const std::string& token) override;
  Status Logout(const std::string& token) override;
  Status SetPassword(const std::string& session_token,
                     const std::string& password) override;
  Result<std::string> CreateLogin(const core::Caller& caller,
                                  const std::string& user) override;
  std::unique_ptr<core::Subscription> Subscribe(
      std::function<void(const core::Change&)> callback) override;

 private:
  friend class FakeSubscription;
  struct User {
    std::string password;
    core::Role role = core::Role::kAnalyst;
  };

  void BuildDevices();
  void BuildAgents();
  void BuildAlerts();
  core::Event& AddEvent(event::v1::EventKind kind, size_t agent,
                        std::chrono::minutes ago);
  void AddAlert(const core::Event& event, const std::string& kind,
                const std::string& severity, const std::string& title);
  core::Session MakeSession(const std::string& user, bool must_set_password);
  void Unsubscribe(int id);
  void Tell(const core::Change& change);

  std::mutex mutex_;  // guards everything below
  std::map<std::string, User> users_;
  std::map<std::string, std::string> codes_;  // code -> user
  std::map<std::string, core::Session> sessions_;
  std::vector<core::Event> events_;
  std::vector<core::Alert> alerts_;
  std::vector<core::Device> devices_;
  std::vector<core::Agent> agents_;
  std::vector<core::PolicyVersion> policies_;
  std::map<int, std::function<void(const core::Change&)>> subscribers_;
  int next_id_ = 1;
};

}  // namespace sekisho::web
