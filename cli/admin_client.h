// The server's admin socket, for the commands that manage it, and the words all
// of these commands share: options, exit codes, errors.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "sekisho/admin/v1/admin_service.pb.h"

namespace sekisho::cli {

inline constexpr int kDone = 0;
inline constexpr int kRefused = 1;
inline constexpr int kWrongUse = 2;
inline constexpr int kUnreachable = 3;

// Options of one command line. `--json` and `--socket PATH` are always known.
struct AdminArgs {
  bool json = false;
  std::string socket;
  std::vector<std::string> words;              // what is no option
  std::map<std::string, std::string> options;  // "--access" -> "inspect"

  std::string Get(const std::string& option) const {
    const auto it = options.find(option);
    return it == options.end() ? "" : it->second;
  }
};
// `known`: options that take a value. kInvalidArgument: wrong use.
Result<AdminArgs> ParseAdminArgs(std::span<const std::string_view> args,
                                 std::span<const std::string_view> known);

// Calls block; kUnavailable: the server cannot be reached.
class AdminClient {
 public:
  explicit AdminClient(const std::string& socket);
  ~AdminClient();
  AdminClient(AdminClient&&) = delete;

  template <typename Response, typename Request>
  Result<Response> Call(const Request& request) {
    Response response;
    RETURN_IF_ERROR(Do(request, response));
    return response;
  }
  Status Export(
      const admin::v1::ExportEventsRequest& request,
      const std::function<Status(const admin::v1::ExportEventsResponse&)>&
          part);

