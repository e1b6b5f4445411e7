#include "server/guarded_desk.h"

#include "common/text.h"
#include "server/core/audit.h"
#include "server/core/scopes.h"

namespace sekisho {

// Fails closed: an error of any kind is a refusal.
Status GuardedDesk::May(const core::Caller& caller, core::Method method,
                        const std::string& object) {
  Status may = core::CheckMay(caller.roles, caller.via, method);
  if (may) may = core::CheckReach(caller.scope, method);
  if (may) return {};
  RETURN_IF_ERROR(core::WriteAudit(
      store_, clock_,
      {.user = caller.user,
       .door = caller.door,
       .address = caller.address,
       .action = core::Methods()[static_cast<size_t>(method)].action,
       .object = object,
       .detail = ""},
      may));
  return may;
}

WallTime GuardedDesk::Now() const { return desk_->Now(); }

Result<core::Overview> GuardedDesk::GetOverview(
    const core::Caller& caller, const core::OverviewQuery& query) {
  RETURN_IF_ERROR(May(caller, core::Method::kGetOverview));
  return desk_->GetOverview(caller, query);
}

Result<core::Page<core::Event>> GuardedDesk::ListEvents(
    const core::Caller& caller, const core::EventFilter& filter,
    const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListEvents));
  return desk_->ListEvents(caller, filter, paging);
}

Result<core::Event> GuardedDesk::GetEvent(const core::Caller& caller,
                                          int64_t row_id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kGetEvent, "event " + std::to_string(row_id)));
  return desk_->GetEvent(caller, row_id);
}

Result<std::string> GuardedDesk::GetSamples(const core::Caller& caller,
                                            int64_t row_id) {
  RETURN_IF_ERROR(May(caller, core::Method::kGetSamples,
                      "event " + std::to_string(row_id)));
  return desk_->GetSamples(caller, row_id);
}

Result<core::Page<core::Alert>> GuardedDesk::ListAlerts(
    const core::Caller& caller, const core::AlertFilter& filter,
    const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListAlerts));
  return desk_->ListAlerts(caller, filter, paging);
}

Result<std::vector<core::AlertGroup>> GuardedDesk::GroupAlerts(
    const core::Caller& caller, const core::AlertFilter& filter,
    core::AlertGroupBy by) {
  RETURN_IF_ERROR(May(caller, core::Method::kGroupAlerts));
  return desk_->GroupAlerts(caller, filter, by);
}

Result<core::BulkResult> GuardedDesk::UpdateAlerts(
    const core::Caller& caller, const std::vector<int64_t>& ids,
    const core::AlertChange& change) {
  RETURN_IF_ERROR(May(caller, core::Method::kUpdateAlerts));
  return desk_->UpdateAlerts(caller, ids, change);
}

Result<core::AlertCount> GuardedDesk::CountAlerts(
    const core::Caller& caller, const core::AlertFilter& filter) {
  RETURN_IF_ERROR(May(caller, core::Method::kCountAlerts));
  return desk_->CountAlerts(caller, filter);
}

Result<core::MatchingStep> GuardedDesk::UpdateMatchingAlerts(
    const core::Caller& caller, const core::MatchingAlerts& which,
    const core::AlertChange& change) {
  RETURN_IF_ERROR(May(caller, core::Method::kUpdateMatchingAlerts));
  return desk_->UpdateMatchingAlerts(caller, which, change);
}

Result<std::vector<core::KeptSearch>> GuardedDesk::ListSearches(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListSearches));
  return desk_->ListSearches(caller);
}

Result<core::KeptSearch> GuardedDesk::SaveSearch(
    const core::Caller& caller, const core::SavedSearch& wish) {
  RETURN_IF_ERROR(May(caller, core::Method::kSaveSearch));
  return desk_->SaveSearch(caller, wish);
}

