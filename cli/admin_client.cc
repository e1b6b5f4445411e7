#include "cli/admin_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <ctime>

#include "common/text.h"
#include "sekisho/admin/v1/admin_service.grpc.pb.h"

namespace sekisho::cli {
namespace {

constexpr const char* kDefaultSocket = "/run/sekisho-server/admin.sock";
constexpr auto kCallLimit = std::chrono::seconds(30);
// Reads years of events.
constexpr auto kInquiryLimit = std::chrono::minutes(10);

Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) {
    return {};
  }
  return Fail(static_cast<Code>(status.error_code()), status.error_message());
}

}  // namespace

Result<AdminArgs> ParseAdminArgs(std::span<const std::string_view> args,
                                 std::span<const std::string_view> known) {
  AdminArgs parsed;
  const char* from_environment = std::getenv("SEKISHO_ADMIN_SOCKET");
  parsed.socket = from_environment != nullptr && *from_environment != '\0'
                      ? from_environment
                      : kDefaultSocket;
  for (size_t i = 0; i < args.size(); ++i) {
    std::string_view arg = args[i];
    if (arg == "--json") {
      parsed.json = true;
      continue;
    }
    if (!arg.starts_with("--")) {
      parsed.words.emplace_back(arg);
      continue;
    }
    std::string_view value;
    const size_t equals = arg.find('=');
    const bool inline_value = equals != std::string_view::npos;
    if (inline_value) {
      value = arg.substr(equals + 1);
      arg = arg.substr(0, equals);
    }
    if (arg != "--socket" && std::ranges::find(known, arg) == known.end()) {
      return Fail(Code::kInvalidArgument,
                  "no such option: " + std::string(arg));
    }
    if (!inline_value) {
      if (i + 1 == args.size()) {
        return Fail(Code::kInvalidArgument,
                    std::string(arg) + " needs a value");
      }
      value = args[++i];
    }
    if (arg == "--socket") {
      parsed.socket = value;
    } else {
      parsed.options[std::string(arg)] = value;
    }
  }
  return parsed;
}

struct AdminClient::Connection {
  std::unique_ptr<admin::v1::AdminService::Stub> stub;

  template <typename Method, typename Request, typename Response>
  Status Do(Method method, const Request& request, Response& response,
            std::chrono::seconds limit = kCallLimit) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + limit);
    return FromGrpc((stub.get()->*method)(&context, request, &response));
  }
};

AdminClient::AdminClient(const std::string& socket)
    : connection_(std::make_unique<Connection>()) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(-1);  // our own server, local
  // A proxy in the environment is not for a local socket.
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  connection_->stub =
      admin::v1::AdminService::NewStub(grpc::CreateCustomChannel(
          "unix:" + socket, grpc::InsecureChannelCredentials(), arguments));
}
AdminClient::~AdminClient() = default;

using Stub = admin::v1::AdminService::Stub;

Status AdminClient::Do(const admin::v1::CreateTokenRequest& request,
                       admin::v1::CreateTokenResponse& response) {
  return connection_->Do(&Stub::CreateToken, request, response);
}
Status AdminClient::Do(const admin::v1::ListAgentsRequest& request,
                       admin::v1::ListAgentsResponse& response) {
  return connection_->Do(&Stub::ListAgents, request, response);
}
Status AdminClient::Do(const admin::v1::ApproveRenewalRequest& request,
                       admin::v1::ApproveRenewalResponse& response) {
  return connection_->Do(&Stub::ApproveRenewal, request, response);
}

