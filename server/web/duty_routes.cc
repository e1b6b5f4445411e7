#include <chrono>

#include "common/bytes.h"
#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

constexpr int64_t kVerdictDays = 90;
constexpr int64_t kMaxVerdictDays = 3660;
constexpr int64_t kMaxHours = 24 * 366;

std::string Shown(const std::string& text) { return EscapeUntrusted(text); }

json Time(const std::optional<WallTime>& time) {
  return time ? json(FormatUtc(*time)) : json(nullptr);
}

json Names(const std::vector<std::string>& names) {
  json out = json::array();
  for (const std::string& name : names) out.push_back(Shown(name));
  return out;
}

json ReviewJson(const core::Review& row, const std::string& state) {
  return {{"review_id", row.id},
          {"name", Shown(row.name)},
          {"groups", Shown(row.groups)},
          {"from", FormatUtc(row.from)},
          {"to", FormatUtc(row.to)},
          {"due_time", FormatUtc(row.due_time)},
          {"state", state},
          {"role", row.role},
          {"people", Names(row.people)},
          {"escalate_to", Names(row.escalate_to)},
          {"draw_time", FormatUtc(row.draw_time)},
          {"log_size", row.log_size},
          {"log_root", ToHex(AsBytes(row.log_root))},
          {"sample", row.sample},
          {"refused_count", row.refused_count},
          {"passed_count", row.passed_count},
          {"alert_count", row.alert_count},
          {"item_count", row.item_count},
          {"judged_count", row.judged_count},
          {"finding_count", row.finding_count},
          {"sign_time", Time(row.sign_time)},
          {"signed_by", Shown(row.signed_by)},
          {"sign_note", Shown(row.sign_note)},
          {"overdue_time", Time(row.overdue_time)}};
}

json ItemJson(const core::ReviewItem& item) {
  std::vector<std::string> opened;
  if (!item.opened_by.empty()) {
    for (const std::string_view name : Split(item.opened_by, '\n')) {
      opened.emplace_back(name);
    }
  }
  return {{"no", item.no},
          {"why", item.why},
          {"alert_id", item.alert_id},
          {"event_row_id", item.event_row_id},
          {"time", FormatUtc(item.time)},
          {"terminal", Shown(item.terminal)},
          {"person", Shown(item.person)},
          {"open_time", Time(item.open_time)},
          {"opened_by", Names(opened)},
          {"verdict", item.verdict},
          {"note", Shown(item.note)},
          {"judged_by", Shown(item.judged_by)},
          {"judge_time", Time(item.judge_time)}};
}

json VerdictsJson(const std::vector<core::VerdictCount>& counts) {
  json rows = json::array();
  for (const core::VerdictCount& one : counts) {
    rows.push_back({{"kind", one.kind},
                    {"rule", one.rule},
                    {"alerts", one.alerts},
                    {"true_positive", one.true_positive},
                    {"false_positive", one.false_positive},
                    {"benign", one.benign}});
  }
  return rows;
}

json SuppressionJson(const core::Suppression& row) {
  return {{"id", row.id},
          {"kind", row.kind},
          {"person", Shown(row.person)},
          {"device_id", Shown(row.device_id)},
          {"terminal", Shown(row.terminal)},
          {"rule", Shown(row.rule)},
          {"reason", Shown(row.reason)},
          {"created_by", Shown(row.created_by)},
          {"create_time", FormatUtc(row.create_time)},
          {"end_time", FormatUtc(row.end_time)},
          {"over_time", Time(row.over_time)},
          {"ended_by", Shown(row.ended_by)},
          {"end_reason", Shown(row.end_reason)},
          {"alert_count", row.alert_count}};
}

// After a change: what it is like now.
Result<json> ReviewOf(const Call& call, const Result<core::Review>& row) {
  if (!row) return std::unexpected(row.error());
  return ReviewJson(*row, core::StateOf(*row, call.desk.Now()));
}

}  // namespace

Result<json> ListReviews(const Call& call) {
  core::ReviewFilter filter;
  filter.only_open = Query(call.request, "open") == "true";
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListReviews(call.caller, filter, paging));
  json rows = json::array();
  for (const core::Review& row : page.rows) {
    rows.push_back(ReviewJson(row, core::StateOf(row, call.desk.Now())));
  }
  return json{{"rows", std::move(rows)}, {"next_page_token", page.next_token}};
}

Result<json> GetReview(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "review"));
  ASSIGN_OR_RETURN(const core::ReviewStory story,
                   call.desk.GetReview(call.caller, id));
  json out = ReviewJson(story.file.row, story.state);
  json items = json::array();
  for (const core::ReviewItem& item : story.file.items) {
    items.push_back(ItemJson(item));
  }
  json history = json::array();
  for (const auto& one : story.history) history.push_back(ToJson(one));
  out["items"] = std::move(items);
  out["history"] = std::move(history);
  out["is_reviewer"] = story.is_reviewer;
  return out;
}

Result<json> OpenReviewItem(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "review"));
  ASSIGN_OR_RETURN(const auto item_no, MaybeNumber(body, "item_no"));
  ASSIGN_OR_RETURN(
      const core::OpenedItem opened,
      call.desk.OpenReviewItem(call.caller, id, item_no.value_or(0)));
  json out = {{"item", ItemJson(opened.item)}};
  if (opened.alert) out["alert"] = ToJson(*opened.alert);
  if (opened.event) out["event"] = ToJson(*opened.event);
  return out;
}

