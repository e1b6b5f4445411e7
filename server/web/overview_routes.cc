#include <algorithm>

#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {

json CountsJson(const core::TransferCounts& counts) {
  return {{"transfers", counts.transfers},
          {"blocked", counts.blocked},
          {"observed", counts.observed},
          {"alerted", counts.alerted},
          {"persons", counts.persons},
          {"persons_blocked", counts.persons_blocked},
          {"persons_written", counts.persons_written}};
}

json ToJson(const core::SpanCounts& span) {
  return {{"from", FormatUtc(span.from)},
          {"to", FormatUtc(span.to)},
          {"events", span.events},
          {"counts", CountsJson(span.counts)}};
}

namespace {

json DaysJson(const core::Overview& overview) {
  json days = json::array();
  for (size_t i = 0; i < overview.days.size(); ++i) {
    const core::DayCounts& day = overview.days[i];
    const WallTime to =
        i + 1 < overview.days.size() ? overview.days[i + 1].from : overview.to;
    days.push_back({{"from", FormatUtc(day.from)},
                    {"to", FormatUtc(to)},
                    {"counts", CountsJson(day.counts)},
                    {"operators", day.operators},
                    {"plugs", day.plugs},
                    {"plugs_blocked", day.plugs_blocked}});
  }
  return days;
}

// Values and names are escaped in the index already.
json TopJson(const std::vector<core::TopRow>& rows) {
  json tops = json::array();
  for (const core::TopRow& row : rows) {
    tops.push_back({{"value", row.value},
                    {"name", row.name},
                    {"counts", CountsJson(row.counts)}});
  }
  return tops;
}

}  // namespace

Result<json> GetOverview(const Call& call) {
  core::OverviewQuery query;
  if (const std::string days = Query(call.request, "days"); !days.empty()) {
    ASSIGN_OR_RETURN(const int64_t number, Number(days, "days"));
    query.days = static_cast<int>(
        std::clamp<int64_t>(number, 0, core::kMaxOverviewDays + 1));
  }
  if (const std::string zone = Query(call.request, "zone"); !zone.empty()) {
    query.zone = zone;
  }
  ASSIGN_OR_RETURN(const core::Overview overview,
                   call.desk.GetOverview(call.caller, query));
  const core::Coverage& coverage = overview.coverage;
  const core::OpenAlerts& open = overview.open;
  return json{
      {"days", DaysJson(overview)},
      {"top_devices", TopJson(overview.top_devices)},
      {"top_terminals", TopJson(overview.top_terminals)},
      {"top_persons", TopJson(overview.top_persons)},
      {"coverage",
       {{"enforcing", coverage.enforcing},
        {"degraded", coverage.degraded},
        {"observing", coverage.observing},
        {"silent", coverage.silent},
        {"never_connected", coverage.never_connected}}},
      {"open",
       {{"by_severity", open.by_severity},
        {"unassigned", open.unassigned},
        {"requests", open.requests},
        {"oldest_time", open.oldest_time ? json(FormatUtc(*open.oldest_time))
                                         : json(nullptr)}}}};
}

}  // namespace sekisho::web
