#include <algorithm>

#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

std::string Shown(const std::string& text) { return EscapeUntrusted(text); }

json Time(const std::optional<WallTime>& time) {
  return time ? json(FormatUtc(*time)) : json(nullptr);
}

// Who set or lifted a hold, when and why; null if nobody did.
json Mark(const std::optional<WallTime>& time, const std::string& by,
          const std::string& reason) {
  if (!time) return nullptr;
  return {
      {"time", FormatUtc(*time)}, {"by", Shown(by)}, {"reason", Shown(reason)}};
}

json CaseJson(const core::Case& row) {
  return {
      {"case_id", row.id},
      {"title", Shown(row.title)},
      {"state", store::Name(row.state)},
      {"verdict", row.verdict},
      {"close_reason", Shown(row.close_reason)},
      {"owner", Shown(row.owner)},
      {"opened_by", Shown(row.opened_by)},
      {"open_time", FormatUtc(row.open_time)},
      {"update_time", FormatUtc(row.update_time)},
      {"closed_by", Shown(row.closed_by)},
      {"close_time", Time(row.close_time)},
      {"hold", Mark(row.hold_time, row.held_by, row.hold_reason)},
      {"release", Mark(row.release_time, row.released_by, row.release_reason)},
      {"alert_count", row.alert_count},
      {"event_count", row.event_count}};
}

Result<std::vector<int64_t>> Ids(const json& body, const char* name) {
  const auto ids = body.find(name);
  if (ids == body.end()) return std::vector<int64_t>();
  if (!ids->is_array() ||
      !std::ranges::all_of(*ids, &json::is_number_integer)) {
    return Fail(Code::kInvalidArgument,
                std::string(name) + " must be a list of whole numbers");
  }
  if (std::ssize(*ids) > store::kMaxCaseItems) {
    return Fail(Code::kInvalidArgument,
                std::string(name) + " has more than " +
                    std::to_string(store::kMaxCaseItems) + " of them");
  }
  return ids->get<std::vector<int64_t>>();
}

Result<json> CaseOf(const Result<core::Case>& row) {
  if (!row) return std::unexpected(row.error());
  return CaseJson(*row);
}

}  // namespace

Result<json> ListCases(const Call& call) {
  core::CaseFilter filter;
  const std::string state = Query(call.request, "state");
  if (state == "open" || state == "closed") {
    filter.state =
        state == "open" ? core::CaseState::kOpen : core::CaseState::kClosed;
  } else if (!state.empty()) {
    return Fail(Code::kInvalidArgument, "state is open or closed");
  }
  filter.owner = Query(call.request, "owner");
  filter.only_held = Query(call.request, "held") == "true";
  if (const std::string alert = Query(call.request, "alert_id");
      !alert.empty()) {
    ASSIGN_OR_RETURN(filter.alert_id, Number(alert, "alert_id"));
  }
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListCases(call.caller, filter, paging));
  json rows = json::array();
  for (const core::Case& row : page.rows) rows.push_back(CaseJson(row));
  return json{{"rows", std::move(rows)}, {"next_page_token", page.next_token}};
}

Result<json> GetCase(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "case"));
  ASSIGN_OR_RETURN(const core::CaseStory story,
                   call.desk.GetCase(call.caller, id));
  json out = CaseJson(story.file.row);
  json comments = json::array();
  for (const auto& one : story.file.comments) {
    comments.push_back({{"time", FormatUtc(one.time)},
                        {"author", Shown(one.author)},
                        {"text", Shown(one.text)}});
  }
  json alerts = json::array();
  for (const auto& one : story.file.alerts) {
    alerts.push_back({{"alert", ToJson(one.alert)},
                      {"added_by", Shown(one.added_by)},
                      {"add_time", FormatUtc(one.add_time)}});
  }
  json events = json::array();
  for (const auto& one : story.file.events) {
    events.push_back({{"event", ToJson(one.event)},
                      {"added_by", Shown(one.added_by)},
                      {"add_time", FormatUtc(one.add_time)}});
  }
  json history = json::array();
  for (const auto& one : story.history) history.push_back(ToJson(one));
  out["comments"] = std::move(comments);
  out["alerts"] = std::move(alerts);
  out["events"] = std::move(events);
  out["history"] = std::move(history);
  return out;
}

Result<json> OpenCase(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::CaseWish wish;
  ASSIGN_OR_RETURN(wish.title, Text(body, "title"));
  ASSIGN_OR_RETURN(wish.owner, Text(body, "owner"));
  ASSIGN_OR_RETURN(wish.comment, Text(body, "comment"));
  ASSIGN_OR_RETURN(wish.hold_reason, Text(body, "hold_reason"));
  ASSIGN_OR_RETURN(wish.items.alert_ids, Ids(body, "alert_ids"));
  ASSIGN_OR_RETURN(wish.items.event_row_ids, Ids(body, "event_row_ids"));
  return CaseOf(call.desk.OpenCase(call.caller, wish));
}

Result<json> ChangeCase(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::CaseChange change;
  ASSIGN_OR_RETURN(change.case_id, Number(call.rest, "case"));
  if (body.contains("title")) {
    ASSIGN_OR_RETURN(change.title, Text(body, "title"));
  }
  if (body.contains("owner")) {
    ASSIGN_OR_RETURN(change.owner, Text(body, "owner"));
  }
  ASSIGN_OR_RETURN(change.comment, Text(body, "comment"));
  ASSIGN_OR_RETURN(change.add.alert_ids, Ids(body, "add_alert_ids"));
  ASSIGN_OR_RETURN(change.add.event_row_ids, Ids(body, "add_event_row_ids"));
  ASSIGN_OR_RETURN(change.remove.alert_ids, Ids(body, "remove_alert_ids"));
  ASSIGN_OR_RETURN(change.remove.event_row_ids,
                   Ids(body, "remove_event_row_ids"));
  return CaseOf(call.desk.ChangeCase(call.caller, change));
}

Result<json> CloseCase(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::CaseClosing closing;
  ASSIGN_OR_RETURN(closing.case_id, Number(call.rest, "case"));
  ASSIGN_OR_RETURN(closing.verdict, Text(body, "verdict"));
  ASSIGN_OR_RETURN(closing.reason, Text(body, "reason"));
  const auto with = body.find("with_alerts");
  closing.with_alerts =
      with != body.end() && with->is_boolean() && with->get<bool>();
  return CaseOf(call.desk.CloseCase(call.caller, closing));
}

namespace {

using WithReason = Result<core::Case> (core::Desk::*)(const core::Caller&,
                                                      int64_t,
                                                      const std::string&);

Result<json> DoWithReason(const Call& call, WithReason method) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "case"));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason"));
  return CaseOf((call.desk.*method)(call.caller, id, reason));
}

}  // namespace

Result<json> ReopenCase(const Call& call) {
  return DoWithReason(call, &core::Desk::ReopenCase);
}

Result<json> PlaceHold(const Call& call) {
  return DoWithReason(call, &core::Desk::PlaceHold);
}

Result<json> LiftHold(const Call& call) {
  return DoWithReason(call, &core::Desk::LiftHold);
}

}  // namespace sekisho::web