Result<core::KeptSearch> GuardedDesk::ChangeSearch(
    const core::Caller& caller, int64_t id, const core::SearchWish& wish) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kChangeSearch, "search " + std::to_string(id)));
  return desk_->ChangeSearch(caller, id, wish);
}

Result<core::KeptSearch> GuardedDesk::ShareSearch(const core::Caller& caller,
                                                  int64_t id,
                                                  core::Sharing sharing) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kShareSearch, "search " + std::to_string(id)));
  return desk_->ShareSearch(caller, id, sharing);
}

Status GuardedDesk::RemoveSearch(const core::Caller& caller, int64_t id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kRemoveSearch, "search " + std::to_string(id)));
  return desk_->RemoveSearch(caller, id);
}

Result<core::Around> GuardedDesk::GetAround(const core::Caller& caller,
                                            int64_t alert_id,
                                            const std::string& zone) {
  RETURN_IF_ERROR(May(caller, core::Method::kGetAround,
                      "alert " + std::to_string(alert_id)));
  return desk_->GetAround(caller, alert_id, zone);
}

Result<core::Alert> GuardedDesk::UpdateAlert(const core::Caller& caller,
                                             const core::AlertChange& change) {
  RETURN_IF_ERROR(May(caller, core::Method::kUpdateAlert,
                      "alert " + std::to_string(change.alert_id)));
  return desk_->UpdateAlert(caller, change);
}

Result<core::Page<core::Case>> GuardedDesk::ListCases(
    const core::Caller& caller, const core::CaseFilter& filter,
    const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListCases));
  return desk_->ListCases(caller, filter, paging);
}

Result<core::CaseStory> GuardedDesk::GetCase(const core::Caller& caller,
                                             int64_t id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kGetCase, "case " + std::to_string(id)));
  return desk_->GetCase(caller, id);
}

Result<core::Case> GuardedDesk::OpenCase(const core::Caller& caller,
                                         const core::CaseWish& wish) {
  RETURN_IF_ERROR(May(caller, core::Method::kOpenCase));
  return desk_->OpenCase(caller, wish);
}

Result<core::Case> GuardedDesk::ChangeCase(const core::Caller& caller,
                                           const core::CaseChange& change) {
  RETURN_IF_ERROR(May(caller, core::Method::kChangeCase,
                      "case " + std::to_string(change.case_id)));
  return desk_->ChangeCase(caller, change);
}

Result<core::Case> GuardedDesk::CloseCase(const core::Caller& caller,
                                          const core::CaseClosing& closing) {
  RETURN_IF_ERROR(May(caller, core::Method::kCloseCase,
                      "case " + std::to_string(closing.case_id)));
  return desk_->CloseCase(caller, closing);
}

Result<core::Case> GuardedDesk::ReopenCase(const core::Caller& caller,
                                           int64_t id,
                                           const std::string& reason) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kReopenCase, "case " + std::to_string(id)));
  return desk_->ReopenCase(caller, id, reason);
}

Result<core::Case> GuardedDesk::PlaceHold(const core::Caller& caller,
                                          int64_t id,
                                          const std::string& reason) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kPlaceHold, "case " + std::to_string(id)));
  return desk_->PlaceHold(caller, id, reason);
}

Result<core::Case> GuardedDesk::LiftHold(const core::Caller& caller, int64_t id,
                                         const std::string& reason) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kLiftHold, "case " + std::to_string(id)));
  return desk_->LiftHold(caller, id, reason);
}

Result<core::Page<core::Review>> GuardedDesk::ListReviews(
    const core::Caller& caller, const core::ReviewFilter& filter,
    const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListReviews));
  return desk_->ListReviews(caller, filter, paging);
}

Result<core::ReviewStory> GuardedDesk::GetReview(const core::Caller& caller,
                                                 int64_t id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kGetReview, "review " + std::to_string(id)));
  return desk_->GetReview(caller, id);
}

