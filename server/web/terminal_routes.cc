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
  ASSIGN_OR_RETURN(const auto page, call.desk.ListAudit(call.caller, paging));
  return ToJson(page);
}

}  // namespace sekisho::web