 private:
  Status Do(const admin::v1::CreateTokenRequest& request,
            admin::v1::CreateTokenResponse& response);
  Status Do(const admin::v1::ListAgentsRequest& request,
            admin::v1::ListAgentsResponse& response);
  Status Do(const admin::v1::RevokeAgentRequest& request,
            admin::v1::RevokeAgentResponse& response);
  Status Do(const admin::v1::ApproveRenewalRequest& request,
            admin::v1::ApproveRenewalResponse& response);
  Status Do(const admin::v1::PushPolicyRequest& request,
            admin::v1::PushPolicyResponse& response);
  Status Do(const admin::v1::ListPolicyVersionsRequest& request,
            admin::v1::ListPolicyVersionsResponse& response);
  Status Do(const admin::v1::RollbackPolicyRequest& request,
            admin::v1::RollbackPolicyResponse& response);
  Status Do(const admin::v1::GetRolloutRequest& request,
            admin::v1::GetRolloutResponse& response);
  Status Do(const admin::v1::ChangeRolloutRequest& request,
            admin::v1::ChangeRolloutResponse& response);
  Status Do(const admin::v1::GetRingsRequest& request,
            admin::v1::GetRingsResponse& response);
  Status Do(const admin::v1::SetRingsRequest& request,
            admin::v1::SetRingsResponse& response);
  Status Do(const admin::v1::PushUpgradeRequest& request,
            admin::v1::PushUpgradeResponse& response);
  Status Do(const admin::v1::AskUnlockRequest& request,
            admin::v1::AskUnlockResponse& response);
  Status Do(const admin::v1::ConfirmUnlockRequest& request,
            admin::v1::ConfirmUnlockResponse& response);
  Status Do(const admin::v1::ContainRequest& request,
            admin::v1::ContainResponse& response);
  Status Do(const admin::v1::ListGrantsRequest& request,
            admin::v1::ListGrantsResponse& response);
  Status Do(const admin::v1::RevokeGrantRequest& request,
            admin::v1::RevokeGrantResponse& response);
  Status Do(const admin::v1::IssueCodeRequest& request,
            admin::v1::IssueCodeResponse& response);
  Status Do(const admin::v1::ListCodesRequest& request,
            admin::v1::ListCodesResponse& response);
  Status Do(const admin::v1::RevokeCodeRequest& request,
            admin::v1::RevokeCodeResponse& response);
  Status Do(const admin::v1::ListContainmentsRequest& request,
            admin::v1::ListContainmentsResponse& response);
  Status Do(const admin::v1::AskExtensionRequest& request,
            admin::v1::AskExtensionResponse& response);
  Status Do(const admin::v1::AgreeExtensionRequest& request,
            admin::v1::AgreeExtensionResponse& response);
  Status Do(const admin::v1::LiftContainmentRequest& request,
            admin::v1::LiftContainmentResponse& response);
  Status Do(const admin::v1::ListCasesRequest& request,
            admin::v1::ListCasesResponse& response);
  Status Do(const admin::v1::GetCaseRequest& request,
            admin::v1::GetCaseResponse& response);
  Status Do(const admin::v1::OpenCaseRequest& request,
            admin::v1::OpenCaseResponse& response);
  Status Do(const admin::v1::ChangeCaseRequest& request,
            admin::v1::ChangeCaseResponse& response);
  Status Do(const admin::v1::CloseCaseRequest& request,
            admin::v1::CloseCaseResponse& response);
  Status Do(const admin::v1::ReopenCaseRequest& request,
            admin::v1::ReopenCaseResponse& response);
  Status Do(const admin::v1::PlaceHoldRequest& request,
            admin::v1::PlaceHoldResponse& response);
  Status Do(const admin::v1::LiftHoldRequest& request,
            admin::v1::LiftHoldResponse& response);
  Status Do(const admin::v1::GetDeviceContentsRequest& request,
            admin::v1::GetDeviceContentsResponse& response);
  Status Do(const admin::v1::ConfirmDeviceRequest& request,
            admin::v1::ConfirmDeviceResponse& response);
  Status Do(const admin::v1::ListReviewsRequest& request,
            admin::v1::ListReviewsResponse& response);
  Status Do(const admin::v1::GetReviewRequest& request,
            admin::v1::GetReviewResponse& response);
  Status Do(const admin::v1::OpenReviewItemRequest& request,
            admin::v1::OpenReviewItemResponse& response);
  Status Do(const admin::v1::JudgeReviewItemRequest& request,
            admin::v1::JudgeReviewItemResponse& response);
  Status Do(const admin::v1::SignReviewRequest& request,
            admin::v1::SignReviewResponse& response);
  Status Do(const admin::v1::GetReviewStatementRequest& request,
            admin::v1::GetReviewStatementResponse& response);
  Status Do(const admin::v1::ListSuppressionsRequest& request,
            admin::v1::ListSuppressionsResponse& response);
  Status Do(const admin::v1::SuppressRequest& request,
            admin::v1::SuppressResponse& response);
  Status Do(const admin::v1::EndSuppressionRequest& request,
            admin::v1::EndSuppressionResponse& response);
  Status Do(const admin::v1::ListDevicesRequest& request,
            admin::v1::ListDevicesResponse& response);
  Status Do(const admin::v1::ApproveDeviceRequest& request,
            admin::v1::ApproveDeviceResponse& response);
  Status Do(const admin::v1::RevokeDeviceRequest& request,
            admin::v1::RevokeDeviceResponse& response);
  Status Do(const admin::v1::ReportLostRequest& request,
            admin::v1::ReportLostResponse& response);
  Status Do(const admin::v1::ReportFoundRequest& request,
            admin::v1::ReportFoundResponse& response);
  Status Do(const admin::v1::ListEventsRequest& request,
            admin::v1::ListEventsResponse& response);
  Status Do(const admin::v1::GetSamplesRequest& request,
            admin::v1::GetSamplesResponse& response);
  Status Do(const admin::v1::ListAlertsRequest& request,
            admin::v1::ListAlertsResponse& response);
  Status Do(const admin::v1::UpdateAlertRequest& request,
            admin::v1::UpdateAlertResponse& response);
  Status Do(const admin::v1::DecideRequestRequest& request,
            admin::v1::DecideRequestResponse& response);
  Status Do(const admin::v1::ImportTerminalsRequest& request,
            admin::v1::ImportTerminalsResponse& response);
  Status Do(const admin::v1::ListTerminalsRequest& request,
            admin::v1::ListTerminalsResponse& response);
  Status Do(const admin::v1::ListPeopleRequest& request,
            admin::v1::ListPeopleResponse& response);
  Status Do(const admin::v1::ImportPeopleRequest& request,
            admin::v1::ImportPeopleResponse& response);
  Status Do(const admin::v1::MakePinRequest& request,
            admin::v1::MakePinResponse& response);
  Status Do(const admin::v1::MakePersonTotpRequest& request,
            admin::v1::MakePersonTotpResponse& response);
  Status Do(const admin::v1::RemovePersonRequest& request,
            admin::v1::RemovePersonResponse& response);
  Status Do(const admin::v1::ListDataSetsRequest& request,
            admin::v1::ListDataSetsResponse& response);
  Status Do(const admin::v1::PutDataSetRequest& request,
            admin::v1::PutDataSetResponse& response);
  Status Do(const admin::v1::RemoveDataSetRequest& request,
            admin::v1::RemoveDataSetResponse& response);
  Status Do(const admin::v1::RunInquiryRequest& request,
            admin::v1::RunInquiryResponse& response);
  Status Do(const admin::v1::ListInquiriesRequest& request,
            admin::v1::ListInquiriesResponse& response);
  Status Do(const admin::v1::GetInquiryRequest& request,
            admin::v1::GetInquiryResponse& response);
  Status Do(const admin::v1::CreateLoginRequest& request,
            admin::v1::CreateLoginResponse& response);
  Status Do(const admin::v1::ListUsersRequest& request,
            admin::v1::ListUsersResponse& response);
  Status Do(const admin::v1::AddUserRequest& request,
            admin::v1::AddUserResponse& response);
  Status Do(const admin::v1::SetRolesRequest& request,
            admin::v1::SetRolesResponse& response);
  Status Do(const admin::v1::SetScopeRequest& request,
            admin::v1::SetScopeResponse& response);
  Status Do(const admin::v1::LinkPersonRequest& request,
            admin::v1::LinkPersonResponse& response);
  Status Do(const admin::v1::DisableUserRequest& request,
            admin::v1::DisableUserResponse& response);
  Status Do(const admin::v1::EnableUserRequest& request,
            admin::v1::EnableUserResponse& response);
  Status Do(const admin::v1::ResetTotpRequest& request,
            admin::v1::ResetTotpResponse& response);
  Status Do(const admin::v1::MoveToProviderRequest& request,
            admin::v1::MoveToProviderResponse& response);
  Status Do(const admin::v1::ListApiTokensRequest& request,
            admin::v1::ListApiTokensResponse& response);
  Status Do(const admin::v1::AddApiTokenRequest& request,
            admin::v1::AddApiTokenResponse& response);
  Status Do(const admin::v1::RevokeApiTokenRequest& request,
            admin::v1::RevokeApiTokenResponse& response);

