#include "server/web/api.h"

#include <charconv>
#include <nlohmann/json.hpp>
#include <span>

#include "common/text.h"
#include "server/web/json.h"

namespace sekisho::web {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "/api/v1/";
// Longer than any approval should stand; also keeps the sum in range.
constexpr int64_t kMaxExpirySeconds = int64_t{10} * 366 * 24 * 3600;

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

Response JsonResponse(const json& body) {
  Response response;
  // `replace` keeps hostile bytes from breaking the answer.
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

// ---- reading what the browser sent ----

Result<json> BodyOf(const Request& request) {
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) {
    return Fail(Code::kInvalidArgument, "the body must be a JSON object");
  }
  return body;
}

Result<std::string> Text(const json& body, const char* name,
                         bool required = false) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) {
    if (required) {
      return Fail(Code::kInvalidArgument,
                  std::string("'") + name + "' is missing");
    }
    return std::string();
  }
  if (!found->is_string()) {
    return Fail(Code::kInvalidArgument,
                std::string("'") + name + "' must be text");
  }
  return found->get<std::string>();
}

Result<int64_t> Number(std::string_view text, std::string_view name) {
  int64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Fail(Code::kInvalidArgument,
                std::string(name) + " must be a whole number");
  }
  return value;
}

std::string Query(const Request& request, std::string_view name) {
  const auto found = request.query.find(name);
  return found == request.query.end() ? std::string() : found->second;
}

Result<core::Paging> PagingOf(const Request& request) {
  core::Paging paging;
  paging.token = Query(request, "page_token");
  if (const std::string size = Query(request, "page_size"); !size.empty()) {
    ASSIGN_OR_RETURN(const int64_t value, Number(size, "page_size"));
    if (value < 1 || value > core::kMaxPageSize) {
      return Fail(Code::kInvalidArgument, "page_size must be 1 to 1000");
    }
    paging.size = static_cast<int>(value);
  }
  return paging;
}

std::optional<core::AlertState> ParseAlertState(std::string_view word) {
  for (const auto state :
       {core::AlertState::kNew, core::AlertState::kAcknowledged,
        core::AlertState::kInProgress, core::AlertState::kClosed}) {
    if (word == core::Name(state)) return state;
  }
  return std::nullopt;
}

// `"expire_seconds": 86400` from now, or nothing.
Result<std::optional<WallTime>> ExpiryOf(const json& body) {
  const auto found = body.find("expire_seconds");
  if (found == body.end() || found->is_null()) return std::nullopt;
  const int64_t seconds =
      found->is_number_integer() ? found->get<int64_t>() : 0;
  if (seconds <= 0 || seconds > kMaxExpirySeconds) {
    return Fail(Code::kInvalidArgument,
                "'expire_seconds' must be a whole number of seconds, at most "
                "ten years");
  }
  return SystemClock().Now() + std::chrono::seconds(seconds);
}

// ---- routes ----

struct Call {
  core::Desk& desk;
  const core::Caller& caller;
  const Request& request;
  std::string rest;  // what stands for "*" in the route
};

Result<json> ListAlerts(const Call& call) {
  core::AlertFilter filter;
  filter.with_events = true;
  filter.severity = Query(call.request, "severity");
  filter.kind = Query(call.request, "kind");
  filter.terminal = Query(call.request, "terminal");
  filter.assignee = Query(call.request, "assignee");
  if (const std::string states = Query(call.request, "state");
      !states.empty()) {
    for (const std::string_view word : Split(states, ',')) {
      const auto state = ParseAlertState(word);
      if (!state) {
        return Fail(Code::kInvalidArgument,
                    "state must be new, acknowledged, in_progress or closed");
      }
      filter.states.push_back(*state);
    }
  }
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListAlerts(call.caller, filter, paging));
  return ToJson(page);
}

Result<json> GetAlert(const Call& call) {
  core::AlertFilter filter;
  filter.with_events = true;
  ASSIGN_OR_RETURN(filter.alert_id, Number(call.rest, "alert id"));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListAlerts(call.caller, filter, {}));
  if (page.rows.empty()) {
    return Fail(Code::kNotFound, "there is no alert " + call.rest);
  }
  return ToJson(page.rows.front());
}

Result<json> UpdateAlert(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::AlertChange change;
  ASSIGN_OR_RETURN(change.alert_id, Number(call.rest, "alert id"));
  ASSIGN_OR_RETURN(const std::string state, Text(body, "state"));
  if (!state.empty()) {
    change.state = ParseAlertState(state);
    if (!change.state) {
      return Fail(Code::kInvalidArgument,
                  "state must be new, acknowledged, in_progress or closed");
    }
  }
  if (body.contains("assignee")) {
    ASSIGN_OR_RETURN(change.assignee, Text(body, "assignee"));
  }
  ASSIGN_OR_RETURN(const std::string verdict, Text(body, "verdict"));
  if (!verdict.empty()) change.verdict = verdict;
  ASSIGN_OR_RETURN(change.comment, Text(body, "comment"));
  ASSIGN_OR_RETURN(const auto alert,
                   call.desk.UpdateAlert(call.caller, change));
  return ToJson(alert);
}

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

