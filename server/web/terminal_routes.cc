#include <algorithm>
#include <chrono>

#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {

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

Result<json> AskUnlock(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::UnlockWish wish;
  ASSIGN_OR_RETURN(wish.agent_id, Text(body, "agent_id", true));
  ASSIGN_OR_RETURN(wish.reason, Text(body, "reason", true));
  const auto minutes = body.find("minutes");
  if (minutes == body.end() || !minutes->is_number_integer()) {
    return Fail(Code::kInvalidArgument, "'minutes' must be a whole number");
  }
  // Too many are refused by the desk; the product must not overflow.
  wish.length = std::chrono::minutes(
      std::clamp<int64_t>(minutes->get<int64_t>(), 0, 1'000'000));
  RETURN_IF_ERROR(call.desk.AskUnlock(call.caller, wish));
  return json::object();
}

Result<json> ConfirmUnlock(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string agent_id, Text(body, "agent_id", true));
  ASSIGN_OR_RETURN(const auto unlocked,
                   call.desk.ConfirmUnlock(call.caller, agent_id));
  return json{{"version", unlocked.version},
              {"end_time", FormatUtc(unlocked.end_time)},
              {"requested_by", unlocked.requested_by},
              {"reason", unlocked.reason}};
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

Result<json> ListAudit(const Call& call) {
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  const core::AuditFilter filter{Query(call.request, "user"),
                                 Query(call.request, "action")};
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListAudit(call.caller, filter, paging));
  return ToJson(page);
}

}  // namespace sekisho::web
