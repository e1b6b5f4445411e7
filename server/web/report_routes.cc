#include <chrono>

#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

constexpr int64_t kDefaultDays = 30;

std::string Shown(const std::string& text) { return EscapeUntrusted(text); }

json Time(const std::optional<WallTime>& time) {
  return time ? json(FormatUtc(*time)) : json(nullptr);
}

json ToJson(const core::TerminalRow& row) {
  json parts = json::array();
  for (const core::CoverPart& part : row.cover.parts) {
    parts.push_back({{"state", core::Name(part.state)},
                     {"from", FormatUtc(part.from)},
                     {"to", FormatUtc(part.to)}});
  }
  const core::RegisteredTerminal& registered = row.registered;
  return {{"terminal", Shown(row.cover.terminal)},
          {"registered", row.cover.registered},
          {"has_agent", row.has_agent},
          {"site", Shown(registered.site)},
          {"groups", Shown(registered.groups)},
          {"expected_hours", Shown(registered.hours)},
          {"owner", Shown(registered.owner)},
          {"service_from", Time(registered.service_from)},
          {"service_to", Time(registered.service_to)},
          {"remove_time", Time(registered.remove_time)},
          {"parts", std::move(parts)}};
}

json ToJson(const core::Inquiry& row) {
  return {{"id", row.id},
          {"time", FormatUtc(row.time)},
          {"user", Shown(row.user)},
          {"reason", Shown(row.reason)},
          {"owner", Shown(row.owner)},
          {"person", Shown(row.person)},
          {"device_id", Shown(row.device_id)},
          {"file_hash", row.file_hash},
          {"from", FormatUtc(row.from)},
          {"to", FormatUtc(row.to)},
          {"answer", row.answer}};
}

template <typename T>
json PageJson(const core::Page<T>& page) {
  json rows = json::array();
  for (const T& row : page.rows) rows.push_back(ToJson(row));
  return {{"rows", std::move(rows)}, {"next_page_token", page.next_token}};
}

Result<WallTime> BodyTime(const json& body, const char* name) {
  ASSIGN_OR_RETURN(const std::string text, Text(body, name, true));
  const auto time = ParseUtc(text);
  if (!time) {
    return Fail(
        Code::kInvalidArgument,
        std::string(name) + " must be a time like 2026-12-31T15:00:00Z");
  }
  return *time;
}

}  // namespace

json RegisterJson(const core::RegisterImport& import) {
  json problems = json::array();
  for (const core::RegisterProblem& one : import.problems) {
    problems.push_back({{"line", one.line},
                        {"column", one.column},
                        {"field", one.field},
                        {"message", Shown(one.message)},
                        {"fix", Shown(one.fix)}});
  }
  json changed = json::array();
  for (const core::RegisterChange& one : import.diff.changed) {
    json fields = json::array();
    for (const std::string& field : one.fields) fields.push_back(Shown(field));
    changed.push_back({{"name", one.name}, {"fields", std::move(fields)}});
  }
  return {{"problems", std::move(problems)}, {"added", import.diff.added},
          {"changed", std::move(changed)},   {"removed", import.diff.removed},
          {"same", import.diff.same},        {"done", import.done}};
}

Result<json> PreviewRegister(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string csv, Text(body, "csv", true));
  ASSIGN_OR_RETURN(const auto import,
                   call.desk.PreviewRegister(call.caller, csv));
  return RegisterJson(import);
}

Result<json> ImportRegister(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string csv, Text(body, "csv", true));
  ASSIGN_OR_RETURN(const auto import,
                   call.desk.ImportRegister(call.caller, csv));
  return RegisterJson(import);
}

Result<json> ListTerminals(const Call& call) {
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  int64_t days = kDefaultDays;
  if (const std::string text = Query(call.request, "days"); !text.empty()) {
    ASSIGN_OR_RETURN(days, Number(text, "days"));
  }
  if (days < 1 || days > core::kMaxCoverDays) {
    return Fail(Code::kInvalidArgument, "days must be 1 to 92");
  }
  ASSIGN_OR_RETURN(
      const auto page,
      call.desk.ListTerminals(call.caller, static_cast<int>(days), paging));
  return PageJson(page);
}

Result<json> ListSiteOutages(const Call& call) {
  ASSIGN_OR_RETURN(const auto outages, call.desk.ListSiteOutages(call.caller));
  json rows = json::array();
  for (const core::SiteOutage& one : outages) {
    rows.push_back({{"alert_id", one.alert_id},
                    {"site", Shown(one.site)},
                    {"begin_time", FormatUtc(one.begin_time)},
                    {"end_time", Time(one.end_time)},
                    {"terminals", one.agent_ids.size()}});
  }
  return json{{"rows", std::move(rows)}};
}

Result<json> RunInquiry(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::InquiryWish wish;
  ASSIGN_OR_RETURN(wish.owner, Text(body, "owner"));
  ASSIGN_OR_RETURN(wish.person, Text(body, "person"));
  ASSIGN_OR_RETURN(wish.device_id, Text(body, "device_id"));
  ASSIGN_OR_RETURN(wish.file_hash, Text(body, "file_hash"));
  ASSIGN_OR_RETURN(wish.reason, Text(body, "reason", true));
  ASSIGN_OR_RETURN(wish.from, BodyTime(body, "from"));
  ASSIGN_OR_RETURN(wish.to, BodyTime(body, "to"));
  ASSIGN_OR_RETURN(const auto inquiry, call.desk.RunInquiry(call.caller, wish));
  return ToJson(inquiry);
}

Result<json> ListInquiries(const Call& call) {
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListInquiries(call.caller, paging));
  return PageJson(page);
}

// The signed note as it is: what is downloaded must verify.
Result<json> GetInquiry(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "inquiry"));
  ASSIGN_OR_RETURN(const auto inquiry, call.desk.GetInquiry(call.caller, id));
  json out = ToJson(inquiry);
  out["document"] = inquiry.document;
  return out;
}

}  // namespace sekisho::web