Status AdminClient::Do(const admin::v1::RevokeAgentRequest& request,
                       admin::v1::RevokeAgentResponse& response) {
  return connection_->Do(&Stub::RevokeAgent, request, response);
}
Status AdminClient::Do(const admin::v1::PushPolicyRequest& request,
                       admin::v1::PushPolicyResponse& response) {
  return connection_->Do(&Stub::PushPolicy, request, response);
}
Status AdminClient::Do(const admin::v1::ListPolicyVersionsRequest& request,
                       admin::v1::ListPolicyVersionsResponse& response) {
  return connection_->Do(&Stub::ListPolicyVersions, request, response);
}
Status AdminClient::Do(const admin::v1::RollbackPolicyRequest& request,
                       admin::v1::RollbackPolicyResponse& response) {
  return connection_->Do(&Stub::RollbackPolicy, request, response);
}
Status AdminClient::Do(const admin::v1::GetRolloutRequest& request,
                       admin::v1::GetRolloutResponse& response) {
  return connection_->Do(&Stub::GetRollout, request, response);
}
Status AdminClient::Do(const admin::v1::ChangeRolloutRequest& request,
                       admin::v1::ChangeRolloutResponse& response) {
  return connection_->Do(&Stub::ChangeRollout, request, response);
}
Status AdminClient::Do(const admin::v1::GetRingsRequest& request,
                       admin::v1::GetRingsResponse& response) {
  return connection_->Do(&Stub::GetRings, request, response);
}
Status AdminClient::Do(const admin::v1::SetRingsRequest& request,
                       admin::v1::SetRingsResponse& response) {
  return connection_->Do(&Stub::SetRings, request, response);
}
Status AdminClient::Do(const admin::v1::PushUpgradeRequest& request,
                       admin::v1::PushUpgradeResponse& response) {
  return connection_->Do(&Stub::PushUpgrade, request, response);
}
Status AdminClient::Do(const admin::v1::AskUnlockRequest& request,
                       admin::v1::AskUnlockResponse& response) {
  return connection_->Do(&Stub::AskUnlock, request, response);
}
Status AdminClient::Do(const admin::v1::ConfirmUnlockRequest& request,
                       admin::v1::ConfirmUnlockResponse& response) {
  return connection_->Do(&Stub::ConfirmUnlock, request, response);
}
Status AdminClient::Do(const admin::v1::ContainRequest& request,
                       admin::v1::ContainResponse& response) {
  return connection_->Do(&Stub::Contain, request, response);
}
Status AdminClient::Do(const admin::v1::ListGrantsRequest& request,
                       admin::v1::ListGrantsResponse& response) {
  return connection_->Do(&Stub::ListGrants, request, response);
}
Status AdminClient::Do(const admin::v1::RevokeGrantRequest& request,
                       admin::v1::RevokeGrantResponse& response) {
  return connection_->Do(&Stub::RevokeGrant, request, response);
}
Status AdminClient::Do(const admin::v1::IssueCodeRequest& request,
                       admin::v1::IssueCodeResponse& response) {
  return connection_->Do(&Stub::IssueCode, request, response);
}
Status AdminClient::Do(const admin::v1::ListCodesRequest& request,
                       admin::v1::ListCodesResponse& response) {
  return connection_->Do(&Stub::ListCodes, request, response);
}
Status AdminClient::Do(const admin::v1::RevokeCodeRequest& request,
                       admin::v1::RevokeCodeResponse& response) {
  return connection_->Do(&Stub::RevokeCode, request, response);
}
Status AdminClient::Do(const admin::v1::ListContainmentsRequest& request,
                       admin::v1::ListContainmentsResponse& response) {
  return connection_->Do(&Stub::ListContainments, request, response);
}
Status AdminClient::Do(const admin::v1::AskExtensionRequest& request,
                       admin::v1::AskExtensionResponse& response) {
  return connection_->Do(&Stub::AskExtension, request, response);
}
Status AdminClient::Do(const admin::v1::AgreeExtensionRequest& request,
                       admin::v1::AgreeExtensionResponse& response) {
  return connection_->Do(&Stub::AgreeExtension, request, response);
}
Status AdminClient::Do(const admin::v1::LiftContainmentRequest& request,
                       admin::v1::LiftContainmentResponse& response) {
  return connection_->Do(&Stub::LiftContainment, request, response);
}
Status AdminClient::Do(const admin::v1::ListCasesRequest& request,
                       admin::v1::ListCasesResponse& response) {
  return connection_->Do(&Stub::ListCases, request, response);
}
Status AdminClient::Do(const admin::v1::GetCaseRequest& request,
                       admin::v1::GetCaseResponse& response) {
  return connection_->Do(&Stub::GetCase, request, response);
}
Status AdminClient::Do(const admin::v1::OpenCaseRequest& request,
                       admin::v1::OpenCaseResponse& response) {
  return connection_->Do(&Stub::OpenCase, request, response);
}
Status AdminClient::Do(const admin::v1::ChangeCaseRequest& request,
                       admin::v1::ChangeCaseResponse& response) {
  return connection_->Do(&Stub::ChangeCase, request, response);
}
Status AdminClient::Do(const admin::v1::CloseCaseRequest& request,
                       admin::v1::CloseCaseResponse& response) {
  return connection_->Do(&Stub::CloseCase, request, response);
}
Status AdminClient::Do(const admin::v1::ReopenCaseRequest& request,
                       admin::v1::ReopenCaseResponse& response) {
  return connection_->Do(&Stub::ReopenCase, request, response);
}
Status AdminClient::Do(const admin::v1::PlaceHoldRequest& request,
                       admin::v1::PlaceHoldResponse& response) {
  return connection_->Do(&Stub::PlaceHold, request, response);
}
Status AdminClient::Do(const admin::v1::LiftHoldRequest& request,
                       admin::v1::LiftHoldResponse& response) {
  return connection_->Do(&Stub::LiftHold, request, response);
}
Status AdminClient::Do(const admin::v1::GetDeviceContentsRequest& request,
                       admin::v1::GetDeviceContentsResponse& response) {
  return connection_->Do(&Stub::GetDeviceContents, request, response);
}
Status AdminClient::Do(const admin::v1::ConfirmDeviceRequest& request,
                       admin::v1::ConfirmDeviceResponse& response) {
  return connection_->Do(&Stub::ConfirmDevice, request, response);
}
Status AdminClient::Do(const admin::v1::ListReviewsRequest& request,
                       admin::v1::ListReviewsResponse& response) {
  return connection_->Do(&Stub::ListReviews, request, response);
}
Status AdminClient::Do(const admin::v1::GetReviewRequest& request,
                       admin::v1::GetReviewResponse& response) {
  return connection_->Do(&Stub::GetReview, request, response);
}
Status AdminClient::Do(const admin::v1::OpenReviewItemRequest& request,
                       admin::v1::OpenReviewItemResponse& response) {
  return connection_->Do(&Stub::OpenReviewItem, request, response);
}
Status AdminClient::Do(const admin::v1::JudgeReviewItemRequest& request,
                       admin::v1::JudgeReviewItemResponse& response) {
  return connection_->Do(&Stub::JudgeReviewItem, request, response);
}
Status AdminClient::Do(const admin::v1::SignReviewRequest& request,
                       admin::v1::SignReviewResponse& response) {
  return connection_->Do(&Stub::SignReview, request, response);
}
Status AdminClient::Do(const admin::v1::GetReviewStatementRequest& request,
                       admin::v1::GetReviewStatementResponse& response) {
  return connection_->Do(&Stub::GetReviewStatement, request, response);
}
Status AdminClient::Do(const admin::v1::ListSuppressionsRequest& request,
                       admin::v1::ListSuppressionsResponse& response) {
  return connection_->Do(&Stub::ListSuppressions, request, response);
}
Status AdminClient::Do(const admin::v1::SuppressRequest& request,
                       admin::v1::SuppressResponse& response) {
  return connection_->Do(&Stub::Suppress, request, response);
}
Status AdminClient::Do(const admin::v1::EndSuppressionRequest& request,
                       admin::v1::EndSuppressionResponse& response) {
  return connection_->Do(&Stub::EndSuppression, request, response);
}
Status AdminClient::Do(const admin::v1::ListDevicesRequest& request,
                       admin::v1::ListDevicesResponse& response) {
  return connection_->Do(&Stub::ListDevices, request, response);
}
Status AdminClient::Do(const admin::v1::ApproveDeviceRequest& request,
                       admin::v1::ApproveDeviceResponse& response) {
  return connection_->Do(&Stub::ApproveDevice, request, response);
}
Status AdminClient::Do(const admin::v1::RevokeDeviceRequest& request,
                       admin::v1::RevokeDeviceResponse& response) {
  return connection_->Do(&Stub::RevokeDevice, request, response);
}

