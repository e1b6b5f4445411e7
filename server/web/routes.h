// What stands behind the routes of api.cc: one function each, by theme, and how
// they read what the browser sent. An error is answered as api.h says.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/text.h"
#include "server/core/queries.h"
#include "server/web/message.h"

namespace sekisho::web {

using nlohmann::json;

struct Call {
  core::Desk& desk;
  const core::Caller& caller;
  const Request& request;
  std::string rest;  // what stands for "*" in the route
};

// ---- reading; each error names the field ----

Result<json> BodyOf(const Request& request);
// Empty if it is not there and not `required`.
Result<std::string> Text(const json& body, const char* name,
                         bool required = false);
Result<int64_t> Number(std::string_view text, std::string_view name);
// A whole number of the body, if it is there.
Result<std::optional<int64_t>> MaybeNumber(const json& body, const char* name);
std::string Query(const Request& request, std::string_view name);
Result<core::Paging> PagingOf(const Request& request);
Result<std::optional<WallTime>> TimeOf(const Request& request,
                                       std::string_view name);
// `name`: a list of words with commas, or nothing.
template <typename T>
Result<std::vector<T>> WordsOf(const Request& request, std::string_view name,
                               std::optional<T> (*parse)(std::string_view)) {
  std::vector<T> values;
  const std::string text = Query(request, name);
  if (text.empty()) return values;
  for (const std::string_view word : Split(text, ',')) {
    const auto value = parse(word);
    if (!value) {
      return Fail(Code::kInvalidArgument, std::string(name) +
                                              ": no such word '" +
                                              EscapeUntrusted(word, 64) + "'");
    }
    values.push_back(*value);
  }
  return values;
}

// ---- writing what several routes share ----

json CountsJson(const core::TransferCounts& counts);
json ToJson(const core::SpanCounts& span);

// ---- overview_routes.cc ----
Result<json> GetOverview(const Call& call);

// ---- alert_routes.cc ----
Result<json> ListAlerts(const Call& call);
Result<json> GetAlert(const Call& call);
Result<json> UpdateAlert(const Call& call);
Result<json> UpdateAlerts(const Call& call);
Result<json> UpdateMatchingAlerts(const Call& call);
Result<json> CountAlerts(const Call& call);
Result<json> GroupAlerts(const Call& call);
Result<json> GetAround(const Call& call);
Result<json> ListEvents(const Call& call);
Result<json> GetEvent(const Call& call);
Result<json> GetSamples(const Call& call);

// ---- search_routes.cc ----
// An object of texts in the body.
Result<std::map<std::string, std::string>> TextsOf(const json& body,
                                                   const char* name);
Result<json> ListSearches(const Call& call);
Result<json> SaveSearch(const Call& call);
Result<json> ChangeSearch(const Call& call);
Result<json> ShareSearch(const Call& call);
Result<json> RemoveSearch(const Call& call);

// ---- case_routes.cc ----
Result<json> ListCases(const Call& call);
Result<json> GetCase(const Call& call);
Result<json> OpenCase(const Call& call);
Result<json> ChangeCase(const Call& call);
Result<json> CloseCase(const Call& call);
Result<json> ReopenCase(const Call& call);
Result<json> PlaceHold(const Call& call);
Result<json> LiftHold(const Call& call);

// ---- duty_routes.cc ----
Result<json> ListReviews(const Call& call);
Result<json> GetReview(const Call& call);
Result<json> OpenReviewItem(const Call& call);
Result<json> JudgeReviewItem(const Call& call);
Result<json> SignReview(const Call& call);
Result<json> GetReviewStatement(const Call& call);
Result<json> ListVerdicts(const Call& call);
Result<json> ListSuppressions(const Call& call);
Result<json> Suppress(const Call& call);
Result<json> EndSuppression(const Call& call);

// ---- device_routes.cc ----
Result<json> ListDevices(const Call& call);
Result<json> ApproveDevice(const Call& call);
Result<json> RevokeDevice(const Call& call);
Result<json> GetDeviceStory(const Call& call);
Result<json> GetDeviceContents(const Call& call);
Result<json> ConfirmDevice(const Call& call);
Result<json> MarkLost(const Call& call);
Result<json> ClearLost(const Call& call);
Result<json> DecideRequest(const Call& call);

// ---- terminal_routes.cc ----
Result<json> ListAgents(const Call& call);
Result<json> RevokeAgent(const Call& call);
Result<json> ApproveRenewal(const Call& call);
Result<json> AskUnlock(const Call& call);
Result<json> ConfirmUnlock(const Call& call);
Result<json> CreateToken(const Call& call);
Result<json> ListAudit(const Call& call);

// ---- report_routes.cc ----
Result<json> PreviewRegister(const Call& call);
Result<json> ImportRegister(const Call& call);
Result<json> ListTerminals(const Call& call);
Result<json> ListSiteOutages(const Call& call);
Result<json> RunInquiry(const Call& call);
Result<json> ListInquiries(const Call& call);
Result<json> GetInquiry(const Call& call);

json RegisterJson(const core::RegisterImport& import);

// ---- people_routes.cc ----
Result<json> ListPeople(const Call& call);
Result<json> PreviewPeople(const Call& call);
Result<json> ImportPeople(const Call& call);
Result<json> MakePin(const Call& call);
Result<json> MakePersonTotp(const Call& call);
Result<json> RemovePerson(const Call& call);
Result<json> ListDataSets(const Call& call);
Result<json> ListSinks(const Call& call);
Result<json> RemoveDataSet(const Call& call);

// ---- account_routes.cc ----
json RolesJson(core::Roles roles);
json ScopeJson(const core::Scope& scope);  // null: the whole fleet
Result<json> ListUsers(const Call& call);
Result<json> AddUser(const Call& call);
Result<json> SetRoles(const Call& call);
Result<json> SetScope(const Call& call);
Result<json> LinkPerson(const Call& call);
Result<json> DisableUser(const Call& call);
Result<json> EnableUser(const Call& call);
Result<json> ResetTotp(const Call& call);
Result<json> MoveToProvider(const Call& call);
Result<json> CreateLogin(const Call& call);
Result<json> ListSessions(const Call& call);
Result<json> EndSession(const Call& call);
Result<json> ListMySessions(const Call& call);
Result<json> EndMySession(const Call& call);
Result<json> ListApiTokens(const Call& call);
Result<json> AddApiToken(const Call& call);
Result<json> RevokeApiToken(const Call& call);
Result<json> ListMyApiTokens(const Call& call);
Result<json> AddMyApiToken(const Call& call);
Result<json> RevokeMyApiToken(const Call& call);
// Of the session's own user.
Result<json> BeginTotp(core::Desk& desk, const Request& request);
Result<json> ConfirmTotp(core::Desk& desk, const Request& request);

// ---- sign_in_routes.cc: before there is a session ----
std::string SetSessionCookie(std::string_view token);
// A browser that comes back from the provider is sent on to the console, with
// a session or with what went wrong.
Result<Response> SignInRoute(core::Desk& desk, const Request& request,
                             std::string_view path);
bool IsSignInRoute(std::string_view method, std::string_view path);
Response JsonResponse(const json& body);

// ---- grant_routes.cc ----
Result<json> ListGrants(const Call& call);
Result<json> RevokeGrant(const Call& call);

// ---- code_routes.cc ----
Result<json> ListCodes(const Call& call);
Result<json> IssueCode(const Call& call);
Result<json> RevokeCode(const Call& call);

// ---- contain_routes.cc ----
Result<json> ListContainments(const Call& call);
Result<json> Contain(const Call& call);
Result<json> AskExtension(const Call& call);
Result<json> AgreeExtension(const Call& call);
Result<json> LiftContainment(const Call& call);

// ---- policy_routes.cc ----
Result<json> ListPolicies(const Call& call);
Result<json> PushPolicy(const Call& call);
Result<json> RollbackPolicy(const Call& call);
Result<json> CheckPolicy(const Call& call);
Result<json> ExplainPolicy(const Call& call);
Result<json> TryPolicy(const Call& call);

// ---- rollout_routes.cc ----
Result<json> GetRollout(const Call& call);
Result<json> ChangeRollout(const Call& call);
Result<json> GetRings(const Call& call);
Result<json> SetRings(const Call& call);

}  // namespace sekisho::web
