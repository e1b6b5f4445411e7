// The guard before the desk: asks core/roles.cc who may and core/scopes.cc what
// he reaches, writes down who was refused, and hands on. A new method of
// core::Desk does not compile without its line here.
#pragma once

#include <memory>
#include <string>

#include "common/clock.h"
#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho {

class GuardedDesk final : public core::Desk {
 public:
  GuardedDesk(std::unique_ptr<core::Desk> desk, store::Store& store,
              const Clock& clock)
      : desk_(std::move(desk)), store_(store), clock_(clock) {}

  WallTime Now() const override;
  Result<core::Overview> GetOverview(const core::Caller& caller,
                                     const core::OverviewQuery& query) override;
  Result<core::Page<core::Event>> ListEvents(
      const core::Caller& caller, const core::EventFilter& filter,
      const core::Paging& paging) override;
  Result<core::Event> GetEvent(const core::Caller& caller,
                               int64_t row_id) override;
  Result<std::string> GetSamples(const core::Caller& caller,
                                 int64_t row_id) override;
  Result<core::Page<core::Alert>> ListAlerts(
      const core::Caller& caller, const core::AlertFilter& filter,
      const core::Paging& paging) override;
  Result<std::vector<core::AlertGroup>> GroupAlerts(
      const core::Caller& caller, const core::AlertFilter& filter,
      core::AlertGroupBy by) override;
  Result<core::BulkResult> UpdateAlerts(
      const core::Caller& caller, const std::vector<int64_t>& ids,
      const core::AlertChange& change) override;
  Result<core::AlertCount> CountAlerts(
      const core::Caller& caller, const core::AlertFilter& filter) override;
  Result<core::MatchingStep> UpdateMatchingAlerts(
      const core::Caller& caller, const core::MatchingAlerts& which,
      const core::AlertChange& change) override;
  Result<std::vector<core::KeptSearch>> ListSearches(
      const core::Caller& caller) override;
  Result<core::KeptSearch> SaveSearch(const core::Caller& caller,
                                      const core::SavedSearch& wish) override;
  Result<core::KeptSearch> ChangeSearch(const core::Caller& caller, int64_t id,
                                        const core::SearchWish& wish) override;
  Result<core::KeptSearch> ShareSearch(const core::Caller& caller, int64_t id,
                                       core::Sharing sharing) override;
  Status RemoveSearch(const core::Caller& caller, int64_t id) override;
  Result<core::Around> GetAround(const core::Caller& caller, int64_t alert_id,
                                 const std::string& zone) override;
  Result<core::Alert> UpdateAlert(const core::Caller& caller,
                                  const core::AlertChange& change) override;
  Result<core::Page<core::Case>> ListCases(const core::Caller& caller,
                                           const core::CaseFilter& filter,
                                           const core::Paging& paging) override;
  Result<core::CaseStory> GetCase(const core::Caller& caller,
                                  int64_t id) override;
  Result<core::Case> OpenCase(const core::Caller& caller,
                              const core::CaseWish& wish) override;
  Result<core::Case> ChangeCase(const core::Caller& caller,
                                const core::CaseChange& change) override;
  Result<core::Case> CloseCase(const core::Caller& caller,
                               const core::CaseClosing& closing) override;
  Result<core::Case> ReopenCase(const core::Caller& caller, int64_t id,
                                const std::string& reason) override;
  Result<core::Case> PlaceHold(const core::Caller& caller, int64_t id,
                               const std::string& reason) override;
  Result<core::Case> LiftHold(const core::Caller& caller, int64_t id,
                              const std::string& reason) override;
  Result<core::Page<core::Review>> ListReviews(
      const core::Caller& caller, const core::ReviewFilter& filter,
      const core::Paging& paging) override;
  Result<core::ReviewStory> GetReview(const core::Caller& caller,
                                      int64_t id) override;
  Result<core::OpenedItem> OpenReviewItem(const core::Caller& caller,
                                          int64_t review_id,
                                          int64_t item_no) override;
  Result<core::Review> JudgeReviewItem(
      const core::Caller& caller, const core::ReviewVerdict& verdict) override;
  Result<core::Review> SignReview(const core::Caller& caller, int64_t review_id,
                                  const std::string& note) override;
  Result<core::ReviewStatement> GetReviewStatement(const core::Caller& caller,
                                                   WallTime from,
                                                   WallTime to) override;
  Result<std::vector<core::VerdictCount>> ListVerdicts(
      const core::Caller& caller, WallTime from, WallTime to) override;
  Result<std::vector<core::Suppression>> ListSuppressions(
      const core::Caller& caller, core::WhichSuppressions which) override;
  Result<core::Suppression> Suppress(const core::Caller& caller,
                                     const core::Suppression& wish) override;
  Result<core::Suppression> EndSuppression(const core::Caller& caller,
                                           int64_t id,
                                           const std::string& reason) override;
  Result<core::Page<core::Device>> ListDevices(
      const core::Caller& caller, const core::DeviceFilter& filter,
      const core::Paging& paging) override;
  Result<int64_t> ApproveDevice(const core::Caller& caller,
                                const core::Approval& approval) override;
  Result<int64_t> RevokeDevice(const core::Caller& caller,
                               const std::string& device_id) override;
  Result<core::DeviceContents> GetDeviceContents(
      const core::Caller& caller, const std::string& device_id) override;
  Status ConfirmDevice(const core::Caller& caller,
                       const core::Confirmation& confirmation) override;
  Result<core::DeviceStory> GetDeviceStory(const core::Caller& caller,
                                           const std::string& device_id,
                                           const std::string& zone) override;
  Result<int64_t> MarkLost(const core::Caller& caller,
                           const core::LostMark& mark) override;
  Result<int64_t> ClearLost(const core::Caller& caller,
                            const std::string& device_id,
                            const std::string& note) override;
  Result<core::Alert> DecideRequest(
      const core::Caller& caller,
      const core::RequestDecision& decision) override;
  Result<std::vector<core::TransferGrant>> ListGrants(
      const core::Caller& caller, core::WhichGrants which) override;
  Result<core::TransferGrant> RevokeGrant(const core::Caller& caller,
                                          int64_t grant_id,
                                          const std::string& reason) override;
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
                                  const std::string& comment,
                                  core::PushHow how) override;
  Result<core::RolloutStatus> GetRollout(const core::Caller& caller) override;
  Result<core::RolloutStatus> ChangeRollout(const core::Caller& caller,
                                            core::RolloutAct act,
                                            const std::string& reason) override;
  Result<core::RingsText> GetRings(const core::Caller& caller) override;
  Result<std::vector<policy::Problem>> SetRings(
      const core::Caller& caller, const std::string& text) override;
  Result<core::SpokenCode> IssueCode(const core::Caller& caller,
                                     const core::CodeWish& wish) override;
  Result<std::vector<core::OfflineCode>> ListCodes(
      const core::Caller& caller, core::WhichGrants which) override;
  Result<core::OfflineCode> RevokeCode(const core::Caller& caller,
                                       int64_t code_id,
                                       const std::string& reason) override;
  Result<core::RegisterImport> PreviewRegister(const core::Caller& caller,
                                               const std::string& csv) override;
  Result<core::RegisterImport> ImportRegister(const core::Caller& caller,
                                              const std::string& csv) override;
  Result<core::Page<core::TerminalRow>> ListTerminals(
      const core::Caller& caller, int days,
      const core::Paging& paging) override;
  Result<std::vector<core::SiteOutage>> ListSiteOutages(
      const core::Caller& caller) override;
  Result<core::Page<core::PersonRow>> ListPeople(
      const core::Caller& caller, const std::string& text,
      const core::Paging& paging) override;
  Result<core::RegisterImport> PreviewPeople(
      const core::Caller& caller, const core::PeopleFile& file) override;
  Result<core::RegisterImport> ImportPeople(
      const core::Caller& caller, const core::PeopleFile& file) override;
  Result<core::MadePin> MakePin(const core::Caller& caller,
                                const std::string& person) override;
  Result<core::TotpSecret> MakePersonTotp(const core::Caller& caller,
                                          const std::string& person) override;
  Status RemovePerson(const core::Caller& caller, const std::string& person,
                      const std::string& reason) override;
  Result<std::vector<core::SinkHealth>> ListSinks(
      const core::Caller& caller) override;
  Result<std::vector<core::DataSetRow>> ListDataSets(
      const core::Caller& caller) override;
  Result<core::DataSetRow> PutDataSet(const core::Caller& caller,
                                      const std::string& bytes) override;
  Status RemoveDataSet(const core::Caller& caller, const std::string& id,
                       const std::string& reason) override;
  Result<core::Inquiry> RunInquiry(const core::Caller& caller,
                                   const core::InquiryWish& wish) override;
  Result<core::Page<core::Inquiry>> ListInquiries(
      const core::Caller& caller, const core::Paging& paging) override;
  Result<core::Inquiry> GetInquiry(const core::Caller& caller,
                                   int64_t id) override;
  Result<core::CheckedPolicy> CheckPolicy(const core::Caller& caller,
                                          const std::string& text) override;
  Result<core::PolicyAnswer> ExplainPolicy(
      const core::Caller& caller,
      const core::PolicyQuestion& question) override;
  Result<core::PolicyTrial> TryPolicy(const core::Caller& caller,
                                      const std::string& text, WallTime from,
                                      WallTime to) override;
  Result<core::Pushed> RollbackPolicy(const core::Caller& caller,
                                      int64_t version) override;
  Result<core::Pushed> PushUpgrade(const core::Caller& caller,
                                   const std::string& manifest) override;
  Status AskUnlock(const core::Caller& caller,
                   const core::UnlockWish& wish) override;
  Result<core::Unlocked> ConfirmUnlock(const core::Caller& caller,
                                       const std::string& agent_id) override;
  Result<core::ContainmentStatus> Contain(
      const core::Caller& caller, const core::ContainWish& wish) override;
  Result<std::vector<core::ContainmentStatus>> ListContainments(
      const core::Caller& caller, core::Contained which) override;
  Status AskExtension(const core::Caller& caller, int64_t containment_id,
                      std::chrono::seconds length,
                      const std::string& reason) override;
  Result<core::ContainmentStatus> AgreeExtension(
      const core::Caller& caller, int64_t containment_id) override;
  Result<core::ContainmentStatus> LiftContainment(
      const core::Caller& caller, int64_t containment_id,
      const std::string& reason) override;
  std::unique_ptr<core::Subscription> Subscribe(
      std::function<void(const core::Change&)> callback) override;
  Result<std::vector<core::Change>> PickChanges(
      const core::Caller& caller,
      const std::vector<core::Change>& changes) override;
  Result<std::vector<core::User>> ListUsers(
      const core::Caller& caller) override;
  Result<std::string> AddUser(const core::Caller& caller,
                              const std::string& user, core::Roles roles,
                              const core::Scope& scope) override;
  Status SetRoles(const core::Caller& caller, const std::string& user,
                  core::Roles roles) override;
  Status SetScope(const core::Caller& caller, const std::string& user,
                  const core::Scope& scope) override;
  Status LinkPerson(const core::Caller& caller, const std::string& user,
                    const std::string& person) override;
  Status DisableUser(const core::Caller& caller, const std::string& user,
                     const std::string& reason) override;
  Status EnableUser(const core::Caller& caller,
                    const std::string& user) override;
  Status ResetTotp(const core::Caller& caller, const std::string& user,
                   const std::string& reason) override;
  Status MoveToProvider(const core::Caller& caller, const std::string& user,
                        const std::string& reason) override;
  Result<std::string> CreateLogin(const core::Caller& caller,
                                  const std::string& user) override;
  Result<std::vector<core::SessionRow>> ListSessions(
      const core::Caller& caller) override;
  Status EndSession(const core::Caller& caller, const std::string& id) override;
  Result<std::vector<core::SessionRow>> ListMySessions(
      const core::Caller& caller) override;
  Status EndMySession(const core::Caller& caller,
                      const std::string& id) override;
  Result<std::vector<core::ApiToken>> ListApiTokens(
      const core::Caller& caller) override;
  Result<core::MadeApiToken> AddApiToken(
      const core::Caller& caller, const core::ApiTokenWish& wish) override;
  Status RevokeApiToken(const core::Caller& caller, int64_t id) override;
  Result<std::vector<core::ApiToken>> ListMyApiTokens(
      const core::Caller& caller) override;
  Result<core::MadeApiToken> AddMyApiToken(
      const core::Caller& caller, const core::ApiTokenWish& wish) override;
  Status RevokeMyApiToken(const core::Caller& caller, int64_t id) override;
  Result<store::Page<core::AuditEntry>> ListAudit(
      const core::Caller& caller, const core::AuditFilter& filter,
      const store::Paging& paging) override;
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
  Result<core::TotpSecret> BeginTotp(const std::string& session_token) override;
  Result<std::vector<std::string>> ConfirmTotp(
      const std::string& session_token, const std::string& code) override;
  Result<core::Caller> UseApiToken(const std::string& secret,
                                   const std::string& address,
                                   const std::string& call) override;

 private:
  // kPermissionDenied, after it was written down that `object` was asked for.
  Status May(const core::Caller& caller, core::Method method,
             const std::string& object = "");

  const std::unique_ptr<core::Desk> desk_;
  store::Store& store_;
  const Clock& clock_;
};

}  // namespace sekisho