Result<std::optional<WallTime>> TimeOf(const Request& request,
                                       std::string_view name) {
  const std::string text = Query(request, name);
  if (text.empty()) return std::nullopt;
  const auto time = ParseUtc(text);
  if (!time) {
    return Fail(
        Code::kInvalidArgument,
        std::string(name) + " must be a time like 2026-12-31T15:00:00Z");
  }
  return time;
}

Result<json> ListEvents(const Call& call) {
  core::EventFilter filter;
  filter.agent_id = Query(call.request, "agent_id");
  filter.terminal = Query(call.request, "terminal");
  filter.person = Query(call.request, "person");
  filter.device_id = Query(call.request, "device_id");
  ASSIGN_OR_RETURN(filter.kinds, WordsOf(call.request, "kind", ParseKind));
  ASSIGN_OR_RETURN(filter.outcomes,
                   WordsOf(call.request, "outcome", ParseOutcome));
  ASSIGN_OR_RETURN(filter.from, TimeOf(call.request, "from"));
  ASSIGN_OR_RETURN(filter.to, TimeOf(call.request, "to"));
  if (const std::string after = Query(call.request, "after_row_id");
      !after.empty()) {
    ASSIGN_OR_RETURN(filter.after_row_id, Number(after, "after_row_id"));
  }
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListEvents(call.caller, filter, paging));
  return ToJson(page);
}

Result<json> GetEvent(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t row_id, Number(call.rest, "event id"));
  ASSIGN_OR_RETURN(const auto event, call.desk.GetEvent(call.caller, row_id));
  return ToJson(event);
}

Result<json> ListDevices(const Call& call) {
  core::DeviceFilter filter;
  filter.device_id = Query(call.request, "device_id");
  filter.terminal = Query(call.request, "terminal");
  filter.only_approved = Query(call.request, "approved") == "true";
  filter.only_unapproved = Query(call.request, "approved") == "false";
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListDevices(call.caller, filter, paging));
  return ToJson(page);
}

Result<json> ApproveDevice(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::Approval approval;
  ASSIGN_OR_RETURN(approval.device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(approval.access, Text(body, "access", true));
  ASSIGN_OR_RETURN(approval.terminal, Text(body, "terminal"));
  ASSIGN_OR_RETURN(approval.owner, Text(body, "owner"));
  ASSIGN_OR_RETURN(approval.purpose, Text(body, "purpose"));
  ASSIGN_OR_RETURN(approval.ticket, Text(body, "ticket"));
  ASSIGN_OR_RETURN(approval.expire_time, ExpiryOf(body));
  ASSIGN_OR_RETURN(const int64_t version,
                   call.desk.ApproveDevice(call.caller, approval));
  return json{{"version", version}};
}

Result<json> RevokeDevice(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(const int64_t version,
                   call.desk.RevokeDevice(call.caller, device_id));
  return json{{"version", version}};
}

// {"answer": "approve"|"deny", "access", "seconds", "scope", "reason"}
Result<json> DecideRequest(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::RequestDecision decision;
  ASSIGN_OR_RETURN(decision.alert_id, Number(call.rest, "request id"));
  ASSIGN_OR_RETURN(const std::string answer, Text(body, "answer", true));
  ASSIGN_OR_RETURN(const std::string scope, Text(body, "scope"));
  if ((answer != "approve" && answer != "deny") ||
      (!scope.empty() && scope != "terminal" && scope != "everywhere")) {
    return Fail(Code::kInvalidArgument,
                "answer is approve or deny, scope terminal or everywhere");
  }
  if (answer == "approve") decision.answer = core::RequestAnswer::kApprove;
  if (scope == "everywhere")
    decision.scope = core::RequestScope::kEveryTerminal;
  ASSIGN_OR_RETURN(const std::string access, Text(body, "access"));
  if (!access.empty()) decision.access = access;
  if (const auto seconds = body.find("seconds");
      seconds != body.end() && !seconds->is_null()) {
    if (!seconds->is_number_integer()) {
      return Fail(Code::kInvalidArgument, "'seconds' must be a whole number");
    }
    decision.seconds = seconds->get<int64_t>();
  }
  ASSIGN_OR_RETURN(decision.reason, Text(body, "reason"));
  ASSIGN_OR_RETURN(const auto alert,
                   call.desk.DecideRequest(call.caller, decision));
  return ToJson(alert);
}

Result<json> ListAgents(const Call& call) {
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page, call.desk.ListAgents(call.caller, paging));
  return ToJson(page);
}

Result<json> RevokeAgent(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string agent_id, Text(body, "agent_id", true));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", true));
  RETURN_IF_ERROR(call.desk.RevokeAgent(call.caller, agent_id, reason));
  return json::object();
}

Result<json> ApproveRenewal(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string agent_id, Text(body, "agent_id", true));
  RETURN_IF_ERROR(call.desk.ApproveRenewal(call.caller, agent_id));
  return json::object();
}