Result<core::OpenedItem> GuardedDesk::OpenReviewItem(const core::Caller& caller,
                                                     int64_t review_id,
                                                     int64_t item_no) {
  RETURN_IF_ERROR(May(caller, core::Method::kOpenReviewItem,
                      "review " + std::to_string(review_id)));
  return desk_->OpenReviewItem(caller, review_id, item_no);
}

Result<core::Review> GuardedDesk::JudgeReviewItem(
    const core::Caller& caller, const core::ReviewVerdict& verdict) {
  RETURN_IF_ERROR(May(caller, core::Method::kJudgeReviewItem,
                      "review " + std::to_string(verdict.review_id)));
  return desk_->JudgeReviewItem(caller, verdict);
}

Result<core::Review> GuardedDesk::SignReview(const core::Caller& caller,
                                             int64_t review_id,
                                             const std::string& note) {
  RETURN_IF_ERROR(May(caller, core::Method::kSignReview,
                      "review " + std::to_string(review_id)));
  return desk_->SignReview(caller, review_id, note);
}

Result<core::ReviewStatement> GuardedDesk::GetReviewStatement(
    const core::Caller& caller, WallTime from, WallTime to) {
  RETURN_IF_ERROR(May(caller, core::Method::kGetReviewStatement));
  return desk_->GetReviewStatement(caller, from, to);
}

Result<std::vector<core::VerdictCount>> GuardedDesk::ListVerdicts(
    const core::Caller& caller, WallTime from, WallTime to) {
  RETURN_IF_ERROR(May(caller, core::Method::kListVerdicts));
  return desk_->ListVerdicts(caller, from, to);
}

Result<std::vector<core::Suppression>> GuardedDesk::ListSuppressions(
    const core::Caller& caller, core::WhichSuppressions which) {
  RETURN_IF_ERROR(May(caller, core::Method::kListSuppressions));
  return desk_->ListSuppressions(caller, which);
}

Result<core::Suppression> GuardedDesk::Suppress(const core::Caller& caller,
                                                const core::Suppression& wish) {
  RETURN_IF_ERROR(May(caller, core::Method::kSuppress));
  return desk_->Suppress(caller, wish);
}

Result<core::Suppression> GuardedDesk::EndSuppression(
    const core::Caller& caller, int64_t id, const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kEndSuppression,
                      "suppression " + std::to_string(id)));
  return desk_->EndSuppression(caller, id, reason);
}

Result<core::Page<core::Device>> GuardedDesk::ListDevices(
    const core::Caller& caller, const core::DeviceFilter& filter,
    const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListDevices));
  return desk_->ListDevices(caller, filter, paging);
}

Result<int64_t> GuardedDesk::ApproveDevice(const core::Caller& caller,
                                           const core::Approval& approval) {
  RETURN_IF_ERROR(May(caller, core::Method::kApproveDevice,
                      "device " + approval.device_id));
  return desk_->ApproveDevice(caller, approval);
}

Result<int64_t> GuardedDesk::RevokeDevice(const core::Caller& caller,
                                          const std::string& device_id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kRevokeDevice, "device " + device_id));
  return desk_->RevokeDevice(caller, device_id);
}

Result<core::DeviceStory> GuardedDesk::GetDeviceStory(
    const core::Caller& caller, const std::string& device_id,
    const std::string& zone) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kGetDeviceStory, "device " + device_id));
  return desk_->GetDeviceStory(caller, device_id, zone);
}

Result<core::DeviceContents> GuardedDesk::GetDeviceContents(
    const core::Caller& caller, const std::string& device_id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kGetDeviceContents, "device " + device_id));
  return desk_->GetDeviceContents(caller, device_id);
}

Status GuardedDesk::ConfirmDevice(const core::Caller& caller,
                                  const core::Confirmation& confirmation) {
  RETURN_IF_ERROR(May(caller, core::Method::kConfirmDevice,
                      "device " + confirmation.device_id));
  return desk_->ConfirmDevice(caller, confirmation);
}

