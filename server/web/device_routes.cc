#include "server/core/event_words.h"
#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

// Longer than any approval should stand; also keeps the sum in range.
constexpr int64_t kMaxExpirySeconds = int64_t{10} * 366 * 24 * 3600;

// `"expire_seconds": 86400` from now, or nothing.
Result<std::optional<WallTime>> ExpiryOf(const Call& call, const json& body) {
  const auto found = body.find("expire_seconds");
  if (found == body.end() || found->is_null()) return std::nullopt;
  const int64_t seconds =
      found->is_number_integer() ? found->get<int64_t>() : 0;
  if (seconds <= 0 || seconds > kMaxExpirySeconds) {
    return Fail(Code::kInvalidArgument,
                "'expire_seconds' must be a whole number of seconds, at most "
                "ten years");
  }
  return call.desk.Now() + std::chrono::seconds(seconds);
}

json MaybeTime(const std::optional<WallTime>& time) {
  return time ? json(FormatUtc(*time)) : json();
}

json FilesJson(const std::vector<core::DeviceFile>& files) {
  json rows = json::array();
  for (const core::DeviceFile& file : files) {
    json row = {{"path", EscapeUntrusted(file.path)},
                {"size", file.size_bytes < 0 ? json() : json(file.size_bytes)},
                {"modify_time", MaybeTime(file.modify_time)},
                {"since", FormatUtc(file.since)},
                {"terminal", EscapeUntrusted(file.terminal)},
                {"from_elsewhere", file.from_elsewhere},
                {"other_size", file.other_size},
                {"other_time", file.other_time},
                {"gone_time", MaybeTime(file.gone_time)},
                {"gone", file.gone},
                {"copy", nullptr}};
    if (file.copy) {
      const auto& part = file.copy->public_part;
      json data = json::object();
      for (const auto& count : part.data()) {
        data[EscapeUntrusted(count.type())] = count.value_count();
      }
      row["copy"] = {
          {"row_id", file.copy->row_id},
          {"person", EscapeUntrusted(core::PersonIn(file.copy->personal_part))},
          {"persons", part.person_count()},
          {"data", std::move(data)},
          {"data_owner", EscapeUntrusted(part.data_owner())},
          {"encryption", EscapeUntrusted(part.device().encryption())},
          {"file_sha256", ToHex(AsBytes(part.file_hash()))}};
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

json MediumJson(const core::MediumContents& medium) {
  json data = json::object();
  for (const auto& [type, count] : medium.data) {
    data[EscapeUntrusted(type)] = count;
  }
  return {{"volume", medium.volume},
          {"filesystem", medium.filesystem},
          {"label", EscapeUntrusted(medium.label)},
          {"encryption", medium.encryption},
          {"last_time", FormatUtc(medium.last_time)},
          {"list_time", MaybeTime(medium.list_time)},
          {"list_terminal", EscapeUntrusted(medium.list_terminal)},
          {"list_complete", medium.list_complete},
          {"list_count", medium.list_count},
          {"behind", medium.behind},
          {"erase_time", MaybeTime(medium.erase_time)},
          {"erased_bytes", medium.erased_bytes},
          {"file_count", medium.file_count},
          {"bytes", medium.bytes},
          {"from_elsewhere_count", medium.from_elsewhere_count},
          {"personal_count", medium.personal_count},
          {"persons", medium.persons},
          {"data", std::move(data)},
          {"files", FilesJson(medium.files)},
          {"gone", FilesJson(medium.gone)},
          {"cut", medium.cut}};
}

json PlacesJson(const std::vector<core::DevicePlace>& places) {
  json rows = json::array();
  for (const core::DevicePlace& place : places) {
    rows.push_back({{"value", place.value},
                    {"first_time", FormatUtc(place.first_time)},
                    {"last_time", FormatUtc(place.last_time)},
                    {"counts", CountsJson(place.counts)}});
  }
  return rows;
}

}  // namespace

Result<json> ListDevices(const Call& call) {
  core::DeviceFilter filter;
  filter.device_id = Query(call.request, "device_id");
  filter.terminal = Query(call.request, "terminal");
  filter.text = Query(call.request, "text");
  const std::string approved = Query(call.request, "approved");
  if (approved == "true") filter.state = core::DeviceState::kApproved;
  if (approved == "false") filter.state = core::DeviceState::kUnapproved;
  const std::string state = Query(call.request, "state");
  if (state == "lost") filter.state = core::DeviceState::kLost;
  if (state == "weak") filter.state = core::DeviceState::kWeak;
  ASSIGN_OR_RETURN(const core::Paging paging, PagingOf(call.request));
  ASSIGN_OR_RETURN(const auto page,
                   call.desk.ListDevices(call.caller, filter, paging));
  return ToJson(page);
}

Result<json> ApproveDevice(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::Approval approval;
  ASSIGN_OR_RETURN(approval.device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(approval.access, Text(body, "access", true));
  ASSIGN_OR_RETURN(approval.terminal, Text(body, "terminal"));
  ASSIGN_OR_RETURN(approval.owner, Text(body, "owner"));
  ASSIGN_OR_RETURN(approval.purpose, Text(body, "purpose"));
  ASSIGN_OR_RETURN(approval.ticket, Text(body, "ticket"));
  ASSIGN_OR_RETURN(approval.expire_time, ExpiryOf(call, body));
  ASSIGN_OR_RETURN(const int64_t version,
                   call.desk.ApproveDevice(call.caller, approval));
  return json{{"version", version}};
}

Result<json> RevokeDevice(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(const int64_t version,
                   call.desk.RevokeDevice(call.caller, device_id));
  return json{{"version", version}};
}

// {"answer": "approve"|"deny", "access", "seconds", "scope", "reason"}
Result<json> DecideRequest(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::RequestDecision decision;
  ASSIGN_OR_RETURN(decision.alert_id, Number(call.rest, "request id"));
  ASSIGN_OR_RETURN(const std::string answer, Text(body, "answer", true));
  ASSIGN_OR_RETURN(const std::string scope, Text(body, "scope"));
  if ((answer != "approve" && answer != "deny") ||
      (!scope.empty() && scope != "terminal" && scope != "everywhere")) {
    return Fail(Code::kInvalidArgument,
                "answer is approve or deny, scope terminal or everywhere");
  }
  if (answer == "approve") decision.answer = core::RequestAnswer::kApprove;
  if (scope == "everywhere")
    decision.scope = core::RequestScope::kEveryTerminal;
  ASSIGN_OR_RETURN(const std::string access, Text(body, "access"));
  if (!access.empty()) decision.access = access;
  ASSIGN_OR_RETURN(decision.seconds, MaybeNumber(body, "seconds"));
  ASSIGN_OR_RETURN(decision.reason, Text(body, "reason"));
  ASSIGN_OR_RETURN(const auto alert,
                   call.desk.DecideRequest(call.caller, decision));
  return ToJson(alert);
}

Result<json> GetDeviceStory(const Call& call) {
  const std::string zone = Query(call.request, "zone");
  ASSIGN_OR_RETURN(
      const core::DeviceStory story,
      call.desk.GetDeviceStory(call.caller, Query(call.request, "device_id"),
                               zone.empty() ? "UTC" : zone));
  json weeks = json::array();
  for (const auto& week : story.weeks) weeks.push_back(ToJson(week));
  json decisions = json::array();
  for (const core::AuditEntry& entry : story.decisions) {
    decisions.push_back({{"time", FormatUtc(entry.time)},
                         {"user", EscapeUntrusted(entry.user)},
                         {"action", entry.action},
                         {"detail", EscapeUntrusted(entry.detail)},
                         {"result", EscapeUntrusted(entry.result)}});
  }
  json looks = json::array();
  for (const auto& look : story.looks) {
    looks.push_back({{"descriptor_hash", EscapeUntrusted(look.descriptor_hash)},
                     {"name", EscapeUntrusted(look.name)},
                     {"first_time", FormatUtc(look.first_time)},
                     {"last_time", FormatUtc(look.last_time)}});
  }
  json past = json::array();
  for (const auto& one : story.past) {
    past.push_back({{"time", FormatUtc(one.time)},
                    {"terminal", EscapeUntrusted(one.terminal)},
                    {"source", EscapeUntrusted(one.source)}});
  }
  return json{{"device", ToJson(story.device)},
              {"weeks", std::move(weeks)},
              {"sum", ToJson(story.sum)},
              {"bytes", story.bytes},
              {"terminals", PlacesJson(story.terminals)},
              {"persons", PlacesJson(story.persons)},
              {"decisions", std::move(decisions)},
              {"looks", std::move(looks)},
              {"same_serial", story.same_serial},
              {"past", std::move(past)},
              {"cut", story.cut}};
}

Result<json> GetDeviceContents(const Call& call) {
  ASSIGN_OR_RETURN(const core::DeviceContents contents,
                   call.desk.GetDeviceContents(
                       call.caller, Query(call.request, "device_id")));
  json media = json::array();
  for (const core::MediumContents& medium : contents.media) {
    media.push_back(MediumJson(medium));
  }
  return json{{"device_id", contents.device_id}, {"media", std::move(media)}};
}

Result<json> ConfirmDevice(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::Confirmation confirmation;
  ASSIGN_OR_RETURN(confirmation.device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(confirmation.note, Text(body, "note"));
  RETURN_IF_ERROR(call.desk.ConfirmDevice(call.caller, confirmation));
  return json::object();
}

Result<json> MarkLost(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::LostMark mark;
  ASSIGN_OR_RETURN(mark.device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(mark.how, Text(body, "how", true));
  ASSIGN_OR_RETURN(mark.note, Text(body, "note"));
  ASSIGN_OR_RETURN(const int64_t version,
                   call.desk.MarkLost(call.caller, mark));
  return json{{"version", version}};
}

Result<json> ClearLost(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  ASSIGN_OR_RETURN(const std::string device_id, Text(body, "device_id", true));
  ASSIGN_OR_RETURN(const std::string note, Text(body, "note"));
  ASSIGN_OR_RETURN(const int64_t version,
                   call.desk.ClearLost(call.caller, device_id, note));
  return json{{"version", version}};
}

}  // namespace sekisho::web
