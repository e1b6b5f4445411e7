// AdminService over the desk: proto in, desk, proto out. Nothing is decided
// here.
#pragma once

#include <functional>

#include "sekisho/admin/v1/admin_service.grpc.pb.h"
#include "server/core/checkpoints.h"
#include "server/core/queries.h"
#include "server/store/store.h"

namespace sekisho::service {

class AdminCalls final : public admin::v1::AdminService::Service {
 public:
  // From gRPC's name of the peer to who he is.
  using WhoIs = std::function<core::Caller(const std::string& peer)>;

  AdminCalls(core::Desk& desk, store::Store& store,
             core::Checkpoints& checkpoints, WhoIs who_is,
             core::ExportGate may_export)
      : desk_(desk),
        store_(store),
        checkpoints_(checkpoints),
        who_is_(std::move(who_is)),
        may_export_(std::move(may_export)) {}

  grpc::Status CreateToken(grpc::ServerContext* context,
                           const admin::v1::CreateTokenRequest* request,
                           admin::v1::CreateTokenResponse* response) override;
  grpc::Status ListAgents(grpc::ServerContext* context,
                          const admin::v1::ListAgentsRequest* request,
                          admin::v1::ListAgentsResponse* response) override;
  grpc::Status RevokeAgent(grpc::ServerContext* context,
                           const admin::v1::RevokeAgentRequest* request,
                           admin::v1::RevokeAgentResponse* response) override;
  grpc::Status ApproveRenewal(
      grpc::ServerContext* context,
      const admin::v1::ApproveRenewalRequest* request,
      admin::v1::ApproveRenewalResponse* response) override;
  grpc::Status PushPolicy(grpc::ServerContext* context,
                          const admin::v1::PushPolicyRequest* request,
                          admin::v1::PushPolicyResponse* response) override;
  grpc::Status ListPolicyVersions(
      grpc::ServerContext* context,
      const admin::v1::ListPolicyVersionsRequest* request,
      admin::v1::ListPolicyVersionsResponse* response) override;
  grpc::Status RollbackPolicy(
      grpc::ServerContext* context,
      const admin::v1::RollbackPolicyRequest* request,
      admin::v1::RollbackPolicyResponse* response) override;
  grpc::Status GetRollout(grpc::ServerContext* context,
                          const admin::v1::GetRolloutRequest* request,
                          admin::v1::GetRolloutResponse* response) override;
  grpc::Status ChangeRollout(
      grpc::ServerContext* context,
      const admin::v1::ChangeRolloutRequest* request,
      admin::v1::ChangeRolloutResponse* response) override;
  grpc::Status GetRings(grpc::ServerContext* context,
                        const admin::v1::GetRingsRequest* request,
                        admin::v1::GetRingsResponse* response) override;
  grpc::Status SetRings(grpc::ServerContext* context,
                        const admin::v1::SetRingsRequest* request,
                        admin::v1::SetRingsResponse* response) override;
  grpc::Status PushUpgrade(grpc::ServerContext* context,
                           const admin::v1::PushUpgradeRequest* request,
                           admin::v1::PushUpgradeResponse* response) override;
  grpc::Status GetDeviceContents(
      grpc::ServerContext* context,
      const admin::v1::GetDeviceContentsRequest* request,
      admin::v1::GetDeviceContentsResponse* response) override;
  grpc::Status ConfirmDevice(
      grpc::ServerContext* context,
      const admin::v1::ConfirmDeviceRequest* request,
      admin::v1::ConfirmDeviceResponse* response) override;
  grpc::Status AskUnlock(grpc::ServerContext* context,
                         const admin::v1::AskUnlockRequest* request,
                         admin::v1::AskUnlockResponse* response) override;
  grpc::Status Contain(grpc::ServerContext* context,
                       const admin::v1::ContainRequest* request,
                       admin::v1::ContainResponse* response) override;
  grpc::Status ListGrants(grpc::ServerContext* context,
                          const admin::v1::ListGrantsRequest* request,
                          admin::v1::ListGrantsResponse* response) override;
  grpc::Status RevokeGrant(grpc::ServerContext* context,
                           const admin::v1::RevokeGrantRequest* request,
                           admin::v1::RevokeGrantResponse* response) override;
  grpc::Status IssueCode(grpc::ServerContext* context,
                         const admin::v1::IssueCodeRequest* request,
                         admin::v1::IssueCodeResponse* response) override;
  grpc::Status ListCodes(grpc::ServerContext* context,
                         const admin::v1::ListCodesRequest* request,
                         admin::v1::ListCodesResponse* response) override;
  grpc::Status RevokeCode(grpc::ServerContext* context,
                          const admin::v1::RevokeCodeRequest* request,
                          admin::v1::RevokeCodeResponse* response) override;
  grpc::Status ListContainments(
      grpc::ServerContext* context,
      const admin::v1::ListContainmentsRequest* request,
      admin::v1::ListContainmentsResponse* response) override;
  grpc::Status AskExtension(grpc::ServerContext* context,
                            const admin::v1::AskExtensionRequest* request,
                            admin::v1::AskExtensionResponse* response) override;
  grpc::Status AgreeExtension(
      grpc::ServerContext* context,
      const admin::v1::AgreeExtensionRequest* request,
      admin::v1::AgreeExtensionResponse* response) override;
  grpc::Status LiftContainment(
      grpc::ServerContext* context,
      const admin::v1::LiftContainmentRequest* request,
      admin::v1::LiftContainmentResponse* response) override;
  grpc::Status ConfirmUnlock(
      grpc::ServerContext* context,
      const admin::v1::ConfirmUnlockRequest* request,
      admin::v1::ConfirmUnlockResponse* response) override;
  grpc::Status ListCases(grpc::ServerContext* context,
                         const admin::v1::ListCasesRequest* request,
                         admin::v1::ListCasesResponse* response) override;
  grpc::Status GetCase(grpc::ServerContext* context,
                       const admin::v1::GetCaseRequest* request,
                       admin::v1::GetCaseResponse* response) override;
  grpc::Status OpenCase(grpc::ServerContext* context,
                        const admin::v1::OpenCaseRequest* request,
                        admin::v1::OpenCaseResponse* response) override;
  grpc::Status ChangeCase(grpc::ServerContext* context,
                          const admin::v1::ChangeCaseRequest* request,
                          admin::v1::ChangeCaseResponse* response) override;
  grpc::Status CloseCase(grpc::ServerContext* context,
                         const admin::v1::CloseCaseRequest* request,
                         admin::v1::CloseCaseResponse* response) override;
  grpc::Status ReopenCase(grpc::ServerContext* context,
                          const admin::v1::ReopenCaseRequest* request,
                          admin::v1::ReopenCaseResponse* response) override;
  grpc::Status PlaceHold(grpc::ServerContext* context,
                         const admin::v1::PlaceHoldRequest* request,
                         admin::v1::PlaceHoldResponse* response) override;
  grpc::Status LiftHold(grpc::ServerContext* context,
                        const admin::v1::LiftHoldRequest* request,
                        admin::v1::LiftHoldResponse* response) override;
  grpc::Status ListReviews(grpc::ServerContext* context,
                           const admin::v1::ListReviewsRequest* request,
                           admin::v1::ListReviewsResponse* response) override;
  grpc::Status GetReview(grpc::ServerContext* context,
                         const admin::v1::GetReviewRequest* request,
                         admin::v1::GetReviewResponse* response) override;
  grpc::Status OpenReviewItem(
      grpc::ServerContext* context,
      const admin::v1::OpenReviewItemRequest* request,
      admin::v1::OpenReviewItemResponse* response) override;
  grpc::Status JudgeReviewItem(
      grpc::ServerContext* context,
      const admin::v1::JudgeReviewItemRequest* request,
      admin::v1::JudgeReviewItemResponse* response) override;
  grpc::Status SignReview(grpc::ServerContext* context,
                          const admin::v1::SignReviewRequest* request,
                          admin::v1::SignReviewResponse* response) override;
  grpc::Status GetReviewStatement(
      grpc::ServerContext* context,
      const admin::v1::GetReviewStatementRequest* request,
      admin::v1::GetReviewStatementResponse* response) override;
  grpc::Status ListSuppressions(
      grpc::ServerContext* context,
      const admin::v1::ListSuppressionsRequest* request,
      admin::v1::ListSuppressionsResponse* response) override;
  grpc::Status Suppress(grpc::ServerContext* context,
                        const admin::v1::SuppressRequest* request,
                        admin::v1::SuppressResponse* response) override;
  grpc::Status EndSuppression(
      grpc::ServerContext* context,
      const admin::v1::EndSuppressionRequest* request,
      admin::v1::EndSuppressionResponse* response) override;
  grpc::Status ListDevices(grpc::ServerContext* context,
                           const admin::v1::ListDevicesRequest* request,
                           admin::v1::ListDevicesResponse* response) override;
  grpc::Status ApproveDevice(
      grpc::ServerContext* context,
      const admin::v1::ApproveDeviceRequest* request,
      admin::v1::ApproveDeviceResponse* response) override;
  grpc::Status RevokeDevice(grpc::ServerContext* context,
                            const admin::v1::RevokeDeviceRequest* request,
                            admin::v1::RevokeDeviceResponse* response) override;
  grpc::Status ReportLost(grpc::ServerContext* context,
                          const admin::v1::ReportLostRequest* request,
                          admin::v1::ReportLostResponse* response) override;
  grpc::Status ReportFound(grpc::ServerContext* context,
                           const admin::v1::ReportFoundRequest* request,
                           admin::v1::ReportFoundResponse* response) override;
  grpc::Status ListEvents(grpc::ServerContext* context,
                          const admin::v1::ListEventsRequest* request,
                          admin::v1::ListEventsResponse* response) override;
  grpc::Status ExportEvents(
      grpc::ServerContext* context,
      const admin::v1::ExportEventsRequest* request,
      grpc::ServerWriter<admin::v1::ExportEventsResponse>* writer) override;
  grpc::Status ListAlerts(grpc::ServerContext* context,
                          const admin::v1::ListAlertsRequest* request,
                          admin::v1::ListAlertsResponse* response) override;
  grpc::Status GetSamples(grpc::ServerContext* context,
                          const admin::v1::GetSamplesRequest* request,
                          admin::v1::GetSamplesResponse* response) override;
  grpc::Status DecideRequest(
      grpc::ServerContext* context,
      const admin::v1::DecideRequestRequest* request,
      admin::v1::DecideRequestResponse* response) override;
  grpc::Status UpdateAlert(grpc::ServerContext* context,
                           const admin::v1::UpdateAlertRequest* request,
                           admin::v1::UpdateAlertResponse* response) override;
  grpc::Status ImportTerminals(
      grpc::ServerContext* context,
      const admin::v1::ImportTerminalsRequest* request,
      admin::v1::ImportTerminalsResponse* response) override;
  grpc::Status ListTerminals(
      grpc::ServerContext* context,
      const admin::v1::ListTerminalsRequest* request,
      admin::v1::ListTerminalsResponse* response) override;
  grpc::Status ListPeople(grpc::ServerContext* context,
                          const admin::v1::ListPeopleRequest* request,
                          admin::v1::ListPeopleResponse* response) override;
  grpc::Status ImportPeople(grpc::ServerContext* context,
                            const admin::v1::ImportPeopleRequest* request,
                            admin::v1::ImportPeopleResponse* response) override;
  grpc::Status MakePin(grpc::ServerContext* context,
                       const admin::v1::MakePinRequest* request,
                       admin::v1::MakePinResponse* response) override;
  grpc::Status MakePersonTotp(
      grpc::ServerContext* context,
      const admin::v1::MakePersonTotpRequest* request,
      admin::v1::MakePersonTotpResponse* response) override;
  grpc::Status RemovePerson(grpc::ServerContext* context,
                            const admin::v1::RemovePersonRequest* request,
                            admin::v1::RemovePersonResponse* response) override;
  grpc::Status ListDataSets(grpc::ServerContext* context,
                            const admin::v1::ListDataSetsRequest* request,
                            admin::v1::ListDataSetsResponse* response) override;
  grpc::Status PutDataSet(grpc::ServerContext* context,
                          const admin::v1::PutDataSetRequest* request,
                          admin::v1::PutDataSetResponse* response) override;
  grpc::Status RemoveDataSet(
      grpc::ServerContext* context,
      const admin::v1::RemoveDataSetRequest* request,
      admin::v1::RemoveDataSetResponse* response) override;
  grpc::Status RunInquiry(grpc::ServerContext* context,
                          const admin::v1::RunInquiryRequest* request,
                          admin::v1::RunInquiryResponse* response) override;
  grpc::Status ListInquiries(
      grpc::ServerContext* context,
      const admin::v1::ListInquiriesRequest* request,
      admin::v1::ListInquiriesResponse* response) override;
  grpc::Status GetInquiry(grpc::ServerContext* context,
                          const admin::v1::GetInquiryRequest* request,
                          admin::v1::GetInquiryResponse* response) override;
  grpc::Status CreateLogin(grpc::ServerContext* context,
                           const admin::v1::CreateLoginRequest* request,
                           admin::v1::CreateLoginResponse* response) override;
  grpc::Status ListUsers(grpc::ServerContext* context,
                         const admin::v1::ListUsersRequest* request,
                         admin::v1::ListUsersResponse* response) override;
  grpc::Status AddUser(grpc::ServerContext* context,
                       const admin::v1::AddUserRequest* request,
                       admin::v1::AddUserResponse* response) override;
  grpc::Status SetRoles(grpc::ServerContext* context,
                        const admin::v1::SetRolesRequest* request,
                        admin::v1::SetRolesResponse* response) override;
  grpc::Status SetScope(grpc::ServerContext* context,
                        const admin::v1::SetScopeRequest* request,
                        admin::v1::SetScopeResponse* response) override;
  grpc::Status LinkPerson(grpc::ServerContext* context,
                          const admin::v1::LinkPersonRequest* request,
                          admin::v1::LinkPersonResponse* response) override;
  grpc::Status DisableUser(grpc::ServerContext* context,
                           const admin::v1::DisableUserRequest* request,
                           admin::v1::DisableUserResponse* response) override;
  grpc::Status EnableUser(grpc::ServerContext* context,
                          const admin::v1::EnableUserRequest* request,
                          admin::v1::EnableUserResponse* response) override;
  grpc::Status ResetTotp(grpc::ServerContext* context,
                         const admin::v1::ResetTotpRequest* request,
                         admin::v1::ResetTotpResponse* response) override;
  grpc::Status MoveToProvider(
      grpc::ServerContext* context,
      const admin::v1::MoveToProviderRequest* request,
      admin::v1::MoveToProviderResponse* response) override;
  grpc::Status ListApiTokens(
      grpc::ServerContext* context,
      const admin::v1::ListApiTokensRequest* request,
      admin::v1::ListApiTokensResponse* response) override;
  grpc::Status AddApiToken(grpc::ServerContext* context,
                           const admin::v1::AddApiTokenRequest* request,
                           admin::v1::AddApiTokenResponse* response) override;
  grpc::Status RevokeApiToken(
      grpc::ServerContext* context,
      const admin::v1::RevokeApiTokenRequest* request,
      admin::v1::RevokeApiTokenResponse* response) override;

 private:
  core::Caller Who(const grpc::ServerContext& context) const {
    return who_is_(context.peer());
  }
  // The checkpoint that an export is made under. `whole`: of all agents.
  struct ExportLog {
    std::string checkpoint;  // told with the first part
    int64_t size = 0;
    bool whole = false;
  };
  Status ExportAgent(
      const store::Agent& agent, ExportLog& log,
      grpc::ServerWriter<admin::v1::ExportEventsResponse>& writer);
  Status AddProofs(const ExportLog& log, admin::v1::ExportEventsResponse& part);

  core::Desk& desk_;
  store::Store& store_;  // for the export alone: records, not rows
  core::Checkpoints& checkpoints_;
  const WhoIs who_is_;
  const core::ExportGate may_export_;
};

}  // namespace sekisho::service