Result<int64_t> GuardedDesk::MarkLost(const core::Caller& caller,
                                      const core::LostMark& mark) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kMarkLost, "device " + mark.device_id));
  return desk_->MarkLost(caller, mark);
}

Result<int64_t> GuardedDesk::ClearLost(const core::Caller& caller,
                                       const std::string& device_id,
                                       const std::string& note) {
  RETURN_IF_ERROR(May(caller, core::Method::kClearLost, "device " + device_id));
  return desk_->ClearLost(caller, device_id, note);
}

Result<core::Alert> GuardedDesk::DecideRequest(
    const core::Caller& caller, const core::RequestDecision& decision) {
  RETURN_IF_ERROR(May(caller, core::Method::kDecideRequest,
                      "alert " + std::to_string(decision.alert_id)));
  return desk_->DecideRequest(caller, decision);
}

Result<std::vector<core::TransferGrant>> GuardedDesk::ListGrants(
    const core::Caller& caller, core::WhichGrants which) {
  RETURN_IF_ERROR(May(caller, core::Method::kListGrants));
  return desk_->ListGrants(caller, which);
}

Result<core::TransferGrant> GuardedDesk::RevokeGrant(
    const core::Caller& caller, int64_t grant_id, const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kRevokeGrant,
                      "grant " + std::to_string(grant_id)));
  return desk_->RevokeGrant(caller, grant_id, reason);
}

Result<core::Page<core::Agent>> GuardedDesk::ListAgents(
    const core::Caller& caller, const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListAgents));
  return desk_->ListAgents(caller, paging);
}

Result<core::Agent> GuardedDesk::GetAgent(const core::Caller& caller,
                                          const std::string& agent_id) {
  RETURN_IF_ERROR(May(caller, core::Method::kGetAgent, "agent " + agent_id));
  return desk_->GetAgent(caller, agent_id);
}

Status GuardedDesk::RevokeAgent(const core::Caller& caller,
                                const std::string& agent_id,
                                const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kRevokeAgent, "agent " + agent_id));
  return desk_->RevokeAgent(caller, agent_id, reason);
}

Status GuardedDesk::ApproveRenewal(const core::Caller& caller,
                                   const std::string& agent_id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kApproveRenewal, "agent " + agent_id));
  return desk_->ApproveRenewal(caller, agent_id);
}

Result<core::Token> GuardedDesk::CreateToken(const core::Caller& caller,
                                             const core::NewToken& wish) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kCreateToken, "host " + wish.hostname));
  return desk_->CreateToken(caller, wish);
}

Result<core::Page<core::PolicyVersion>> GuardedDesk::ListPolicyVersions(
    const core::Caller& caller, const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListPolicyVersions));
  return desk_->ListPolicyVersions(caller, paging);
}

Result<core::Pushed> GuardedDesk::PushPolicy(const core::Caller& caller,
                                             const std::string& text,
                                             const std::string& file_name,
                                             const std::string& comment,
                                             core::PushHow how) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kPushPolicy, "policy " + file_name));
  return desk_->PushPolicy(caller, text, file_name, comment, how);
}

Result<core::RolloutStatus> GuardedDesk::GetRollout(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kGetRollout));
  return desk_->GetRollout(caller);
}

Result<core::RolloutStatus> GuardedDesk::ChangeRollout(
    const core::Caller& caller, core::RolloutAct act,
    const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kChangeRollout));
  return desk_->ChangeRollout(caller, act, reason);
}

Result<core::RingsText> GuardedDesk::GetRings(const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kGetRings));
  return desk_->GetRings(caller);
}

Result<std::vector<policy::Problem>> GuardedDesk::SetRings(
    const core::Caller& caller, const std::string& text) {
  RETURN_IF_ERROR(May(caller, core::Method::kSetRings));
  return desk_->SetRings(caller, text);
}

