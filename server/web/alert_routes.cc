#include <algorithm>

#include "common/bytes.h"
#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

std::optional<core::AlertState> ParseAlertState(std::string_view word) {
  for (const auto state :
       {core::AlertState::kNew, core::AlertState::kAcknowledged,
        core::AlertState::kInProgress, core::AlertState::kClosed}) {
    if (word == core::Name(state)) return state;
  }
  return std::nullopt;
}

using Texts = std::map<std::string, std::string, std::less<>>;

std::string TextIn(const Texts& texts, std::string_view name) {
  const auto found = texts.find(name);
  return found == texts.end() ? std::string() : found->second;
}

Result<std::optional<WallTime>> TimeIn(const Texts& texts, const char* name) {
  Request request;
  request.query = texts;
  return TimeOf(request, name);
}

Result<std::vector<core::AlertState>> StatesIn(const Texts& texts) {
  std::vector<core::AlertState> states;
  const std::string text = TextIn(texts, "state");
  if (text.empty()) return states;
  for (const std::string_view word : Split(text, ',')) {
    const auto state = ParseAlertState(word);
    if (!state) {
      return Fail(Code::kInvalidArgument,
                  "state must be new, acknowledged, in_progress or closed");
    }
    states.push_back(*state);
  }
  return states;
}

Result<core::AlertFilter> AlertFilterOf(const Texts& texts) {
  static constexpr std::pair<const char*, core::AlertOrder> kOrders[] = {
      {"", core::AlertOrder::kNewest},
      {"newest", core::AlertOrder::kNewest},
      {"oldest", core::AlertOrder::kOldest},
      {"severity", core::AlertOrder::kSeverity}};
  core::AlertFilter filter;
  const std::pair<const char*, std::string*> names[] = {
      {"severity", &filter.severity}, {"kind", &filter.kind},
      {"terminal", &filter.terminal}, {"assignee", &filter.assignee},
      {"person", &filter.person},     {"device_id", &filter.device_id},
      {"rule", &filter.rule}};
  for (const auto& [name, text] : names) *text = TextIn(texts, name);
  filter.only_unassigned = TextIn(texts, "unassigned") == "true";
  ASSIGN_OR_RETURN(filter.from, TimeIn(texts, "from"));
  ASSIGN_OR_RETURN(filter.to, TimeIn(texts, "to"));
  const std::string order = TextIn(texts, "sort");
  const auto known = std::ranges::find(
      kOrders, order, [](const auto& one) { return one.first; });
  if (known == std::end(kOrders)) {
    return Fail(Code::kInvalidArgument, "sort is newest, oldest or severity");
  }
  filter.order = known->second;
  ASSIGN_OR_RETURN(filter.states, StatesIn(texts));
  return filter;
}

// A change of many goes by no filter that is not understood: it would be one of
// more than was meant.
Status CheckNames(const Texts& texts) {
  static constexpr std::string_view kNames[] = {
      "state",     "severity", "kind",       "terminal", "assignee", "person",
      "device_id", "rule",     "unassigned", "from",     "to"};
  for (const auto& [name, value] : texts) {
    if (std::ranges::find(kNames, name) != std::end(kNames)) continue;
    return Fail(Code::kInvalidArgument, "there is no filter '" +
                                            EscapeUntrusted(name, 64) +
                                            "' of alerts; nothing was changed");
  }
  return {};
}

Result<core::AlertChange> ChangeOf(const json& body) {
  core::AlertChange change;
  ASSIGN_OR_RETURN(const std::string state, Text(body, "state"));
  if (!state.empty()) {
    change.state = ParseAlertState(state);
    if (!change.state) {
      return Fail(Code::kInvalidArgument,
                  "state must be new, acknowledged, in_progress or closed");
    }
  }
  if (body.contains("assignee")) {
    ASSIGN_OR_RETURN(change.assignee, Text(body, "assignee"));
  }
  ASSIGN_OR_RETURN(const std::string verdict, Text(body, "verdict"));
  if (!verdict.empty()) change.verdict = verdict;
  ASSIGN_OR_RETURN(change.comment, Text(body, "comment"));
  return change;
}

