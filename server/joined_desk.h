// The joined desk, behind the guard that asks for roles (guarded_desk.h). Its
// members, which desk.cc (alerts, devices, agents),
// desk_people.cc (policy, logins), desk_scope.cc (what a scope sees),
// desk_searches.cc, desk_upgrades.cc
// (upgrades, unlocks), desk_contain.cc, desk_code.cc, desk_rollout.cc,
// desk_register.cc (people at shared accounts) and desk_report.cc (register of
// terminals, coverage, inquiries) share between them.
#pragma once

#include <mutex>

#include "server/core/around.h"
#include "server/core/audit.h"
#include "server/core/device_story.h"
#include "server/core/medium_contents.h"
#include "server/core/overview.h"
#include "server/core/person_searches.h"
#include "server/core/policy_lab.h"
#include "server/core/unlocks.h"
#include "server/desk.h"

namespace sekisho {

using core::Caller;
using core::Page;
using core::Paging;

// Writes what was done, and how it went.
inline Status Note(store::Store& store, const Clock& clock,
                   const Caller& caller, const char* action, std::string object,
                   std::string detail, const Status& status) {
  return core::WriteAudit(store, clock,
                          {.user = caller.user,
                           .door = caller.door,
                           .address = caller.address,
                           .action = action,
                           .object = std::move(object),
                           .detail = std::move(detail)},
                          status);
}

// A change that cannot be written down did not go well.
template <typename T>
Result<T> Written(store::Store& store, const Clock& clock, const Caller& caller,
                  const char* action, std::string object, std::string detail,
                  Result<T> result) {
  const Status status = result ? Status() : std::unexpected(result.error());
  RETURN_IF_ERROR(Note(store, clock, caller, action, std::move(object),
                       std::move(detail), status));
  return result;
}

// The filter for what the caller sees, whatever it said before.
template <typename Filter>
Filter Seen(const Caller& caller, Filter filter) {
  filter.scope = caller.scope;
  return filter;
}

// As it is shown to the caller: what its title says of another terminal, which
// he may not see, is left out.
void HideOthers(const Caller& caller, core::Alert& alert);

// kInvalidArgument: empty, too long or no UTF-8.
Status CheckReason(const std::string& reason);

// kInvalidArgument, naming those that there are.
Status CheckVerdict(const std::string& verdict);

// Names a session to people, opens nothing.
std::string SessionIdOf(const store::SecretHash& hash);

class JoinedDesk final : public core::Desk {
 public:
  explicit JoinedDesk(DeskParts parts)
      : p_(std::move(parts)), overview_(p_.store, p_.presence) {}

