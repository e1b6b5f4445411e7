#include <algorithm>
#include <chrono>

#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

// Too many are refused by the desk; the product must not overflow.
Result<std::chrono::seconds> MinutesOf(const json& body) {
  ASSIGN_OR_RETURN(const auto minutes, MaybeNumber(body, "minutes"));
  return std::chrono::minutes(
      std::clamp<int64_t>(minutes.value_or(0), 0, 1'000'000));
}

Result<int64_t> IdOf(const json& body) {
  ASSIGN_OR_RETURN(const auto id, MaybeNumber(body, "id"));
  if (!id) return Fail(Code::kInvalidArgument, "'id' must be a whole number");
  return *id;
}

}  // namespace

Result<json> ListContainments(const Call& call) {
  const std::string state = Query(call.request, "state");
  if (!state.empty() && state != "running" && state != "all") {
    return Fail(Code::kInvalidArgument, "state is running or all");
  }
  ASSIGN_OR_RETURN(
      const auto rows,
      call.desk.ListContainments(call.caller, state == "all"
                                                  ? core::Contained::kAll
                                                  : core::Contained::kRunning));
  json out = json::array();
  for (const auto& row : rows) out.push_back(ToJson(row));
  return json{{"rows", std::move(out)}};
}

Result<json> Contain(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::ContainWish wish;
  ASSIGN_OR_RETURN(wish.kind, Text(body, "kind", true));
  ASSIGN_OR_RETURN(wish.target, Text(body, "target", true));
  ASSIGN_OR_RETURN(wish.reason, Text(body, "reason", true));
  ASSIGN_OR_RETURN(wish.length, MinutesOf(body));
  ASSIGN_OR_RETURN(const auto status, call.desk.Contain(call.caller, wish));
  return ToJson(status);
}

Result<json> AskExtension(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const int64_t id, IdOf(body));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", true));
  ASSIGN_OR_RETURN(const auto length, MinutesOf(body));
  RETURN_IF_ERROR(call.desk.AskExtension(call.caller, id, length, reason));
  return json::object();
}

Result<json> AgreeExtension(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const int64_t id, IdOf(body));
  ASSIGN_OR_RETURN(const auto status,
                   call.desk.AgreeExtension(call.caller, id));
  return ToJson(status);
}

Result<json> LiftContainment(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const int64_t id, IdOf(body));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", true));
  ASSIGN_OR_RETURN(const auto status,
                   call.desk.LiftContainment(call.caller, id, reason));
  return ToJson(status);
}

}  // namespace sekisho::web