template <typename T>
json FailedJson(const std::vector<T>& failed) {
  json rows = json::array();
  for (const T& one : failed) {
    rows.push_back({{"alert_id", one.alert_id}, {"message", one.message}});
  }
  return rows;
}

}  // namespace

Result<json> ListAlerts(const Call& call) {
  ASSIGN_OR_RETURN(core::AlertFilter filter, AlertFilterOf(call.request.query));
  filter.with_events = true;
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  if (const std::string skip = Query(call.request, "skip"); !skip.empty()) {
    ASSIGN_OR_RETURN(filter.skip, Number(skip, "skip"));
    if (filter.skip < 0 || !paging.token.empty()) {
      return Fail(Code::kInvalidArgument,
                  "skip is 0 or more, and goes without page_token");
    }
  }
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListAlerts(call.caller, filter, paging));
  return ToJson(page);
}

Result<json> CountAlerts(const Call& call) {
  ASSIGN_OR_RETURN(const auto filter, AlertFilterOf(call.request.query));
  ASSIGN_OR_RETURN(const auto count,
                   call.desk.CountAlerts(call.caller, filter));
  return json{{"count", count.count}, {"newest_id", count.newest_id}};
}

Result<json> GroupAlerts(const Call& call) {
  static constexpr std::pair<const char*, core::AlertGroupBy> kWords[] = {
      {"person", core::AlertGroupBy::kPerson},
      {"device_id", core::AlertGroupBy::kDevice},
      {"terminal", core::AlertGroupBy::kTerminal},
      {"rule", core::AlertGroupBy::kRule},
      {"kind", core::AlertGroupBy::kKind}};
  ASSIGN_OR_RETURN(const auto filter, AlertFilterOf(call.request.query));
  const std::string by = Query(call.request, "by");
  for (const auto& [word, value] : kWords) {
    if (by != word) continue;
    ASSIGN_OR_RETURN(const auto groups,
                     call.desk.GroupAlerts(call.caller, filter, value));
    json rows = json::array();
    for (const core::AlertGroup& group : groups) {
      // Values come escaped from the rule that made the alerts.
      rows.push_back({{"value", group.value},
                      {"count", group.count},
                      {"severity", group.severity},
                      {"newest_time", FormatUtc(group.newest_time)}});
    }
    return json{{"rows", std::move(rows)}};
  }
  return Fail(Code::kInvalidArgument,
              "by is person, device_id, terminal, rule or kind");
}

Result<json> GetAround(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "alert id"));
  const std::string zone = Query(call.request, "zone");
  ASSIGN_OR_RETURN(
      const core::Around around,
      call.desk.GetAround(call.caller, id, zone.empty() ? "UTC" : zone));
  json lanes = json::array();
  for (const core::Lane& lane : around.lanes) {
    json days = json::array();
    for (const auto& day : lane.days) days.push_back(ToJson(day));
    lanes.push_back({{"by", lane.by},
                     {"value", lane.value},
                     {"days", std::move(days)},
                     {"sum", ToJson(lane.sum)},
                     {"cut", lane.cut}});
  }
  json alerts = json::array();
  for (const core::Alert& alert : around.alerts) {
    alerts.push_back(ToJson(alert));
  }
  // The rule's text is shown as it was written: line breaks matter.
  return json{{"lanes", std::move(lanes)},
              {"alerts", std::move(alerts)},
              {"rule_text", around.rule_text},
              {"rule_line", around.rule_line}};
}