Result<core::SpokenCode> GuardedDesk::IssueCode(const core::Caller& caller,
                                                const core::CodeWish& wish) {
  RETURN_IF_ERROR(May(caller, core::Method::kIssueCode,
                      "device " + EscapeUntrusted(wish.device_id, 600)));
  return desk_->IssueCode(caller, wish);
}

Result<std::vector<core::OfflineCode>> GuardedDesk::ListCodes(
    const core::Caller& caller, core::WhichGrants which) {
  RETURN_IF_ERROR(May(caller, core::Method::kListCodes));
  return desk_->ListCodes(caller, which);
}

Result<core::OfflineCode> GuardedDesk::RevokeCode(const core::Caller& caller,
                                                  int64_t code_id,
                                                  const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kRevokeCode,
                      "code " + std::to_string(code_id)));
  return desk_->RevokeCode(caller, code_id, reason);
}

Result<core::RegisterImport> GuardedDesk::PreviewRegister(
    const core::Caller& caller, const std::string& csv) {
  RETURN_IF_ERROR(May(caller, core::Method::kPreviewRegister));
  return desk_->PreviewRegister(caller, csv);
}

Result<core::RegisterImport> GuardedDesk::ImportRegister(
    const core::Caller& caller, const std::string& csv) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kImportRegister, "terminal register"));
  return desk_->ImportRegister(caller, csv);
}

Result<core::Page<core::TerminalRow>> GuardedDesk::ListTerminals(
    const core::Caller& caller, int days, const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListTerminals));
  return desk_->ListTerminals(caller, days, paging);
}

Result<std::vector<core::SiteOutage>> GuardedDesk::ListSiteOutages(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListSiteOutages));
  return desk_->ListSiteOutages(caller);
}

Result<core::Page<core::PersonRow>> GuardedDesk::ListPeople(
    const core::Caller& caller, const std::string& text,
    const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListPeople, "people register"));
  return desk_->ListPeople(caller, text, paging);
}

Result<core::RegisterImport> GuardedDesk::PreviewPeople(
    const core::Caller& caller, const core::PeopleFile& file) {
  RETURN_IF_ERROR(May(caller, core::Method::kPreviewPeople, "people register"));
  return desk_->PreviewPeople(caller, file);
}

Result<std::vector<core::SinkHealth>> GuardedDesk::ListSinks(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListSinks));
  return desk_->ListSinks(caller);
}

Result<std::vector<core::DataSetRow>> GuardedDesk::ListDataSets(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListDataSets));
  return desk_->ListDataSets(caller);
}

Result<core::DataSetRow> GuardedDesk::PutDataSet(const core::Caller& caller,
                                                 const std::string& bytes) {
  RETURN_IF_ERROR(May(caller, core::Method::kPutDataSet, "data sets"));
  return desk_->PutDataSet(caller, bytes);
}

Status GuardedDesk::RemoveDataSet(const core::Caller& caller,
                                  const std::string& id,
                                  const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kRemoveDataSet, "data sets"));
  return desk_->RemoveDataSet(caller, id, reason);
}

Result<core::RegisterImport> GuardedDesk::ImportPeople(
    const core::Caller& caller, const core::PeopleFile& file) {
  RETURN_IF_ERROR(May(caller, core::Method::kImportPeople, "people register"));
  return desk_->ImportPeople(caller, file);
}

Result<core::MadePin> GuardedDesk::MakePin(const core::Caller& caller,
                                           const std::string& person) {
  RETURN_IF_ERROR(May(caller, core::Method::kMakePin,
                      "person " + EscapeUntrusted(person, 128)));
  return desk_->MakePin(caller, person);
}

Result<core::TotpSecret> GuardedDesk::MakePersonTotp(
    const core::Caller& caller, const std::string& person) {
  RETURN_IF_ERROR(May(caller, core::Method::kMakePersonTotp,
                      "person " + EscapeUntrusted(person, 128)));
  return desk_->MakePersonTotp(caller, person);
}

