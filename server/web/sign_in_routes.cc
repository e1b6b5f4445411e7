// The sign-in page's questions, and the way to an OpenID provider and back.
#include "server/web/api.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

constexpr std::string_view kWays = "signin";
constexpr std::string_view kStart = "provider:start";
constexpr std::string_view kCallback = "provider:callback";

std::string SetAttemptCookie(std::string_view attempt) {
  // Longer than an attempt lives, so that one that is over can be told so.
  return std::string(kAttemptCookie) + "=" + std::string(attempt) +
         "; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=" +
         (attempt.empty() ? "0" : "3600");
}

// A word of the console's; it says no more than the desk does.
const char* ProblemOf(Code code) {
  switch (code) {
    case Code::kAborted:
      return "expired";
    case Code::kCancelled:
      return "cancelled";
    case Code::kNotFound:
      return "unknown";
    case Code::kPermissionDenied:
      return "group";
    case Code::kFailedPrecondition:
      return "second_factor";
    case Code::kResourceExhausted:
      return "tries";
    case Code::kUnauthenticated:
      return "failed";
    default:
      return "unavailable";
  }
}

Response SendOn(std::string_view where) {
  Response response;
  response.status = 303;
  response.content_type = "text/plain; charset=utf-8";
  response.headers.emplace_back("Location", where);
  response.headers.emplace_back("Cache-Control", "no-store");
  response.headers.emplace_back("Set-Cookie", SetAttemptCookie(""));
  return response;
}

Result<Response> Start(core::Desk& desk, const Request& request) {
  ASSIGN_OR_RETURN(const core::ProviderStart start,
                   desk.BeginProviderLogin(request.address));
  Response response = JsonResponse({{"url", start.url}});
  response.headers.emplace_back("Set-Cookie", SetAttemptCookie(start.attempt));
  return response;
}

Response Finish(core::Desk& desk, const Request& request) {
  const auto session =
      desk.LoginWithProvider({.attempt = request.attempt,
                              .state = Query(request, "state"),
                              .code = Query(request, "code"),
                              .issuer = Query(request, "iss"),
                              .error = Query(request, "error")},
                             request.address);
  if (!session) {
    return SendOn("/?signin=" + std::string(ProblemOf(session.error().code)));
  }
  Response response = SendOn("/");
  response.headers.emplace_back("Set-Cookie", SetSessionCookie(session->token));
  return response;
}

}  // namespace

Response JsonResponse(const json& body) {
  Response response;
  // `replace` keeps hostile bytes from breaking the answer.
  response.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
  response.headers.emplace_back("Cache-Control", "no-store");
  return response;
}

std::string SetSessionCookie(std::string_view token) {
  std::string cookie = std::string(kSessionCookie) + "=" + std::string(token) +
                       "; Path=/; Secure; HttpOnly; SameSite=Strict";
  if (token.empty()) cookie += "; Max-Age=0";
  return cookie;
}

bool IsSignInRoute(std::string_view method, std::string_view path) {
  return method == "POST"
             ? path == kStart
             : method == "GET" && (path == kWays || path == kCallback);
}

Result<Response> SignInRoute(core::Desk& desk, const Request& request,
                             std::string_view path) {
  if (path == kStart) return Start(desk, request);
  if (path == kCallback) return Finish(desk, request);
  const core::SignInWays ways = desk.GetSignInWays();
  return JsonResponse(
      {{"provider", ways.provider}, {"passwords", ways.passwords}});
}

}  // namespace sekisho::web