Status AdminClient::Do(const admin::v1::ReportLostRequest& request,
                       admin::v1::ReportLostResponse& response) {
  return connection_->Do(&Stub::ReportLost, request, response);
}

Status AdminClient::Do(const admin::v1::ReportFoundRequest& request,
                       admin::v1::ReportFoundResponse& response) {
  return connection_->Do(&Stub::ReportFound, request, response);
}
Status AdminClient::Do(const admin::v1::ListEventsRequest& request,
                       admin::v1::ListEventsResponse& response) {
  return connection_->Do(&Stub::ListEvents, request, response);
}
Status AdminClient::Do(const admin::v1::GetSamplesRequest& request,
                       admin::v1::GetSamplesResponse& response) {
  return connection_->Do(&Stub::GetSamples, request, response);
}

Status AdminClient::Do(const admin::v1::ListAlertsRequest& request,
                       admin::v1::ListAlertsResponse& response) {
  return connection_->Do(&Stub::ListAlerts, request, response);
}
Status AdminClient::Do(const admin::v1::UpdateAlertRequest& request,
                       admin::v1::UpdateAlertResponse& response) {
  return connection_->Do(&Stub::UpdateAlert, request, response);
}
Status AdminClient::Do(const admin::v1::DecideRequestRequest& request,
                       admin::v1::DecideRequestResponse& response) {
  return connection_->Do(&Stub::DecideRequest, request, response);
}
Status AdminClient::Do(const admin::v1::ImportTerminalsRequest& request,
                       admin::v1::ImportTerminalsResponse& response) {
  return connection_->Do(&Stub::ImportTerminals, request, response);
}
Status AdminClient::Do(const admin::v1::ListTerminalsRequest& request,
                       admin::v1::ListTerminalsResponse& response) {
  return connection_->Do(&Stub::ListTerminals, request, response);
}
Status AdminClient::Do(const admin::v1::ListPeopleRequest& request,
                       admin::v1::ListPeopleResponse& response) {
  return connection_->Do(&Stub::ListPeople, request, response);
}
Status AdminClient::Do(const admin::v1::ImportPeopleRequest& request,
                       admin::v1::ImportPeopleResponse& response) {
  return connection_->Do(&Stub::ImportPeople, request, response);
}
Status AdminClient::Do(const admin::v1::MakePinRequest& request,
                       admin::v1::MakePinResponse& response) {
  return connection_->Do(&Stub::MakePin, request, response);
}
Status AdminClient::Do(const admin::v1::MakePersonTotpRequest& request,
                       admin::v1::MakePersonTotpResponse& response) {
  return connection_->Do(&Stub::MakePersonTotp, request, response);
}
Status AdminClient::Do(const admin::v1::RemovePersonRequest& request,
                       admin::v1::RemovePersonResponse& response) {
  return connection_->Do(&Stub::RemovePerson, request, response);
}
Status AdminClient::Do(const admin::v1::ListDataSetsRequest& request,
                       admin::v1::ListDataSetsResponse& response) {
  return connection_->Do(&Stub::ListDataSets, request, response);
}
Status AdminClient::Do(const admin::v1::PutDataSetRequest& request,
                       admin::v1::PutDataSetResponse& response) {
  return connection_->Do(&Stub::PutDataSet, request, response);
}
Status AdminClient::Do(const admin::v1::RemoveDataSetRequest& request,
                       admin::v1::RemoveDataSetResponse& response) {
  return connection_->Do(&Stub::RemoveDataSet, request, response);
}
Status AdminClient::Do(const admin::v1::RunInquiryRequest& request,
                       admin::v1::RunInquiryResponse& response) {
  return connection_->Do(&Stub::RunInquiry, request, response, kInquiryLimit);
}
Status AdminClient::Do(const admin::v1::ListInquiriesRequest& request,
                       admin::v1::ListInquiriesResponse& response) {
  return connection_->Do(&Stub::ListInquiries, request, response);
}
Status AdminClient::Do(const admin::v1::GetInquiryRequest& request,
                       admin::v1::GetInquiryResponse& response) {
  return connection_->Do(&Stub::GetInquiry, request, response);
}
Status AdminClient::Do(const admin::v1::ListUsersRequest& request,
                       admin::v1::ListUsersResponse& response) {
  return connection_->Do(&Stub::ListUsers, request, response);
}
Status AdminClient::Do(const admin::v1::AddUserRequest& request,
                       admin::v1::AddUserResponse& response) {
  return connection_->Do(&Stub::AddUser, request, response);
}
Status AdminClient::Do(const admin::v1::SetRolesRequest& request,
                       admin::v1::SetRolesResponse& response) {
  return connection_->Do(&Stub::SetRoles, request, response);
}
Status AdminClient::Do(const admin::v1::SetScopeRequest& request,
                       admin::v1::SetScopeResponse& response) {
  return connection_->Do(&Stub::SetScope, request, response);
}
Status AdminClient::Do(const admin::v1::LinkPersonRequest& request,
                       admin::v1::LinkPersonResponse& response) {
  return connection_->Do(&Stub::LinkPerson, request, response);
}
Status AdminClient::Do(const admin::v1::DisableUserRequest& request,
                       admin::v1::DisableUserResponse& response) {
  return connection_->Do(&Stub::DisableUser, request, response);
}
Status AdminClient::Do(const admin::v1::EnableUserRequest& request,
                       admin::v1::EnableUserResponse& response) {
  return connection_->Do(&Stub::EnableUser, request, response);
}
Status AdminClient::Do(const admin::v1::ResetTotpRequest& request,
                       admin::v1::ResetTotpResponse& response) {
  return connection_->Do(&Stub::ResetTotp, request, response);
}
Status AdminClient::Do(const admin::v1::MoveToProviderRequest& request,
                       admin::v1::MoveToProviderResponse& response) {
  return connection_->Do(&Stub::MoveToProvider, request, response);
}
Status AdminClient::Do(const admin::v1::ListApiTokensRequest& request,
                       admin::v1::ListApiTokensResponse& response) {
  return connection_->Do(&Stub::ListApiTokens, request, response);
}
Status AdminClient::Do(const admin::v1::AddApiTokenRequest& request,
                       admin::v1::AddApiTokenResponse& response) {
  return connection_->Do(&Stub::AddApiToken, request, response);
}
Status AdminClient::Do(const admin::v1::RevokeApiTokenRequest& request,
                       admin::v1::RevokeApiTokenResponse& response) {
  return connection_->Do(&Stub::RevokeApiToken, request, response);
}
Status AdminClient::Do(const admin::v1::CreateLoginRequest& request,
                       admin::v1::CreateLoginResponse& response) {
  return connection_->Do(&Stub::CreateLogin, request, response);
}