Result<json> CreateToken(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::NewToken wish;
  ASSIGN_OR_RETURN(wish.hostname, Text(body, "hostname"));
  ASSIGN_OR_RETURN(wish.terminal, Text(body, "terminal"));
  ASSIGN_OR_RETURN(const auto token, call.desk.CreateToken(call.caller, wish));
  return json{{"token", token.token},
              {"expire_time", FormatUtc(token.expire_time)}};
}

Result<json> ListPolicies(const Call& call) {
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListPolicyVersions(call.caller, paging));
  return ToJson(page);
}

json PushedJson(const core::Pushed& pushed) {
  json problems = json::array();
  for (const auto& problem : pushed.problems) {
    problems.push_back(ToJson(problem));
  }
  return {{"version", pushed.version},
          {"agent_count", pushed.agent_count},
          {"problems", std::move(problems)}};
}

Result<json> PushPolicy(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string text, Text(body, "text", true));
  ASSIGN_OR_RETURN(const std::string comment, Text(body, "comment"));
  ASSIGN_OR_RETURN(const auto pushed,
                   call.desk.PushPolicy(call.caller, text, "console", comment));
  return PushedJson(pushed);
}

Result<json> RollbackPolicy(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t version, Number(call.rest, "version"));
  ASSIGN_OR_RETURN(const auto pushed,
                   call.desk.RollbackPolicy(call.caller, version));
  return PushedJson(pushed);
}

Result<json> ListAudit(const Call& call) {
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page, call.desk.ListAudit(call.caller, paging));
  return ToJson(page);
}

struct Route {
  std::string_view method;
  std::string_view path;  // below /api/v1/; a final "*" is one more part
  Result<json> (*handler)(const Call& call);
};

constexpr Route kRoutes[] = {
    {"GET", "alerts", ListAlerts},
    {"GET", "alerts/*", GetAlert},
    {"POST", "alerts/*", UpdateAlert},
    {"GET", "events", ListEvents},
    {"GET", "events/*", GetEvent},
    {"GET", "devices", ListDevices},
    {"POST", "devices:approve", ApproveDevice},
    {"POST", "devices:revoke", RevokeDevice},
    {"POST", "requests:decide/*", DecideRequest},
    {"GET", "agents", ListAgents},
    {"POST", "agents:revoke", RevokeAgent},
    {"POST", "agents:approve_renewal", ApproveRenewal},
    {"POST", "tokens", CreateToken},
    {"GET", "policies", ListPolicies},
    {"POST", "policies", PushPolicy},
    {"POST", "policies:rollback/*", RollbackPolicy},
    {"GET", "audit", ListAudit},
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

json SessionJson(const core::Session& session) {
  return {{"user", session.user},
          {"role", core::Name(session.role)},
          {"csrf", session.csrf},
          {"expire_time", FormatUtc(session.expire_time)},
          {"must_set_password", session.must_set_password}};
}

std::string SetCookie(std::string_view token) {
  std::string cookie = std::string(kSessionCookie) + "=" + std::string(token) +
                       "; Path=/; Secure; HttpOnly; SameSite=Strict";
  if (token.empty()) cookie += "; Max-Age=0";
  return cookie;
}

Result<Response> Login(core::Desk& desk, const Request& request) {
  ASSIGN_OR_RETURN(const json body, BodyOf(request));
  ASSIGN_OR_RETURN(const std::string code, Text(body, "code"));
  Result<core::Session> session = std::unexpected(Error{});
  if (!code.empty()) {
    session = desk.LoginWithCode(code, request.address);
  } else {
    ASSIGN_OR_RETURN(const std::string user, Text(body, "user", true));
    ASSIGN_OR_RETURN(const std::string password, Text(body, "password", true));
    session = desk.LoginWithPassword(user, password, request.address);
  }
  if (!session) return std::unexpected(session.error());
  Response response = JsonResponse(SessionJson(*session));
  response.headers.emplace_back("Set-Cookie", SetCookie(session->token));
  return response;
}

Result<Response> WithSession(core::Desk& desk, const Request& request,
                             std::string_view action) {
  if (request.session_token.empty()) {
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
    response.headers.emplace_back("Set-Cookie", SetCookie(""));
    return response;
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
  if (path == "session" && !is_change) {
    return WithSession(desk, request, path);
  }
  if (is_change) RETURN_IF_ERROR(CheckCsrf(desk, request));
  if ((path == "logout" || path == "password") && is_change) {
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

bool Api::IsApiPath(std::string_view path) { return path.starts_with("/api/"); }

Result<core::Caller> Api::CallerOf(const Request& request) {
  if (request.session_token.empty()) {
    return Fail(Code::kUnauthenticated, "not logged in");
  }
  ASSIGN_OR_RETURN(const core::Session session,
                   desk_.FindSession(request.session_token));
  if (session.must_set_password) {
    return Fail(Code::kFailedPrecondition, "set a password first");
  }
  return core::Caller{session.user, session.role, "console", request.address};
}

Response Api::Handle(const Request& request) {
  if (!request.path.starts_with(kPrefix)) {
    return ErrorResponse(Error{Code::kNotFound, "there is no " + request.path});
  }
  auto response = Dispatch(*this, desk_, request);
  return response ? std::move(*response) : ErrorResponse(response.error());
}

}  // namespace sekisho::web