  struct Connection;
  std::unique_ptr<Connection> connection_;
};

// Prints "sekisho: message" (with `--json`: {"error","code"} on stdout) and
// gives the exit code.
int Complain(const AdminArgs& args, const Error& error);
// Prints the usage on stderr; exit code 2.
int WrongUse(std::string_view usage, const std::string& why = "");

// All pages of a list, up to `limit` rows.
template <typename Response, typename Request, typename Row>
Status ForEachRow(AdminClient& client, Request request, int limit, Row row) {
  while (limit > 0) {
    request.set_page_size(limit < 500 ? limit : 500);
    ASSIGN_OR_RETURN(const Response page,
                     client.template Call<Response>(request));
    limit -= row(page);
    if (page.next_page_token().empty()) {
      break;
    }
    request.set_page_token(page.next_page_token());
  }
  return {};
}

// An agent by its id or, if one that is not revoked has it, its terminal's
// name. kNotFound.
Result<admin::v1::Agent> FindAgent(AdminClient& client,
                                   const std::string& name);

// The agent's id for --agent; empty without the option.
Result<std::string> AgentIdOf(AdminClient& client, const AdminArgs& args);

// "90s", "30m", "8h", "7d".
Result<int64_t> ParseSeconds(const std::string& text);
// "2026-12-31T15:00:00Z" or "2026-12-31" (its end, UTC): seconds since 1970.
Result<int64_t> ParseTime(const std::string& text);
// A whole number of at least 1.
Result<int64_t> ParseNumber(const std::string& text);

}  // namespace sekisho::cli