Status GuardedDesk::RemovePerson(const core::Caller& caller,
                                 const std::string& person,
                                 const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kRemovePerson,
                      "person " + EscapeUntrusted(person, 128)));
  return desk_->RemovePerson(caller, person, reason);
}

Result<core::Inquiry> GuardedDesk::RunInquiry(const core::Caller& caller,
                                              const core::InquiryWish& wish) {
  RETURN_IF_ERROR(May(caller, core::Method::kRunInquiry));
  return desk_->RunInquiry(caller, wish);
}

Result<core::Page<core::Inquiry>> GuardedDesk::ListInquiries(
    const core::Caller& caller, const core::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListInquiries));
  return desk_->ListInquiries(caller, paging);
}

Result<core::Inquiry> GuardedDesk::GetInquiry(const core::Caller& caller,
                                              int64_t id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kGetInquiry, "inquiry " + std::to_string(id)));
  return desk_->GetInquiry(caller, id);
}

Result<core::CheckedPolicy> GuardedDesk::CheckPolicy(const core::Caller& caller,
                                                     const std::string& text) {
  RETURN_IF_ERROR(May(caller, core::Method::kCheckPolicy));
  return desk_->CheckPolicy(caller, text);
}

Result<core::PolicyAnswer> GuardedDesk::ExplainPolicy(
    const core::Caller& caller, const core::PolicyQuestion& question) {
  RETURN_IF_ERROR(May(caller, core::Method::kExplainPolicy));
  return desk_->ExplainPolicy(caller, question);
}

Result<core::PolicyTrial> GuardedDesk::TryPolicy(const core::Caller& caller,
                                                 const std::string& text,
                                                 WallTime from, WallTime to) {
  RETURN_IF_ERROR(May(caller, core::Method::kTryPolicy));
  return desk_->TryPolicy(caller, text, from, to);
}

Result<core::Pushed> GuardedDesk::RollbackPolicy(const core::Caller& caller,
                                                 int64_t version) {
  RETURN_IF_ERROR(May(caller, core::Method::kRollbackPolicy,
                      "policy version " + std::to_string(version)));
  return desk_->RollbackPolicy(caller, version);
}

Result<core::Pushed> GuardedDesk::PushUpgrade(const core::Caller& caller,
                                              const std::string& manifest) {
  RETURN_IF_ERROR(May(caller, core::Method::kPushUpgrade));
  return desk_->PushUpgrade(caller, manifest);
}

Status GuardedDesk::AskUnlock(const core::Caller& caller,
                              const core::UnlockWish& wish) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kAskUnlock, "agent " + wish.agent_id));
  return desk_->AskUnlock(caller, wish);
}

Result<core::Unlocked> GuardedDesk::ConfirmUnlock(const core::Caller& caller,
                                                  const std::string& agent_id) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kConfirmUnlock, "agent " + agent_id));
  return desk_->ConfirmUnlock(caller, agent_id);
}

Result<core::ContainmentStatus> GuardedDesk::Contain(
    const core::Caller& caller, const core::ContainWish& wish) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kContain, wish.kind + " " + wish.target));
  return desk_->Contain(caller, wish);
}

Result<std::vector<core::ContainmentStatus>> GuardedDesk::ListContainments(
    const core::Caller& caller, core::Contained which) {
  RETURN_IF_ERROR(May(caller, core::Method::kListContainments));
  return desk_->ListContainments(caller, which);
}

Status GuardedDesk::AskExtension(const core::Caller& caller,
                                 int64_t containment_id,
                                 std::chrono::seconds length,
                                 const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kAskExtension,
                      "containment " + std::to_string(containment_id)));
  return desk_->AskExtension(caller, containment_id, length, reason);
}

Result<core::ContainmentStatus> GuardedDesk::AgreeExtension(
    const core::Caller& caller, int64_t containment_id) {
  RETURN_IF_ERROR(May(caller, core::Method::kAgreeExtension,
                      "containment " + std::to_string(containment_id)));
  return desk_->AgreeExtension(caller, containment_id);
}

