// Saved searches.
#include "server/web/json.h"
#include "server/web/routes.h"

namespace sekisho::web {
namespace {

// Names and values are his who saved it: text, as it was typed.
json ToJson(const core::KeptSearch& kept) {
  json problems = json::array();
  for (const auto& one : kept.problems) {
    problems.push_back({{"filter", one.filter},
                        {"value", one.value},
                        {"message", one.message}});
  }
  return {{"id", kept.row.id},
          {"place", kept.row.place},
          {"name", kept.row.name},
          {"filters", kept.row.filters},
          {"shared", kept.row.is_shared},
          {"owner", kept.row.owner},
          {"mine", kept.is_mine},
          {"create_time", FormatUtc(kept.row.create_time)},
          {"change_time", FormatUtc(kept.row.change_time)},
          {"problems", std::move(problems)}};
}

}  // namespace

Result<std::map<std::string, std::string>> TextsOf(const json& body,
                                                   const char* name) {
  std::map<std::string, std::string> texts;
  const auto found = body.find(name);
  if (found == body.end() || !found->is_object()) {
    return Fail(Code::kInvalidArgument,
                std::string("'") + name + "' must be an object of texts");
  }
  for (const auto& [key, value] : found->items()) {
    if (!value.is_string()) {
      return Fail(Code::kInvalidArgument, std::string("'") + name + "." +
                                              EscapeUntrusted(key, 64) +
                                              "' must be text");
    }
    texts[key] = value.get<std::string>();
  }
  return texts;
}

Result<json> ListSearches(const Call& call) {
  ASSIGN_OR_RETURN(const auto kept, call.desk.ListSearches(call.caller));
  json rows = json::array();
  for (const core::KeptSearch& one : kept) rows.push_back(ToJson(one));
  return json{{"rows", std::move(rows)}};
}

Result<json> SaveSearch(const Call& call) {
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::SavedSearch wish;
  ASSIGN_OR_RETURN(wish.place, Text(body, "place", true));
  ASSIGN_OR_RETURN(wish.name, Text(body, "name", true));
  ASSIGN_OR_RETURN(wish.filters, TextsOf(body, "filters"));
  ASSIGN_OR_RETURN(const auto kept, call.desk.SaveSearch(call.caller, wish));
  return ToJson(kept);
}

Result<json> ChangeSearch(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "search id"));
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  core::SearchWish wish;
  if (body.contains("name")) {
    ASSIGN_OR_RETURN(wish.name, Text(body, "name", true));
  }
  if (body.contains("filters")) {
    ASSIGN_OR_RETURN(wish.filters, TextsOf(body, "filters"));
  }
  if (!wish.name && !wish.filters) {
    return Fail(Code::kInvalidArgument, "'name' or 'filters' must be there");
  }
  ASSIGN_OR_RETURN(const auto kept,
                   call.desk.ChangeSearch(call.caller, id, wish));
  return ToJson(kept);
}

Result<json> ShareSearch(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "search id"));
  ASSIGN_OR_RETURN(const json body, BodyOf(call.request));
  const auto shared = body.find("shared");
  if (shared == body.end() || !shared->is_boolean()) {
    return Fail(Code::kInvalidArgument, "'shared' must be true or false");
  }
  ASSIGN_OR_RETURN(
      const auto kept,
      call.desk.ShareSearch(call.caller, id,
                            shared->get<bool>() ? core::Sharing::kShared
                                                : core::Sharing::kPrivate));
  return ToJson(kept);
}

Result<json> RemoveSearch(const Call& call) {
  ASSIGN_OR_RETURN(const int64_t id, Number(call.rest, "search id"));
  RETURN_IF_ERROR(call.desk.RemoveSearch(call.caller, id));
  return json::object();
}

}  // namespace sekisho::web