Status AdminClient::Export(
    const admin::v1::ExportEventsRequest& request,
    const std::function<Status(const admin::v1::ExportEventsResponse&)>& part) {
  grpc::ClientContext context;
  const auto reader = connection_->stub->ExportEvents(&context, request);
  admin::v1::ExportEventsResponse response;
  while (reader->Read(&response)) {
    if (auto used = part(response); !used) {
      context.TryCancel();
      (void)reader->Finish();
      return used;
    }
  }
  return FromGrpc(reader->Finish());
}

int Complain(const AdminArgs& args, const Error& error) {
  const bool unreachable =
      error.code == Code::kUnavailable || error.code == Code::kDeadlineExceeded;
  const std::string message =
      unreachable
          ? "cannot reach the server at " + args.socket + ": " + error.message
          : error.message;
  if (args.json) {
    std::printf("{\"error\":%s,\"code\":%d}\n", JsonQuote(message).c_str(),
                static_cast<int>(error.code));
  } else {
    // It may quote a policy file or a device; its own lines stay lines.
    std::string shown;
    for (const std::string_view line : Split(message, '\n')) {
      shown += EscapeUntrusted(line) + "\n";
    }
    std::fprintf(stderr, "sekisho: %s", shown.c_str());
  }
  return unreachable ? kUnreachable : kRefused;
}

