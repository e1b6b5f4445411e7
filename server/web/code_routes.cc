#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {

Result<json> ListCodes(const Call& call) {
  const std::string state = Query(call.request, "state");
  if (!state.empty() && state != "running" && state != "all") {
    return Fail(Code::kInvalidArgument, "state is running or all");
  }
  ASSIGN_OR_RETURN(
      const auto rows,
      call.desk.ListCodes(call.caller, state == "all"
                                           ? core::WhichGrants::kAll
                                           : core::WhichGrants::kRunning));
  json out = json::array();
  for (const auto& row : rows) out.push_back(ToJson(row));
  return json{{"rows", std::move(out)}};
}

Result<json> IssueCode(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::CodeWish wish;
  ASSIGN_OR_RETURN(wish.terminal, Text(body, "terminal", true));
  ASSIGN_OR_RETURN(wish.device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(wish.challenge, Text(body, "challenge", true));
  ASSIGN_OR_RETURN(wish.person, Text(body, "person", true));
  ASSIGN_OR_RETURN(wish.reason, Text(body, "reason", true));
  ASSIGN_OR_RETURN(const auto seconds, MaybeNumber(body, "seconds"));
  if (!seconds) {
    return Fail(Code::kInvalidArgument, "'seconds' must be a whole number");
  }
  wish.seconds = *seconds;
  ASSIGN_OR_RETURN(const auto spoken, call.desk.IssueCode(call.caller, wish));
  return json{{"code", spoken.code}, {"issued", ToJson(spoken.row)}};
}

Result<json> RevokeCode(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const auto id, MaybeNumber(body, "id"));
  if (!id) return Fail(Code::kInvalidArgument, "'id' must be a whole number");
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", false));
  ASSIGN_OR_RETURN(const auto code,
                   call.desk.RevokeCode(call.caller, *id, reason));
  return ToJson(code);
}

}  // namespace sekisho::web
