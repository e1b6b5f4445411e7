#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

json ProblemsJson(const std::vector<policy::Problem>& problems) {
  json rows = json::array();
  for (const auto& problem : problems) rows.push_back(ToJson(problem));
  return rows;
}

json StepsJson(const std::vector<core::PolicyStep>& steps) {
  json rows = json::array();
  for (const core::PolicyStep& step : steps) {
    rows.push_back({{"rule", EscapeUntrusted(step.rule)},
                    {"line", step.line},
                    {"matched", step.matched},
                    {"why", EscapeUntrusted(step.why)}});
  }
  return rows;
}

// {"text", "device_id", "person", "origin", "terminal", "time", "persons",
// "data": {type: count}, "inspection"}
Result<core::PolicyQuestion> QuestionOf(const json& body) {
  core::PolicyQuestion question;
  ASSIGN_OR_RETURN(question.text, Text(body, "text"));
  ASSIGN_OR_RETURN(question.device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(question.person, Text(body, "person"));
  ASSIGN_OR_RETURN(question.origin, Text(body, "origin"));
  ASSIGN_OR_RETURN(question.terminal, Text(body, "terminal"));
  ASSIGN_OR_RETURN(question.persons, MaybeNumber(body, "persons"));
  ASSIGN_OR_RETURN(const std::string inspection, Text(body, "inspection"));
  if (!inspection.empty()) question.inspection = inspection;
  ASSIGN_OR_RETURN(const std::string time, Text(body, "time"));
  if (!time.empty()) {
    question.time = ParseUtc(time);
    if (!question.time) {
      return Fail(Code::kInvalidArgument,
                  "'time' must be a time like 2026-12-31T15:00:00Z");
    }
  }
  const auto data = body.find("data");
  if (data == body.end() || data->is_null()) return question;
  if (!data->is_object()) {
    return Fail(Code::kInvalidArgument, "'data' must be counts by type");
  }
  for (const auto& [type, count] : data->items()) {
    if (!count.is_number_integer() || count.get<int64_t>() < 0) {
      return Fail(Code::kInvalidArgument, "'data' must be counts by type");
    }
    question.data[type] = count.get<int64_t>();
  }
  return question;
}

// {"scope": "rings" or "everybody"}; as configured if it is not there.
Result<core::PushHow> HowOf(const json& body) {
  ASSIGN_OR_RETURN(const std::string scope, Text(body, "scope"));
  if (scope.empty()) return core::PushHow::kAsConfigured;
  if (scope == "rings") return core::PushHow::kRings;
  if (scope == "everybody") return core::PushHow::kNow;
  return Fail(Code::kInvalidArgument, "'scope' must be rings or everybody");
}

json PushedJson(const core::Pushed& pushed) {
  return {{"version", pushed.version},
          {"agent_count", pushed.agent_count},
          {"ring", pushed.ring},
          {"problems", ProblemsJson(pushed.problems)}};
}

}  // namespace

Result<json> ListPolicies(const Call& call) {
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListPolicyVersions(call.caller, paging));
  return ToJson(page);
}

Result<json> PushPolicy(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string text, Text(body, "text", true));
  ASSIGN_OR_RETURN(const std::string comment, Text(body, "comment"));
  ASSIGN_OR_RETURN(const core::PushHow how, HowOf(body));
  ASSIGN_OR_RETURN(
      const auto pushed,
      call.desk.PushPolicy(call.caller, text, "console", comment, how));
  return PushedJson(pushed);
}

Result<json> RollbackPolicy(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t version, Number(call.rest, "version"));
  ASSIGN_OR_RETURN(const auto pushed,
                   call.desk.RollbackPolicy(call.caller, version));
  return PushedJson(pushed);
}

Result<json> CheckPolicy(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string text, Text(body, "text", true));
  ASSIGN_OR_RETURN(const auto checked,
                   call.desk.CheckPolicy(call.caller, text));
  return json{{"problems", ProblemsJson(checked.problems)},
              {"warnings", ProblemsJson(checked.warnings)},
              {"mode", checked.mode},
              {"device_rules", checked.device_rules},
              {"content_rules", checked.content_rules}};
}

Result<json> ExplainPolicy(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const core::PolicyQuestion question, QuestionOf(body));
  ASSIGN_OR_RETURN(const auto answer,
                   call.desk.ExplainPolicy(call.caller, question));
  json out = {{"problems", ProblemsJson(answer.problems)},
              {"mode", answer.mode},
              {"access", answer.access},
              {"rule", EscapeUntrusted(answer.rule)},
              {"line", answer.line},
              {"reason", EscapeUntrusted(answer.reason)},
              {"needs_probe", answer.needs_probe},
              {"steps", StepsJson(answer.steps)}};
  if (!answer.verdict.empty()) {
    out["file"] = {{"verdict", answer.verdict},
                   {"rule", EscapeUntrusted(answer.file_rule)},
                   {"line", answer.file_line},
                   {"reason", EscapeUntrusted(answer.file_reason)},
                   {"steps", StepsJson(answer.file_steps)}};
  }
  return out;
}

Result<json> TryPolicy(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string text, Text(body, "text"));
  ASSIGN_OR_RETURN(const auto days, MaybeNumber(body, "days"));
  if (days.value_or(30) < 1 || days.value_or(30) > 366) {
    return Fail(Code::kInvalidArgument, "'days' must be 1 to 366");
  }
  const WallTime to = call.desk.Now();
  ASSIGN_OR_RETURN(
      const auto trial,
      call.desk.TryPolicy(call.caller, text,
                          to - std::chrono::days(days.value_or(30)), to));
  json changes = json::array();
  for (const auto& change : trial.changes) {
    changes.push_back({{"times", change.times},
                       {"blocked", change.blocked},
                       {"transfer", change.transfer},
                       {"terminal", EscapeUntrusted(change.terminal)},
                       {"person", EscapeUntrusted(change.person)},
                       {"device_id", EscapeUntrusted(change.device_id)},
                       {"rule", EscapeUntrusted(change.rule)}});
  }
  json rules = json::array();
  for (const auto& [rule, count] : trial.rules) {
    rules.push_back({{"rule", EscapeUntrusted(rule)}, {"count", count}});
  }
  return json{{"problems", ProblemsJson(trial.problems)},
              {"events", trial.events},
              {"cut", trial.cut},
              {"from", FormatUtc(trial.from)},
              {"to", FormatUtc(trial.to)},
              {"devices_blocked", trial.devices_blocked},
              {"devices_freed", trial.devices_freed},
              {"devices_unclear", trial.devices_unclear},
              {"transfers_blocked", trial.transfers_blocked},
              {"transfers_freed", trial.transfers_freed},
              {"persons_blocked", trial.persons_blocked},
              {"changes", std::move(changes)},
              {"rules", std::move(rules)}};
}

}  // namespace sekisho::web