Result<json> JudgeReviewItem(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::ReviewVerdict verdict;
  ASSIGN_OR_RETURN(verdict.review_id, Number(call.rest, "review"));
  ASSIGN_OR_RETURN(const auto item_no, MaybeNumber(body, "item_no"));
  verdict.item_no = item_no.value_or(0);
  ASSIGN_OR_RETURN(verdict.verdict, Text(body, "verdict"));
  ASSIGN_OR_RETURN(verdict.note, Text(body, "note"));
  return ReviewOf(call, call.desk.JudgeReviewItem(call.caller, verdict));
}

Result<json> SignReview(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "review"));
  ASSIGN_OR_RETURN(const std::string note, Text(body, "note"));
  return ReviewOf(call, call.desk.SignReview(call.caller, id, note));
}

Result<json> GetReviewStatement(const Call& call) {
  ASSIGN_OR_RETURN(const auto from, TimeOf(call.request, "from"));
  ASSIGN_OR_RETURN(const auto to, TimeOf(call.request, "to"));
  ASSIGN_OR_RETURN(
      const core::ReviewStatement statement,
      call.desk.GetReviewStatement(call.caller, from.value_or(WallTime()),
                                   to.value_or(WallTime())));
  json rows = json::array();
  for (const auto& row : statement.rows) {
    json one = ReviewJson(row.review, row.state);
    json findings = json::array();
    for (const core::ReviewItem& item : row.findings) {
      findings.push_back(ItemJson(item));
    }
    json judged = json::array();
    for (const auto& [who, count] : row.judged_by) {
      judged.push_back({{"user", Shown(who)}, {"items", count}});
    }
    one["judged_by"] = std::move(judged);
    one["findings"] = std::move(findings);
    rows.push_back(std::move(one));
  }
  json sla = json::array();
  for (const core::SlaCount& one : statement.sla) {
    sla.push_back({{"severity", one.severity},
                   {"alerts", one.alerts},
                   {"acknowledged", one.acknowledged},
                   {"closed", one.closed},
                   {"late_acknowledge", one.late_acknowledge},
                   {"late_close", one.late_close}});
  }
  return json{{"from", FormatUtc(statement.from)},
              {"to", FormatUtc(statement.to)},
              {"make_time", FormatUtc(statement.make_time)},
              {"made_by", Shown(statement.made_by)},
              // A signed note: its line breaks matter.
              {"checkpoint", statement.checkpoint},
              {"reviews", std::move(rows)},
              {"sla", std::move(sla)},
              {"verdicts", VerdictsJson(statement.verdicts)}};
}

Result<json> ListVerdicts(const Call& call) {
  int64_t days = kVerdictDays;
  if (const std::string text = Query(call.request, "days"); !text.empty()) {
    ASSIGN_OR_RETURN(days, Number(text, "days"));
  }
  if (days < 1 || days > kMaxVerdictDays) {
    return Fail(Code::kInvalidArgument, "days must be 1 to 3660");
  }
  const WallTime now = call.desk.Now();
  ASSIGN_OR_RETURN(
      const auto counts,
      call.desk.ListVerdicts(call.caller, now - std::chrono::days(days),
                             now + std::chrono::microseconds(1)));
  return json{{"days", days}, {"rows", VerdictsJson(counts)}};
}

Result<json> ListSuppressions(const Call& call) {
  const bool all = Query(call.request, "state") == "all";
  ASSIGN_OR_RETURN(const auto found,
                   call.desk.ListSuppressions(
                       call.caller, all ? core::WhichSuppressions::kAll
                                        : core::WhichSuppressions::kRunning));
  json rows = json::array();
  for (const auto& row : found) rows.push_back(SuppressionJson(row));
  return json{{"rows", std::move(rows)}};
}

Result<json> Suppress(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::Suppression wish;
  const std::pair<const char*, std::string*> texts[] = {
      {"kind", &wish.kind},           {"person", &wish.person},
      {"device_id", &wish.device_id}, {"terminal", &wish.terminal},
      {"rule", &wish.rule},           {"reason", &wish.reason}};
  for (const auto& [name, text] : texts) {
    ASSIGN_OR_RETURN(*text, Text(body, name));
  }
  ASSIGN_OR_RETURN(const auto hours, MaybeNumber(body, "hours"));
  if (!hours || *hours < 1 || *hours > kMaxHours) {
    return Fail(Code::kInvalidArgument, "hours: for how long, 1 to 2160");
  }
  wish.end_time = call.desk.Now() + std::chrono::hours(*hours);
  ASSIGN_OR_RETURN(const auto made, call.desk.Suppress(call.caller, wish));
  return SuppressionJson(made);
}

Result<json> EndSuppression(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const auto id, MaybeNumber(body, "id"));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason"));
  ASSIGN_OR_RETURN(const auto ended, call.desk.EndSuppression(
                                         call.caller, id.value_or(0), reason));
  return SuppressionJson(ended);
}

}  // namespace sekisho::web
