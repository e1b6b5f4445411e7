#include <charconv>

#include "server/web/routes.h"

namespace sekisho::web {

Result<json> BodyOf(const Request& request) {
  json body = json::parse(request.body, nullptr, false);
  if (!body.is_object()) {
    return Fail(Code::kInvalidArgument, "the body must be a JSON object");
  }
  return body;
}

Result<std::string> Text(const json& body, const char* name, bool required) {
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

Result<std::optional<int64_t>> MaybeNumber(const json& body, const char* name) {
  const auto found = body.find(name);
  if (found == body.end() || found->is_null()) return std::nullopt;
  if (!found->is_number_integer()) {
    return Fail(Code::kInvalidArgument,
                std::string("'") + name + "' must be a whole number");
  }
  return found->get<int64_t>();
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

}  // namespace sekisho::web