int WrongUse(std::string_view usage, const std::string& why) {
  if (!why.empty()) {
    std::fprintf(stderr, "sekisho: %s\n", why.c_str());
  }
  std::fprintf(stderr, "%.*s", static_cast<int>(usage.size()), usage.data());
  return kWrongUse;
}

Result<admin::v1::Agent> FindAgent(AdminClient& client,
                                   const std::string& name) {
  std::vector<admin::v1::Agent> found;
  RETURN_IF_ERROR(ForEachRow<admin::v1::ListAgentsResponse>(
      client, admin::v1::ListAgentsRequest(), 1'000'000,
      [&](const admin::v1::ListAgentsResponse& page) {
        for (const admin::v1::Agent& agent : page.agents()) {
          if (agent.agent_id() == name ||
              (agent.terminal() == name && agent.state() != "revoked")) {
            found.push_back(agent);
          }
        }
        return page.agents_size();
      }));
  if (found.empty()) {
    return Fail(Code::kNotFound, "no agent or terminal " + name);
  }
  return found.front();
}

Result<std::string> AgentIdOf(AdminClient& client, const AdminArgs& args) {
  const std::string name = args.Get("--agent");
  if (name.empty()) {
    return name;
  }
  ASSIGN_OR_RETURN(const auto agent, FindAgent(client, name));
  return agent.agent_id();
}