Result<json> GetAlert(const Call& call) {
  core::AlertFilter filter;
  filter.with_events = true;
  ASSIGN_OR_RETURN(filter.alert_id, Number(call.rest, "alert id"));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListAlerts(call.caller, filter, {}));
  if (page.rows.empty()) {
    return Fail(Code::kNotFound, "there is no alert " + call.rest);
  }
  return ToJson(page.rows.front());
}

Result<json> UpdateAlert(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(core::AlertChange change, ChangeOf(body));
  ASSIGN_OR_RETURN(change.alert_id, Number(call.rest, "alert id"));
  ASSIGN_OR_RETURN(const auto alert,
                   call.desk.UpdateAlert(call.caller, change));
  return ToJson(alert);
}

Result<json> UpdateAlerts(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const core::AlertChange change, ChangeOf(body));
  const auto ids = body.find("alert_ids");
  if (ids == body.end() || !ids->is_array() ||
      !std::ranges::all_of(*ids, &json::is_number_integer)) {
    return Fail(Code::kInvalidArgument,
                "'alert_ids' must be a list of whole numbers");
  }
  ASSIGN_OR_RETURN(const core::BulkResult done,
                   call.desk.UpdateAlerts(
                       call.caller, ids->get<std::vector<int64_t>>(), change));
  return json{{"updated", done.updated}, {"failed", FailedJson(done.failed)}};
}

Result<json> UpdateMatchingAlerts(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const core::AlertChange change, ChangeOf(body));
  ASSIGN_OR_RETURN(const auto given, TextsOf(body, "filter"));
  const Texts texts(given.begin(), given.end());
  RETURN_IF_ERROR(CheckNames(texts));
  core::MatchingAlerts which;
  ASSIGN_OR_RETURN(which.filter, AlertFilterOf(texts));
  ASSIGN_OR_RETURN(const auto upto, MaybeNumber(body, "upto_id"));
  ASSIGN_OR_RETURN(const auto after, MaybeNumber(body, "after_id"));
  which.upto_id = upto.value_or(0);
  which.after_id = after.value_or(0);
  ASSIGN_OR_RETURN(const core::MatchingStep step,
                   call.desk.UpdateMatchingAlerts(call.caller, which, change));
  return json{{"updated", step.updated},
              {"failed", FailedJson(step.failed)},
              {"next_after_id", step.next_after_id}};
}

Result<json> ListEvents(const Call& call) {
  core::EventFilter filter;
  filter.agent_id = Query(call.request, "agent_id");
  filter.terminal = Query(call.request, "terminal");
  filter.person = Query(call.request, "person");
  filter.reason = Query(call.request, "reason");
  filter.device_id = Query(call.request, "device_id");
  filter.file = Query(call.request, "file");
  filter.file_hash = Query(call.request, "file_hash");
  filter.data_owner = Query(call.request, "data_owner");
  ASSIGN_OR_RETURN(filter.kinds, WordsOf(call.request, "kind", ParseKind));
  ASSIGN_OR_RETURN(filter.outcomes,
                   WordsOf(call.request, "outcome", ParseOutcome));
  ASSIGN_OR_RETURN(filter.from, TimeOf(call.request, "from"));
  ASSIGN_OR_RETURN(filter.to, TimeOf(call.request, "to"));
  if (const std::string after = Query(call.request, "after_row_id");
      !after.empty()) {
    ASSIGN_OR_RETURN(filter.after_row_id, Number(after, "after_row_id"));
  }
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListEvents(call.caller, filter, paging));
  return ToJson(page);
}

Result<json> GetEvent(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t row_id, Number(call.rest, "event id"));
  ASSIGN_OR_RETURN(const auto event, call.desk.GetEvent(call.caller, row_id));
  return ToJson(event);
}

Result<json> GetSamples(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t row_id, Number(call.rest, "event id"));
  ASSIGN_OR_RETURN(const std::string sealed,
                   call.desk.GetSamples(call.caller, row_id));
  return json{{"sealed", ToHex(AsBytes(sealed))}};
}

}  // namespace sekisho::web
