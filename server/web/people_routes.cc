// People at accounts that several use, lists of people by data owner, and who
// outside is told.
#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

json ToJson(const core::PersonRow& row) {
  const auto time = [](const std::optional<WallTime>& at) {
    return at ? json(FormatUtc(*at)) : json(nullptr);
  };
  return {{"id", row.id},
          {"name", EscapeUntrusted(row.name)},
          {"employer", EscapeUntrusted(row.employer)},
          {"manager", row.manager},
          {"contract_end", time(row.contract_end)},
          {"accounts", row.accounts},
          {"has_pin", row.has_pin},
          {"has_totp", row.has_totp},
          {"remove_time", time(row.remove_time)}};
}

Result<core::PeopleFormat> FormatOf(const Result<std::string>& word) {
  RETURN_IF_ERROR(word);
  if (word->empty() || *word == "csv") return core::PeopleFormat::kCsv;
  if (*word == "ldif") return core::PeopleFormat::kLdif;
  return Fail(Code::kInvalidArgument, "format is csv or ldif");
}

Result<core::PeopleFile> FileOf(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::PeopleFile file;
  ASSIGN_OR_RETURN(file.text, Text(body, "text", true));
  ASSIGN_OR_RETURN(file.format, FormatOf(Text(body, "format")));
  ASSIGN_OR_RETURN(const std::string zone, Text(body, "zone"));
  if (!zone.empty()) file.zone = zone;
  ASSIGN_OR_RETURN(file.accounts, Text(body, "accounts"));
  return file;
}

Result<std::string> PersonIn(const json& body) {
  return Text(body, "person", true);
}

}  // namespace

Result<json> ListPeople(const Call& call) {
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(
      const auto page,
      call.desk.ListPeople(call.caller, Query(call.request, "text"), paging));
  json rows = json::array();
  for (const core::PersonRow& row : page.rows) rows.push_back(ToJson(row));
  return json{{"rows", std::move(rows)}, {"next_page_token", page.next_token}};
}

Result<json> PreviewPeople(const Call& call) {
  ASSIGN_OR_RETURN(const core::PeopleFile file, FileOf(call));
  ASSIGN_OR_RETURN(const auto import,
                   call.desk.PreviewPeople(call.caller, file));
  return RegisterJson(import);
}

Result<json> ImportPeople(const Call& call) {
  ASSIGN_OR_RETURN(const core::PeopleFile file, FileOf(call));
  ASSIGN_OR_RETURN(const auto import,
                   call.desk.ImportPeople(call.caller, file));
  return RegisterJson(import);
}

Result<json> MakePin(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string person, PersonIn(body));
  ASSIGN_OR_RETURN(const auto made, call.desk.MakePin(call.caller, person));
  return json{{"pin", made.pin}};
}

Result<json> MakePersonTotp(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string person, PersonIn(body));
  ASSIGN_OR_RETURN(const auto made,
                   call.desk.MakePersonTotp(call.caller, person));
  return json{{"secret", made.text}, {"uri", made.uri}};
}

Result<json> RemovePerson(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string person, PersonIn(body));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason", true));
  RETURN_IF_ERROR(call.desk.RemovePerson(call.caller, person, reason));
  return json::object();
}

Result<json> ListDataSets(const Call& call) {
  ASSIGN_OR_RETURN(const auto sets, call.desk.ListDataSets(call.caller));
  json rows = json::array();
  for (const core::DataSetRow& row : sets) {
    rows.push_back({{"name", row.id},
                    {"owner", row.owner},
                    {"persons", row.persons},
                    {"make_time", FormatUtc(row.make_time)},
                    {"kinds", row.kinds},
                    {"one_in", row.one_in},
                    {"size_bytes", row.size_bytes}});
  }
  return json{{"rows", std::move(rows)}};
}

Result<json> RemoveDataSet(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string name, Text(body, "name", true));
  ASSIGN_OR_RETURN(const std::string reason, Text(body, "reason"));
  RETURN_IF_ERROR(call.desk.RemoveDataSet(call.caller, name, reason));
  return json::object();
}

Result<json> ListSinks(const Call& call) {
  ASSIGN_OR_RETURN(const auto sinks, call.desk.ListSinks(call.caller));
  const auto time = [](const std::optional<WallTime>& at) {
    return at ? json(FormatUtc(*at)) : json(nullptr);
  };
  json rows = json::array();
  for (const core::SinkHealth& sink : sinks) {
    rows.push_back({{"name", sink.name},
                    {"type", sink.type},
                    {"sent_count", sink.sent_count},
                    {"gap_count", sink.gap_count},
                    {"waiting_count", sink.waiting_count},
                    {"last_error", EscapeUntrusted(sink.last_error, 512)},
                    {"sent_time", time(sink.sent_time)},
                    {"failing_since", time(sink.failing_since)}});
  }
  return json{{"rows", std::move(rows)}};
}

}  // namespace sekisho::web
