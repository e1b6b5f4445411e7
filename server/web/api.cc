#include "server/web/api.h"

#include <algorithm>
#include <array>

#include "server/core/scopes.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

constexpr std::string_view kPrefix = "/api/v1/";

int HttpStatus(Code code) {
  switch (code) {
    case Code::kOk:
      return 200;
    case Code::kInvalidArgument:
    case Code::kOutOfRange:
      return 400;
    case Code::kUnauthenticated:
      return 401;
    case Code::kPermissionDenied:
      return 403;
    case Code::kNotFound:
      return 404;
    case Code::kAlreadyExists:
    case Code::kAborted:
    case Code::kFailedPrecondition:
      return 409;
    case Code::kResourceExhausted:
      return 429;
    case Code::kUnimplemented:
      return 501;
    case Code::kUnavailable:
      return 503;
    default:
      return 500;
  }
}

const char* CodeName(Code code) {
  switch (code) {
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kUnauthenticated:
      return "unauthenticated";
    case Code::kPermissionDenied:
      return "permission_denied";
    case Code::kNotFound:
      return "not_found";
    case Code::kAlreadyExists:
      return "already_exists";
    case Code::kFailedPrecondition:
      return "failed_precondition";
    case Code::kResourceExhausted:
      return "resource_exhausted";
    case Code::kUnavailable:
      return "unavailable";
    default:
      return "internal";
  }
}

// ---- routes ----

struct Route {
  std::string_view method;
  std::string_view path;  // below /api/v1/; a final "*" is one more part
  Result<json> (*handler)(const Call& call);
};

constexpr Route kRoutes[] = {
    {"GET", "overview", GetOverview},
    {"GET", "alerts", ListAlerts},
    {"GET", "alerts/*", GetAlert},
    {"POST", "alerts/*", UpdateAlert},
    {"POST", "alerts:update", UpdateAlerts},
    {"POST", "alerts:update_matching", UpdateMatchingAlerts},
    {"GET", "alerts:count", CountAlerts},
    {"GET", "alerts:groups", GroupAlerts},
    {"GET", "alerts:around/*", GetAround},
    {"GET", "searches", ListSearches},
    {"POST", "searches", SaveSearch},
    {"POST", "searches/*", ChangeSearch},
    {"POST", "searches:share/*", ShareSearch},
    {"POST", "searches:remove/*", RemoveSearch},
    {"GET", "cases", ListCases},
    {"POST", "cases", OpenCase},
    {"GET", "cases/*", GetCase},
    {"POST", "cases/*", ChangeCase},
    {"POST", "cases:close/*", CloseCase},
    {"POST", "cases:reopen/*", ReopenCase},
    {"POST", "cases:hold/*", PlaceHold},
    {"POST", "cases:release/*", LiftHold},
    {"GET", "reviews", ListReviews},
    {"GET", "reviews/*", GetReview},
    {"POST", "reviews:open/*", OpenReviewItem},
    {"POST", "reviews:judge/*", JudgeReviewItem},
    {"POST", "reviews:sign/*", SignReview},
    {"GET", "reviews:statement", GetReviewStatement},
    {"GET", "alerts:verdicts", ListVerdicts},
    {"GET", "suppressions", ListSuppressions},
    {"POST", "suppressions", Suppress},
    {"POST", "suppressions:end", EndSuppression},
    {"GET", "events", ListEvents},
    {"GET", "events/*", GetEvent},
    {"GET", "events:samples/*", GetSamples},
    {"GET", "devices", ListDevices},
    {"POST", "devices:approve", ApproveDevice},
    {"POST", "devices:revoke", RevokeDevice},
    {"GET", "devices:story", GetDeviceStory},
    {"GET", "devices:contents", GetDeviceContents},
    {"POST", "devices:confirm", ConfirmDevice},
    {"POST", "devices:lost", MarkLost},
    {"POST", "devices:found", ClearLost},
    {"POST", "requests:decide/*", DecideRequest},
    {"GET", "grants", ListGrants},
    {"POST", "grants:revoke", RevokeGrant},
    {"GET", "codes", ListCodes},
    {"POST", "codes:issue", IssueCode},
    {"POST", "codes:revoke", RevokeCode},
    {"GET", "agents", ListAgents},
    {"POST", "agents:revoke", RevokeAgent},
    {"POST", "agents:approve_renewal", ApproveRenewal},
    {"POST", "agents:unlock", AskUnlock},
    {"POST", "agents:confirm_unlock", ConfirmUnlock},
    {"POST", "tokens", CreateToken},
    {"GET", "containments", ListContainments},
    {"POST", "containments", Contain},
    {"POST", "containments:ask_extension", AskExtension},
    {"POST", "containments:agree_extension", AgreeExtension},
    {"POST", "containments:lift", LiftContainment},
    {"GET", "policies", ListPolicies},
    {"POST", "policies", PushPolicy},
    {"POST", "policies:rollback/*", RollbackPolicy},
    {"POST", "policies:check", CheckPolicy},
    {"POST", "policies:explain", ExplainPolicy},
    {"POST", "policies:try", TryPolicy},
    {"GET", "policies:rollout", GetRollout},
    {"POST", "policies:rollout", ChangeRollout},
    {"GET", "policies:rings", GetRings},
    {"POST", "policies:rings", SetRings},
    {"GET", "terminals", ListTerminals},
    {"POST", "terminals:preview", PreviewRegister},
    {"POST", "terminals:import", ImportRegister},
    {"GET", "people", ListPeople},
    {"POST", "people:preview", PreviewPeople},
    {"POST", "people:import", ImportPeople},
    {"POST", "people:pin", MakePin},
    {"POST", "people:totp", MakePersonTotp},
    {"POST", "people:remove", RemovePerson},
    {"GET", "data_sets", ListDataSets},
    {"GET", "sinks", ListSinks},
    {"POST", "data_sets:remove", RemoveDataSet},
    {"GET", "outages", ListSiteOutages},
    {"GET", "inquiries", ListInquiries},
    {"POST", "inquiries", RunInquiry},
    {"GET", "inquiries/*", GetInquiry},
    {"GET", "audit", ListAudit},
    {"GET", "users", ListUsers},
    {"POST", "users", AddUser},
    {"POST", "users:roles", SetRoles},
    {"POST", "users:scope", SetScope},
    {"POST", "users:link", LinkPerson},
    {"POST", "users:disable", DisableUser},
    {"POST", "users:enable", EnableUser},
    {"POST", "users:reset_totp", ResetTotp},
    {"POST", "users:use_provider", MoveToProvider},
    {"POST", "users:login", CreateLogin},
    {"GET", "sessions", ListSessions},
    {"POST", "sessions:end", EndSession},
    {"GET", "sessions:mine", ListMySessions},
    {"POST", "sessions:end_mine", EndMySession},
    {"GET", "api_tokens", ListApiTokens},
    {"POST", "api_tokens", AddApiToken},
    {"POST", "api_tokens:revoke", RevokeApiToken},
    {"GET", "api_tokens:mine", ListMyApiTokens},
    {"POST", "api_tokens:mine", AddMyApiToken},
    {"POST", "api_tokens:revoke_mine", RevokeMyApiToken},
};

