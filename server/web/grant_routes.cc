#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {

Result<json> ListGrants(const Call& call) {
  const std::string state = Query(call.request, "state");
  if (!state.empty() && state != "running" && state != "all") {
    return Fail(Code::kInvalidArgument, "state is running or all");
  }
  ASSIGN_OR_RETURN(
      const auto rows,
      call.desk.ListGrants(call.caller, state == "all"
                                            ? core::WhichGrants::kAll
                                            : core::WhichGrants::kRunning));
  json out = json::array();
  for (const auto& row : rows) out.push_back(ToJson(row));
  return json{{"rows", std::move(out)}};
}

Result<json> RevokeGrant(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const auto id, MaybeNumber(body, "id"));
  if (!id) return Fail(Code::kInvalidArgument, "'id' must be a whole number");
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", false));
  ASSIGN_OR_RETURN(const auto grant,
                   call.desk.RevokeGrant(call.caller, *id, reason));
  return ToJson(grant);
}

}  // namespace sekisho::web