Result<int64_t> ParseNumber(const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || at != end || number < 1) {
    return Fail(Code::kInvalidArgument,
                "'" + text + "' is not a number of at least 1");
  }
  return number;
}

Result<int64_t> ParseSeconds(const std::string& text) {
  int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, number);
  int64_t unit = 0;
  if (error == std::errc() && at + 1 == end) {
    switch (*at) {
      case 's':
        unit = 1;
        break;
      case 'm':
        unit = 60;
        break;
      case 'h':
        unit = 3600;
        break;
      case 'd':
        unit = 86'400;
        break;
      default:
        break;
    }
  }
  if (unit == 0 || number < 1 || number > 1'000'000) {
    return Fail(Code::kInvalidArgument,
                "'" + text + "' is not a time such as 90s, 30m, 8h or 7d");
  }
  return number * unit;
}

Result<int64_t> ParseTime(const std::string& text) {
  std::tm parts{};
  const char* end = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  if (end == nullptr || *end != '\0') {
    parts = {};
    end = strptime(text.c_str(), "%Y-%m-%d", &parts);
    parts.tm_hour = 24;  // the day's end; timegm carries it over
  }
  if (end == nullptr || *end != '\0') {
    return Fail(Code::kInvalidArgument,
                "'" + text +
                    "' is not a time such as 2026-12-31 or "
                    "2026-12-31T15:00:00Z");
  }
  return static_cast<int64_t>(timegm(&parts));
}

}  // namespace sekisho::cli