Result<core::ContainmentStatus> GuardedDesk::LiftContainment(
    const core::Caller& caller, int64_t containment_id,
    const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kLiftContainment,
                      "containment " + std::to_string(containment_id)));
  return desk_->LiftContainment(caller, containment_id, reason);
}

std::unique_ptr<core::Subscription> GuardedDesk::Subscribe(
    std::function<void(const core::Change&)> callback) {
  return desk_->Subscribe(std::move(callback));
}

Result<std::vector<core::Change>> GuardedDesk::PickChanges(
    const core::Caller& caller, const std::vector<core::Change>& changes) {
  RETURN_IF_ERROR(May(caller, core::Method::kPickChanges));
  return desk_->PickChanges(caller, changes);
}

Result<std::vector<core::User>> GuardedDesk::ListUsers(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListUsers));
  return desk_->ListUsers(caller);
}

Result<std::string> GuardedDesk::AddUser(const core::Caller& caller,
                                         const std::string& user,
                                         core::Roles roles,
                                         const core::Scope& scope) {
  RETURN_IF_ERROR(May(caller, core::Method::kAddUser, "user " + user));
  return desk_->AddUser(caller, user, roles, scope);
}

Status GuardedDesk::SetRoles(const core::Caller& caller,
                             const std::string& user, core::Roles roles) {
  RETURN_IF_ERROR(May(caller, core::Method::kSetRoles, "user " + user));
  return desk_->SetRoles(caller, user, roles);
}

Status GuardedDesk::SetScope(const core::Caller& caller,
                             const std::string& user,
                             const core::Scope& scope) {
  RETURN_IF_ERROR(May(caller, core::Method::kSetScope, "user " + user));
  return desk_->SetScope(caller, user, scope);
}

Status GuardedDesk::LinkPerson(const core::Caller& caller,
                               const std::string& user,
                               const std::string& person) {
  RETURN_IF_ERROR(May(caller, core::Method::kLinkPerson, "user " + user));
  return desk_->LinkPerson(caller, user, person);
}

Status GuardedDesk::DisableUser(const core::Caller& caller,
                                const std::string& user,
                                const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kDisableUser, "user " + user));
  return desk_->DisableUser(caller, user, reason);
}

Status GuardedDesk::EnableUser(const core::Caller& caller,
                               const std::string& user) {
  RETURN_IF_ERROR(May(caller, core::Method::kEnableUser, "user " + user));
  return desk_->EnableUser(caller, user);
}

Status GuardedDesk::ResetTotp(const core::Caller& caller,
                              const std::string& user,
                              const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kResetTotp, "user " + user));
  return desk_->ResetTotp(caller, user, reason);
}

Status GuardedDesk::MoveToProvider(const core::Caller& caller,
                                   const std::string& user,
                                   const std::string& reason) {
  RETURN_IF_ERROR(May(caller, core::Method::kMoveToProvider, "user " + user));
  return desk_->MoveToProvider(caller, user, reason);
}

Result<std::string> GuardedDesk::CreateLogin(const core::Caller& caller,
                                             const std::string& user) {
  RETURN_IF_ERROR(May(caller, core::Method::kCreateLogin, "user " + user));
  return desk_->CreateLogin(caller, user);
}

Result<std::vector<core::SessionRow>> GuardedDesk::ListSessions(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListSessions));
  return desk_->ListSessions(caller);
}

Status GuardedDesk::EndSession(const core::Caller& caller,
                               const std::string& id) {
  RETURN_IF_ERROR(May(caller, core::Method::kEndSession, "session " + id));
  return desk_->EndSession(caller, id);
}

Result<std::vector<core::SessionRow>> GuardedDesk::ListMySessions(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListMySessions));
  return desk_->ListMySessions(caller);
}

