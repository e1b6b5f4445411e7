// A request and a response as the API sees them, apart from the transport.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace sekisho::web {

struct Request {
  std::string method;  // "GET", "POST"
  std::string path;    // percent-decoded, without query
  std::map<std::string, std::string, std::less<>> query;
  std::string body;
  std::string session_token;  // of the cookie; empty = none
  std::string attempt;        // cookie of a sign-in at the provider
  std::string csrf;           // X-Sekisho-CSRF header
  std::string bearer;         // API token of the Authorization header
  std::string content_type;
  std::string origin;   // Origin header
  std::string host;     // Host header
  std::string address;  // peer
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

// "/a%20b?x=1&y" to path and query; kInvalidArgument for bad escapes, NUL or
// a path that climbs.
struct Target {
  std::string path;
  std::map<std::string, std::string, std::less<>> query;
};
Result<Target> ParseTarget(std::string_view target);

// The token of "Bearer TOKEN"; empty for anything else.
std::string BearerOf(std::string_view header);

// Value of one cookie of a Cookie header; empty if it is not there.
std::string CookieValue(std::string_view header, std::string_view name);

}  // namespace sekisho::web
