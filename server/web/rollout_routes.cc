#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

json MaybeTime(const std::optional<WallTime>& time) {
  return time ? json(FormatUtc(*time)) : json(nullptr);
}

json RingJson(const core::RingProgress& ring) {
  return {{"name", ring.name},
          {"percent", ring.percent},
          {"soak_seconds", ring.soak.count()},
          {"open", ring.open},
          {"terminals", ring.terminals},
          {"counts", ring.counts}};
}

json TerminalJson(const core::RolloutTerminal& one) {
  return {{"agent_id", one.agent_id},
          {"terminal", EscapeUntrusted(one.terminal)},
          {"ring", one.ring},
          {"wanted_version", one.wanted_version},
          {"policy_version", one.policy_version},
          {"answer", core::Name(one.answer)},
          {"told_time", MaybeTime(one.told_time)},
          {"ack_time", MaybeTime(one.ack_time)},
          {"refuse_time", MaybeTime(one.refuse_time)},
          {"reason", one.reason}};
}

json StatusJson(const core::RolloutStatus& status) {
  json rings = json::array();
  for (const auto& ring : status.rings) rings.push_back(RingJson(ring));
  json terminals = json::array();
  for (const auto& one : status.terminals) {
    terminals.push_back(TerminalJson(one));
  }
  json out = {{"newest_version", status.newest_version},
              {"live", status.is_live},
              {"rings", std::move(rings)},
              {"terminals", std::move(terminals)}};
  if (!status.rollout) return out;
  const core::Rollout& rollout = *status.rollout;
  out["rollout"] = {{"version", rollout.version},
                    {"base_version", rollout.base_version},
                    {"state", core::Name(rollout.state)},
                    {"ring", rollout.ring},
                    {"started_by", EscapeUntrusted(rollout.started_by)},
                    {"start_time", FormatUtc(rollout.start_time)},
                    {"ring_time", FormatUtc(rollout.ring_time)},
                    {"end_time", MaybeTime(rollout.end_time)},
                    {"halt_time", MaybeTime(rollout.halt_time)},
                    {"halted_by", EscapeUntrusted(rollout.halted_by)},
                    {"halt_reason", EscapeUntrusted(rollout.halt_reason)},
                    {"alert_id", rollout.alert_id},
                    {"blocks", status.blocks},
                    {"expected_blocks", status.expected_blocks},
                    {"terminal_hours", status.terminal_hours},
                    {"next_time", MaybeTime(status.next_time)},
                    {"waits_for", status.waits_for}};
  return out;
}

Result<core::RolloutAct> ActOf(const json& body) {
  ASSIGN_OR_RETURN(const std::string act, Text(body, "act", true));
  if (act == "advance") return core::RolloutAct::kAdvance;
  if (act == "halt") return core::RolloutAct::kHalt;
  if (act == "resume") return core::RolloutAct::kResume;
  if (act == "rollback") return core::RolloutAct::kRollback;
  return Fail(Code::kInvalidArgument,
              "'act' must be advance, halt, resume or rollback");
}

}  // namespace

Result<json> GetRollout(const Call& call) {
  ASSIGN_OR_RETURN(const auto status, call.desk.GetRollout(call.caller));
  return StatusJson(status);
}

Result<json> ChangeRollout(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const core::RolloutAct act, ActOf(body));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason"));
  ASSIGN_OR_RETURN(const auto status,
                   call.desk.ChangeRollout(call.caller, act, reason));
  return StatusJson(status);
}

Result<json> GetRings(const Call& call) {
  ASSIGN_OR_RETURN(const auto rings, call.desk.GetRings(call.caller));
  return json{{"text", rings.text},
              {"set_by", EscapeUntrusted(rings.set_by)},
              {"set_time", MaybeTime(rings.set_time)}};
}

Result<json> SetRings(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string text, Text(body, "text", true));
  ASSIGN_OR_RETURN(const auto problems, call.desk.SetRings(call.caller, text));
  json rows = json::array();
  for (const auto& problem : problems) rows.push_back(ToJson(problem));
  return json{{"problems", std::move(rows)}};
}

}  // namespace sekisho::web