  WallTime Now() const override { return p_.clock.Now(); }
  Result<core::Overview> GetOverview(
      const Caller& caller, const core::OverviewQuery& query) override {
    return overview_.Read(p_.clock.Now(), caller.scope, query);
  }
  Result<Page<core::Event>> ListEvents(const Caller& caller,
                                       const core::EventFilter& filter,
                                       const Paging& paging) override;
  Result<core::Event> GetEvent(const Caller& caller, int64_t row_id) override;
  Result<std::string> GetSamples(const Caller& caller, int64_t row_id) override;
  Result<Page<core::Alert>> ListAlerts(const Caller& caller,
                                       const core::AlertFilter& filter,
                                       const Paging& paging) override;
  Result<std::vector<core::AlertGroup>> GroupAlerts(
      const Caller& caller, const core::AlertFilter& filter,
      core::AlertGroupBy by) override {
    return p_.store.GroupAlerts(Seen(caller, filter), by);
  }
  Result<core::BulkResult> UpdateAlerts(
      const Caller& caller, const std::vector<int64_t>& ids,
      const core::AlertChange& change) override;
  Result<core::AlertCount> CountAlerts(
      const Caller& caller, const core::AlertFilter& filter) override {
    return p_.store.CountAlerts(Seen(caller, filter));
  }
  Result<core::MatchingStep> UpdateMatchingAlerts(
      const Caller& caller, const core::MatchingAlerts& which,
      const core::AlertChange& change) override;
  Result<std::vector<core::KeptSearch>> ListSearches(
      const Caller& caller) override;
  Result<core::KeptSearch> SaveSearch(const Caller& caller,
                                      const core::SavedSearch& wish) override;
  Result<core::KeptSearch> ChangeSearch(const Caller& caller, int64_t id,
                                        const core::SearchWish& wish) override;
  Result<core::KeptSearch> ShareSearch(const Caller& caller, int64_t id,
                                       core::Sharing sharing) override;
  Status RemoveSearch(const Caller& caller, int64_t id) override;
  Result<core::Around> GetAround(const Caller& caller, int64_t alert_id,
                                 const std::string& zone) override;
  Result<core::Alert> UpdateAlert(const Caller& caller,
                                  const core::AlertChange& change) override;
  Result<Page<core::Case>> ListCases(const Caller& caller,
                                     const core::CaseFilter& filter,
                                     const Paging& paging) override {
    return p_.store.ListCases(Seen(caller, filter), paging);
  }
  Result<core::CaseStory> GetCase(const Caller& caller, int64_t id) override;
  Result<core::Case> OpenCase(const Caller& caller,
                              const core::CaseWish& wish) override;
  Result<core::Case> ChangeCase(const Caller& caller,
                                const core::CaseChange& change) override;
  Result<core::Case> CloseCase(const Caller& caller,
                               const core::CaseClosing& closing) override;
  Result<core::Case> ReopenCase(const Caller& caller, int64_t id,
                                const std::string& reason) override;
  Result<core::Case> PlaceHold(const Caller& caller, int64_t id,
                               const std::string& reason) override;
  Result<core::Case> LiftHold(const Caller& caller, int64_t id,
                              const std::string& reason) override;
  Result<Page<core::Review>> ListReviews(const Caller& caller,
                                         const core::ReviewFilter& filter,
                                         const Paging& paging) override;
  Result<core::ReviewStory> GetReview(const Caller& caller,
                                      int64_t id) override;
  Result<core::OpenedItem> OpenReviewItem(const Caller& caller,
                                          int64_t review_id,
                                          int64_t item_no) override;
  Result<core::Review> JudgeReviewItem(
      const Caller& caller, const core::ReviewVerdict& verdict) override;
  Result<core::Review> SignReview(const Caller& caller, int64_t review_id,
                                  const std::string& note) override;
  Result<core::ReviewStatement> GetReviewStatement(const Caller& caller,
                                                   WallTime from,
                                                   WallTime to) override;
  Result<std::vector<core::VerdictCount>> ListVerdicts(const Caller& caller,
                                                       WallTime from,
                                                       WallTime to) override;
  Result<std::vector<core::Suppression>> ListSuppressions(
      const Caller& caller, core::WhichSuppressions which) override;
  Result<core::Suppression> Suppress(const Caller& caller,
                                     const core::Suppression& wish) override;
  Result<core::Suppression> EndSuppression(const Caller& caller, int64_t id,
                                           const std::string& reason) override;
  Result<Page<core::Device>> ListDevices(const Caller&,
                                         const core::DeviceFilter& filter,
                                         const Paging& paging) override {
    return p_.store.ListDevices(filter, paging, p_.clock.Now());
  }
  Result<int64_t> ApproveDevice(const Caller& caller,
                                const core::Approval& approval) override;
  Result<int64_t> RevokeDevice(const Caller& caller,
                               const std::string& device_id) override;
  Result<core::DeviceStory> GetDeviceStory(const Caller&,
                                           const std::string& device_id,
                                           const std::string& zone) override {
    ASSIGN_OR_RETURN(const auto found, core::ZoneOf(zone));
    return core::ReadDeviceStory(p_.store, device_id, p_.clock.Now(), found);
  }
  Result<core::DeviceContents> GetDeviceContents(
      const Caller&, const std::string& device_id) override {
    return core::ReadDeviceContents(p_.store, device_id, p_.clock.Now());
  }
  Status ConfirmDevice(const Caller& caller,
                       const core::Confirmation& confirmation) override;
  Result<int64_t> MarkLost(const Caller& caller,
                           const core::LostMark& mark) override;
  Result<int64_t> ClearLost(const Caller& caller, const std::string& device_id,
                            const std::string& note) override;
  Result<core::Alert> DecideRequest(
      const Caller& caller, const core::RequestDecision& decision) override;
  Result<std::vector<core::TransferGrant>> ListGrants(
      const Caller& caller, core::WhichGrants which) override {
    return p_.store.ListGrants(which, caller.scope);
  }
  Result<core::TransferGrant> RevokeGrant(const Caller& caller,
                                          int64_t grant_id,
                                          const std::string& reason) override;
  Result<core::SpokenCode> IssueCode(const Caller& caller,
                                     const core::CodeWish& wish) override;
  Result<std::vector<core::OfflineCode>> ListCodes(
      const Caller& caller, core::WhichGrants which) override {
    return p_.store.ListCodes(which, caller.scope);
  }
  Result<core::OfflineCode> RevokeCode(const Caller& caller, int64_t code_id,
                                       const std::string& reason) override;
  Result<Page<core::Agent>> ListAgents(const Caller& caller,
                                       const Paging& paging) override;
  Result<core::Agent> GetAgent(const Caller& caller,
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
  Result<core::CheckedPolicy> CheckPolicy(const Caller&,
                                          const std::string& text) override {
    return core::CheckPolicyText(text);
  }
  Result<core::PolicyAnswer> ExplainPolicy(
      const Caller&, const core::PolicyQuestion& question) override {
    return core::AnswerQuestion(p_.store, question, p_.clock.Now());
  }
  Result<core::PolicyTrial> TryPolicy(const Caller&, const std::string& text,
                                      WallTime from, WallTime to) override {
    return core::TryOnHistory(p_.store, text, from, to);
  }
  Result<core::Pushed> PushPolicy(const Caller& caller, const std::string& text,
                                  const std::string& file_name,
                                  const std::string& comment,
                                  core::PushHow how) override;
  Result<core::Pushed> RollbackPolicy(const Caller& caller,
                                      int64_t version) override;
  Result<core::RolloutStatus> GetRollout(const Caller&) override {
    return p_.rollouts.GetStatus();
  }
  Result<core::RolloutStatus> ChangeRollout(const Caller& caller,
                                            core::RolloutAct act,
                                            const std::string& reason) override;
  Result<core::RingsText> GetRings(const Caller&) override {
    return p_.store.GetRings();
  }
  Result<std::vector<policy::Problem>> SetRings(
      const Caller& caller, const std::string& text) override;
  Result<core::Pushed> PushUpgrade(const Caller& caller,
                                   const std::string& manifest) override;
  Status AskUnlock(const Caller& caller, const core::UnlockWish& wish) override;
  Result<core::Unlocked> ConfirmUnlock(const Caller& caller,
                                       const std::string& agent_id) override;
  Result<core::ContainmentStatus> Contain(
      const Caller& caller, const core::ContainWish& wish) override;
  Result<std::vector<core::ContainmentStatus>> ListContainments(
      const Caller& caller, core::Contained which) override {
    return p_.containing.List(which, caller.scope);
  }
  Status AskExtension(const Caller& caller, int64_t containment_id,
                      std::chrono::seconds length,
                      const std::string& reason) override;
  Result<core::ContainmentStatus> AgreeExtension(
      const Caller& caller, int64_t containment_id) override;
  Result<core::ContainmentStatus> LiftContainment(
      const Caller& caller, int64_t containment_id,
      const std::string& reason) override;
  Result<core::RegisterImport> PreviewRegister(const Caller& caller,
                                               const std::string& csv) override;
  Result<core::RegisterImport> ImportRegister(const Caller& caller,
                                              const std::string& csv) override;
  Result<Page<core::TerminalRow>> ListTerminals(const Caller& caller, int days,
                                                const Paging& paging) override;
  Result<std::vector<core::SiteOutage>> ListSiteOutages(
      const Caller& caller) override;
  Result<Page<core::PersonRow>> ListPeople(const Caller& caller,
                                           const std::string& text,
                                           const Paging& paging) override;
  Result<core::RegisterImport> PreviewPeople(
      const Caller& caller, const core::PeopleFile& file) override;
  Result<core::RegisterImport> ImportPeople(
      const Caller& caller, const core::PeopleFile& file) override;
  Result<core::MadePin> MakePin(const Caller& caller,
                                const std::string& person) override;
  Result<core::TotpSecret> MakePersonTotp(const Caller& caller,
                                          const std::string& person) override;
  Status RemovePerson(const Caller& caller, const std::string& person,
                      const std::string& reason) override;
  Result<std::vector<core::SinkHealth>> ListSinks(const Caller&) override {
    return p_.sinks ? p_.sinks() : std::vector<core::SinkHealth>();
  }
  Result<std::vector<core::DataSetRow>> ListDataSets(
      const Caller& caller) override;
  Result<core::DataSetRow> PutDataSet(const Caller& caller,
                                      const std::string& bytes) override;
  Status RemoveDataSet(const Caller& caller, const std::string& id,
                       const std::string& reason) override;
  Result<core::Inquiry> RunInquiry(const Caller& caller,
                                   const core::InquiryWish& wish) override;
  Result<Page<core::Inquiry>> ListInquiries(const Caller& caller,
                                            const Paging& paging) override;
  Result<core::Inquiry> GetInquiry(const Caller& caller, int64_t id) override;
  Result<Page<core::AuditEntry>> ListAudit(const Caller&,
                                           const core::AuditFilter& filter,
                                           const Paging& paging) override {
    return p_.store.ListAudit(filter, paging);
  }
  Result<std::vector<core::User>> ListUsers(const Caller&) override {
    return p_.store.ListUsers();
  }
  Result<std::string> AddUser(const Caller& caller, const std::string& user,
                              core::Roles roles,
                              const core::Scope& scope) override;
  Status SetScope(const Caller& caller, const std::string& user,
                  const core::Scope& scope) override;
  Status LinkPerson(const Caller& caller, const std::string& user,
                    const std::string& person) override;
  Status SetRoles(const Caller& caller, const std::string& user,
                  core::Roles roles) override;
  Status DisableUser(const Caller& caller, const std::string& user,
                     const std::string& reason) override;
  Status EnableUser(const Caller& caller, const std::string& user) override;
  Status ResetTotp(const Caller& caller, const std::string& user,
                   const std::string& reason) override;
  Status MoveToProvider(const Caller& caller, const std::string& user,
                        const std::string& reason) override;
  Result<std::vector<core::SessionRow>> ListSessions(
      const Caller& caller) override;
  Status EndSession(const Caller& caller, const std::string& id) override;
  Result<std::vector<core::SessionRow>> ListMySessions(
      const Caller& caller) override;
  Status EndMySession(const Caller& caller, const std::string& id) override;
  Result<std::vector<core::ApiToken>> ListApiTokens(const Caller&) override {
    return p_.store.ListApiTokens("");
  }
  Result<core::MadeApiToken> AddApiToken(
      const Caller& caller, const core::ApiTokenWish& wish) override;
  Status RevokeApiToken(const Caller& caller, int64_t id) override;
  Result<std::vector<core::ApiToken>> ListMyApiTokens(
      const Caller& caller) override {
    return p_.store.ListApiTokens(caller.user);
  }
  Result<core::MadeApiToken> AddMyApiToken(
      const Caller& caller, const core::ApiTokenWish& wish) override;
  Status RevokeMyApiToken(const Caller& caller, int64_t id) override;
  Result<core::TotpSecret> BeginTotp(const std::string& session_token) override;
  Result<std::vector<std::string>> ConfirmTotp(
      const std::string& session_token, const std::string& code) override;
  Result<Caller> UseApiToken(const std::string& secret,
                             const std::string& address,
                             const std::string& call) override;
  Result<core::Session> LoginWithPassword(
      const std::string& user, const std::string& password,
      const std::string& address, const std::string& second_factor) override;
  Result<core::Session> LoginWithCode(
      const std::string& code, const std::string& address,
      const std::string& second_factor) override;
  core::SignInWays GetSignInWays() override;
  Result<core::ProviderStart> BeginProviderLogin(
      const std::string& address) override;
  Result<core::Session> LoginWithProvider(const core::ProviderAnswer& answer,
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
  Result<std::vector<core::Change>> PickChanges(
      const Caller& caller, const std::vector<core::Change>& changes) override;

 private:
  // Runs `work`; however it went, it is written down.
  template <typename T, typename Work>
  Result<T> WriteDown(const Caller& caller, const char* action,
                      std::string object, std::string detail, Work work) {
    return Written<T>(p_.store, p_.clock, caller, action, std::move(object),
                      std::move(detail), Result<T>(work()));
  }
  Result<core::Pushed> WrittenPush(const Caller& caller, const char* action,
                                   std::string object,
                                   Result<core::Pushed> pushed);
  Result<core::Session> WrittenLogin(const std::string& user,
                                     const std::string& address,
                                     const char* action,
                                     Result<auth::Login> login,
                                     std::string detail = "");
  Result<auth::Login> ProviderLoginOf(const oidc::Arrival& arrival,
                                      const std::string& address);
  void LogTrouble(const Error& error);
  Caller Of(const store::StoredSession& session) const {
    Caller caller;
    caller.user = session.user;
    caller.roles = session.roles;
    caller.door = "console";
    caller.address = session.address;
    return caller;
  }
  Result<core::Session> SessionOf(const store::StoredSession& stored) const;
  Result<std::vector<core::SessionRow>> SessionsOf(const Caller& caller,
                                                   const std::string& user);
  Status EndSessionOf(const Caller& caller, const std::string& user,
                      const std::string& id);
  Status RevokeTokenOf(const Caller& caller, const std::string& user,
                       int64_t id);

  Result<core::KeptSearch> AlterSearch(
      const Caller& caller, const char* action, int64_t id, std::string detail,
      const std::function<Status(core::SavedSearch&)>& alter);

  // kNotFound, too, for one that he does not see.
  Status CheckNotHisAlert(const Caller& caller, int64_t alert_id);
  // kNotFound with `message`: for him there is no such thing.
  Status CheckSees(const Caller& caller, const std::string& terminal,
                   const std::string& message);
  Status CheckGroups(const core::Scope& scope);
  // Who sees some groups decides about their terminals alone, and takes no
  // approval away that is not theirs.
  Status CheckApprovalIsHis(const Caller& caller, const std::string& device_id,
                            const core::Approval* wish);

  Status CheckContract(const core::Approval& approval);
  // Transfer grants of those whose contract ends before them.
  Status CutGrants();
  // Gives what is approved and tells the terminal; what is written on the
  // request then.
  Result<core::AlertChange> CarryOut(const Caller& caller,
                                     const core::Alert& asked,
                                     const core::RequestDecision& decision);

  store::CaseEdit NewEdit(const Caller& caller) const;
  Result<core::Case> AlterCase(const Caller& caller, const char* action,
                               int64_t id, const std::string& detail,
                               const store::CaseEdit& edit,
                               const std::function<Status(core::Case&)>& alter);
  // Also of the alerts that were put in or taken out.
  void TellCase(const core::Case& row, const std::vector<int64_t>& alert_ids);

  // What is on a device that was reported lost.
  struct WithIt {
    std::string text;
    bool personal = false;  // or not known
  };
  WithIt WhatIsOn(const std::string& device_id);
  Status RaiseLost(const core::LostMark& mark, const WithIt& with);
  // One change of a review or of an item of it, by one of its reviewers.
  Result<core::Review> AlterReview(
      const Caller& caller, const char* action, int64_t id, int64_t item_no,
      const std::string& detail,
      const std::function<Status(core::Review&, core::ReviewItem&)>& alter);

  // An alert about one agent, at once.
  Result<int64_t> RaiseAlert(const core::Agent& agent, const std::string& key,
                             const std::string& kind,
                             const std::string& severity,
                             const std::string& title);

  DeskParts p_;
  core::OverviewReader overview_;
  core::Unlocks unlocks_;
  core::PersonSearches searches_;
  std::mutex pin_mutex_;  // while a PIN is hashed
  std::mutex trouble_mutex_;
  std::string provider_trouble_;  // the last that was logged
};

}  // namespace sekisho