Status GuardedDesk::EndMySession(const core::Caller& caller,
                                 const std::string& id) {
  RETURN_IF_ERROR(May(caller, core::Method::kEndMySession));
  return desk_->EndMySession(caller, id);
}

Result<std::vector<core::ApiToken>> GuardedDesk::ListApiTokens(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListApiTokens));
  return desk_->ListApiTokens(caller);
}

Result<core::MadeApiToken> GuardedDesk::AddApiToken(
    const core::Caller& caller, const core::ApiTokenWish& wish) {
  RETURN_IF_ERROR(
      May(caller, core::Method::kAddApiToken, "token " + wish.name));
  return desk_->AddApiToken(caller, wish);
}

Status GuardedDesk::RevokeApiToken(const core::Caller& caller, int64_t id) {
  RETURN_IF_ERROR(May(caller, core::Method::kRevokeApiToken,
                      "token " + std::to_string(id)));
  return desk_->RevokeApiToken(caller, id);
}

Result<std::vector<core::ApiToken>> GuardedDesk::ListMyApiTokens(
    const core::Caller& caller) {
  RETURN_IF_ERROR(May(caller, core::Method::kListMyApiTokens));
  return desk_->ListMyApiTokens(caller);
}

Result<core::MadeApiToken> GuardedDesk::AddMyApiToken(
    const core::Caller& caller, const core::ApiTokenWish& wish) {
  RETURN_IF_ERROR(May(caller, core::Method::kAddMyApiToken));
  return desk_->AddMyApiToken(caller, wish);
}

Status GuardedDesk::RevokeMyApiToken(const core::Caller& caller, int64_t id) {
  RETURN_IF_ERROR(May(caller, core::Method::kRevokeMyApiToken));
  return desk_->RevokeMyApiToken(caller, id);
}

Result<store::Page<core::AuditEntry>> GuardedDesk::ListAudit(
    const core::Caller& caller, const core::AuditFilter& filter,
    const store::Paging& paging) {
  RETURN_IF_ERROR(May(caller, core::Method::kListAudit));
  return desk_->ListAudit(caller, filter, paging);
}

Result<core::Session> GuardedDesk::LoginWithPassword(
    const std::string& user, const std::string& password,
    const std::string& address, const std::string& second_factor) {
  return desk_->LoginWithPassword(user, password, address, second_factor);
}

Result<core::Session> GuardedDesk::LoginWithCode(
    const std::string& code, const std::string& address,
    const std::string& second_factor) {
  return desk_->LoginWithCode(code, address, second_factor);
}

core::SignInWays GuardedDesk::GetSignInWays() { return desk_->GetSignInWays(); }

Result<core::ProviderStart> GuardedDesk::BeginProviderLogin(
    const std::string& address) {
  return desk_->BeginProviderLogin(address);
}

Result<core::Session> GuardedDesk::LoginWithProvider(
    const core::ProviderAnswer& answer, const std::string& address) {
  return desk_->LoginWithProvider(answer, address);
}

Result<core::Session> GuardedDesk::FindSession(const std::string& token) {
  return desk_->FindSession(token);
}

Status GuardedDesk::Logout(const std::string& token) {
  return desk_->Logout(token);
}

Status GuardedDesk::SetPassword(const std::string& session_token,
                                const std::string& password) {
  return desk_->SetPassword(session_token, password);
}

Result<core::TotpSecret> GuardedDesk::BeginTotp(
    const std::string& session_token) {
  return desk_->BeginTotp(session_token);
}

Result<std::vector<std::string>> GuardedDesk::ConfirmTotp(
    const std::string& session_token, const std::string& code) {
  return desk_->ConfirmTotp(session_token, code);
}

Result<core::Caller> GuardedDesk::UseApiToken(const std::string& secret,
                                              const std::string& address,
                                              const std::string& call) {
  return desk_->UseApiToken(secret, address, call);
}

}  // namespace sekisho
