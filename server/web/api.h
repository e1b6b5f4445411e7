// The JSON API: a table of routes over the desk. No transport, no threads of
// its own; tests call Handle() directly. docs/api/openapi.yaml is its page.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/core/queries.h"
#include "server/web/message.h"

namespace sekisho::web {

inline constexpr char kSessionCookie[] = "__Host-sekisho";
// While somebody is at the provider. Lax: he comes back from another site.
inline constexpr char kAttemptCookie[] = "__Host-sekisho-attempt";

class Api {
 public:
  explicit Api(core::Desk& desk) : desk_(desk) {}

  // {"GET", "alerts/*"} ...: all that need a session with a role. For tests.
  static std::vector<std::pair<std::string_view, std::string_view>> Routes();

  // True for paths below /api/.
  static bool IsApiPath(std::string_view path);

  // Handle() may wait for the provider, some seconds.
  static bool MayWait(std::string_view path);

  // Always answers; errors are {"error":{"code","message"}} with the HTTP
  // status that fits. A change needs a session, its CSRF value and a JSON
  // content type.
  Response Handle(const Request& request);

  // Who may follow live changes; an error is to be answered with ErrorResponse.
  Result<core::Caller> CallerOf(const Request& request);

 private:
  core::Desk& desk_;
};

Response ErrorResponse(const Error& error);

}  // namespace sekisho::web