// True if the route stands for the path; `rest` is what "*" stands for.
bool Matches(const Route& route, std::string_view path, std::string& rest) {
  if (!route.path.ends_with("*")) return path == route.path;
  const std::string_view stem = route.path.substr(0, route.path.size() - 1);
  if (!path.starts_with(stem)) return false;
  rest = path.substr(stem.size());
  return !rest.empty() && rest.find('/') == std::string::npos;
}

// ---- login, which has no session yet ----

// For the console, which shows only what will work; the desk decides.
json MayJson(const core::Session& session) {
  json names = json::array();
  for (const core::MethodRow& row : core::Methods()) {
    if (row.door == core::Door::kRoles && session.roles.HasAnyOf(row.roles) &&
        core::CheckReach(session.scope, row.method)) {
      names.push_back(row.name);
    }
  }
  return names;
}

json SessionJson(const core::Session& session) {
  return {{"user", session.user},
          {"roles", RolesJson(session.roles)},
          {"may", MayJson(session)},
          {"groups", ScopeJson(session.scope)},
          {"person", session.person_id},
          {"csrf", session.csrf},
          {"expire_time", FormatUtc(session.expire_time)},
          {"must_set_password", session.must_set_password},
          {"must_enrol_totp", session.must_enrol_totp},
          {"has_totp", session.has_totp},
          {"via_provider", session.via_provider}};
}

Result<Response> Login(core::Desk& desk, const Request& request) {
  ASSIGN_OR_RETURN(const json body, BodyOf(request));
  ASSIGN_OR_RETURN(const std::string code, Text(body, "code"));
  ASSIGN_OR_RETURN(const std::string factor, Text(body, "second_factor"));
  Result<core::Session> session = std::unexpected(Error{});
  if (!code.empty()) {
    session = desk.LoginWithCode(code, request.address, factor);
  } else {
    ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
    ASSIGN_OR_RETURN(const std::string password, Text(body, "password", true));
    session = desk.LoginWithPassword(user, password, request.address, factor);
  }
  if (!session) return std::unexpected(session.error());
  if (session->needs_second_factor) {
    return JsonResponse({{"needs_second_factor", true}});
  }
  Response response = JsonResponse(SessionJson(*session));
  response.headers.emplace_back("Set-Cookie", SetSessionCookie(session->token));
  return response;
}

constexpr std::array<std::string_view, 4> kOfSession = {
    "logout", "password", "totp:begin", "totp:confirm"};

Result<Response> WithSession(core::Desk& desk, const Request& request,
                             std::string_view action) {
  // A program with a token has no password and no second factor to change.
  if (request.session_token.empty() || !request.bearer.empty()) {
    return Fail(Code::kUnauthenticated, "not logged in");
  }
  if (action == "session") {
    ASSIGN_OR_RETURN(const core::Session session,
                     desk.FindSession(request.session_token));
    return JsonResponse(SessionJson(session));
  }
  if (action == "logout") {
    RETURN_IF_ERROR(desk.Logout(request.session_token));
    Response response = JsonResponse(json::object());
    response.headers.emplace_back("Set-Cookie", SetSessionCookie(""));
    return response;
  }
  if (action == "totp:begin") {
    ASSIGN_OR_RETURN(const json body, BeginTotp(desk, request));
    return JsonResponse(body);
  }
  if (action == "totp:confirm") {
    ASSIGN_OR_RETURN(const json body, ConfirmTotp(desk, request));
    return JsonResponse(body);
  }
  ASSIGN_OR_RETURN(const json body, BodyOf(request));
  ASSIGN_OR_RETURN(const std::string password, Text(body, "password", true));
  RETURN_IF_ERROR(desk.SetPassword(request.session_token, password));
  return JsonResponse(json::object());
}

// A page of another site can make a browser send a form, but neither a JSON
// content type nor our header nor our Origin.
Status CheckOrigin(const Request& request) {
  if (!request.content_type.starts_with("application/json")) {
    return Fail(Code::kInvalidArgument,
                "the content type must be application/json");
  }
  if (!request.origin.empty() && request.origin != "https://" + request.host) {
    return Fail(Code::kPermissionDenied, "request from another site");
  }
  return {};
}

Status CheckCsrf(core::Desk& desk, const Request& request) {
  ASSIGN_OR_RETURN(const core::Session session,
                   desk.FindSession(request.session_token));
  if (request.csrf.empty() || request.csrf != session.csrf) {
    return Fail(Code::kPermissionDenied,
                "the X-Sekisho-CSRF header does not fit the session");
  }
  return {};
}

Result<Response> Dispatch(Api& api, core::Desk& desk, const Request& request) {
  std::string_view path = request.path;
  path.remove_prefix(kPrefix.size());
  const bool is_change = request.method != "GET";
  if (is_change) RETURN_IF_ERROR(CheckOrigin(request));
  if (path == "login" && is_change) return Login(desk, request);
  if (IsSignInRoute(request.method, path)) {
    return SignInRoute(desk, request, path);
  }
  if (path == "session" && !is_change) {
    return WithSession(desk, request, path);
  }
  // No browser sends a bearer token by itself: there is nothing to forge.
  if (is_change && request.bearer.empty()) {
    RETURN_IF_ERROR(CheckCsrf(desk, request));
  }
  if (is_change && std::ranges::find(kOfSession, path) != kOfSession.end()) {
    return WithSession(desk, request, path);
  }
  ASSIGN_OR_RETURN(const core::Caller caller, api.CallerOf(request));
  bool known_path = false;
  for (const Route& route : kRoutes) {
    std::string rest;
    if (!Matches(route, path, rest)) continue;
    known_path = true;
    if (route.method != request.method) continue;
    ASSIGN_OR_RETURN(const json body,
                     route.handler(Call{desk, caller, request, rest}));
    return JsonResponse(body);
  }
  if (known_path) {
    return Fail(Code::kInvalidArgument,
                "method " + request.method + " is not for this path");
  }
  return Fail(Code::kNotFound, "there is no " + request.path);
}

}  // namespace

Response ErrorResponse(const Error& error) {
  Response response =
      JsonResponse({{"error",
                     {{"code", CodeName(error.code)},
                      {"message", EscapeUntrusted(error.message)}}}});
  response.status = HttpStatus(error.code);
  return response;
}

std::vector<std::pair<std::string_view, std::string_view>> Api::Routes() {
  std::vector<std::pair<std::string_view, std::string_view>> routes;
  for (const Route& route : kRoutes) {
    routes.emplace_back(route.method, route.path);
  }
  return routes;
}

bool Api::IsApiPath(std::string_view path) { return path.starts_with("/api/"); }

bool Api::MayWait(std::string_view path) {
  return path.starts_with("/api/v1/provider:");
}

Result<core::Caller> Api::CallerOf(const Request& request) {
  if (!request.bearer.empty()) {
    return desk_.UseApiToken(request.bearer, request.address,
                             request.method + " " + request.path);
  }
  if (request.session_token.empty()) {
    return Fail(Code::kUnauthenticated, "not logged in");
  }
  ASSIGN_OR_RETURN(const core::Session session,
                   desk_.FindSession(request.session_token));
  if (session.must_set_password) {
    return Fail(Code::kFailedPrecondition, "set a password first");
  }
  if (session.must_enrol_totp) {
    return Fail(Code::kFailedPrecondition, "enrol a second factor first");
  }
  core::Caller caller;
  caller.user = session.user;
  caller.roles = session.roles;
  caller.door = "console";
  caller.address = request.address;
  caller.session_id = session.id;
  caller.scope = session.scope;
  caller.also_named = session.also_named;
  return caller;
}

Response Api::Handle(const Request& request) {
  if (!request.path.starts_with(kPrefix)) {
    return ErrorResponse(Error{Code::kNotFound, "there is no " + request.path});
  }
  auto response = Dispatch(*this, desk_, request);
  return response ? std::move(*response) : ErrorResponse(response.error());
}

}  // namespace sekisho::web
