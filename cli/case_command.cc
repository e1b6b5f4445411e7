#include "cli/case_command.h"

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::Case;

constexpr std::string_view kUsage =
    "usage: sekisho case list [--state open|closed|all] [--owner USER]\n"
    "               [--held yes] [--alert ID] [--limit N] [--json]\n"
    "       sekisho case show ID [--json]\n"
    "       sekisho case open --title TEXT [--alerts ID,ID] [--events ID,ID]\n"
    "               [--owner USER] [--comment TEXT] [--hold REASON]\n"
    "       sekisho case add|remove ID [--alerts ID,ID] [--events ID,ID]\n"
    "       sekisho case comment ID --comment TEXT\n"
    "       sekisho case assign ID USER\n"
    "       sekisho case hold|release|reopen ID --reason TEXT\n"
    "       sekisho case close ID --verdict "
    "true_positive|false_positive|benign\n"
    "               --reason TEXT [--with-alerts yes]\n"
    "  Under legal hold nothing of a case is deleted; another person than who\n"
    "  placed it lifts it.\n";
constexpr std::string_view kOptions[] = {
    "--state",  "--owner",   "--held",       "--alert", "--limit",
    "--title",  "--alerts",  "--events",     "--hold",  "--comment",
    "--reason", "--verdict", "--with-alerts"};
constexpr int kDefaultLimit = 100;

Status Numbers(const std::string& text,
               google::protobuf::RepeatedField<int64_t>* out) {
  if (text.empty()) return {};
  for (const std::string_view word : Split(text, ',')) {
    ASSIGN_OR_RETURN(const int64_t number, ParseNumber(std::string(word)));
    out->Add(number);
  }
  return {};
}

int List(AdminClient& client, const AdminArgs& args) {
  admin::v1::ListCasesRequest request;
  const std::string state = args.Get("--state");
  if (!state.empty() && state != "open" && state != "closed" &&
      state != "all") {
    return WrongUse(kUsage, "no such state: " + state);
  }
  request.set_state(state.empty() ? "open" : state == "all" ? "" : state);
  request.set_owner(args.Get("--owner"));
  request.set_held(args.Get("--held") == "yes");
  int64_t limit = kDefaultLimit;
  int64_t alert_id = 0;
  const std::pair<const char*, int64_t*> numbers[] = {{"--limit", &limit},
                                                      {"--alert", &alert_id}};
  for (const auto& [name, value] : numbers) {
    if (const std::string text = args.Get(name); !text.empty()) {
      const auto number = ParseNumber(text);
      if (!number) return WrongUse(kUsage, number.error().message);
      *value = *number;
    }
  }
  request.set_alert_id(alert_id);
  std::string json;
  Table table(
      {"ID", "OPENED", "STATE", "HOLD", "OWNER", "ALERTS", "EVENTS", "TITLE"});
  const Status listed = ForEachRow<admin::v1::ListCasesResponse>(
      client, request, static_cast<int>(limit),
      [&](const admin::v1::ListCasesResponse& page) {
        for (const Case& one : page.cases()) {
          json += (json.empty() ? "" : ",\n") + ToJson(one);
          table.Add({std::to_string(one.case_id()), ShortTime(one, "open_time"),
                     one.state(), one.held_by(), one.owner(),
                     std::to_string(one.alert_count()),
                     std::to_string(one.event_count()), one.title()});
        }
        return page.cases_size();
      });
  if (!listed) return Complain(args, listed.error());
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

void AddFacts(Table& table, const Case& one) {
  table.Add({"title", one.title()});
  table.Add({"state", one.state()});
  table.Add({"owner", one.owner()});
  table.Add({"opened", ShortTime(one, "open_time") + " by " + one.opened_by()});
  if (one.has_close_time()) {
    table.Add({"closed", ShortTime(one, "close_time") + " by " +
                             one.closed_by() + ": " + one.verdict()});
    table.Add({"reason", one.close_reason()});
  }
  if (one.has_hold_time()) {
    table.Add({"legal hold", ShortTime(one, "hold_time") + " by " +
                                 one.held_by() + ": " + one.hold_reason()});
  }
}

int Print(const AdminArgs& args, const Case& one) {
  if (args.json) {
    std::printf("%s\n", ToJson(one).c_str());
    return kDone;
  }
  Table table({"CASE", std::to_string(one.case_id())});
  AddFacts(table, one);
  std::fputs(table.Print().c_str(), stdout);
  return kDone;
}

int Show(AdminClient& client, const AdminArgs& args, int64_t id) {
  admin::v1::GetCaseRequest request;
  request.set_case_id(id);
  const auto found = client.Call<admin::v1::GetCaseResponse>(request);
  if (!found) return Complain(args, found.error());
  if (args.json) {
    std::printf("%s\n", ToJson(*found).c_str());
    return kDone;
  }
  Table table({"CASE", std::to_string(id)});
  AddFacts(table, found->case_());
  for (const auto& one : found->comments()) {
    table.Add({"comment", ShortTime(one, "write_time") + " " + one.author() +
                              ": " + one.text()});
  }
  std::fputs(table.Print().c_str(), stdout);
  Table items(
      {"ALERT", "EVENT", "TIME", "TERMINAL", "PERSON", "ADDED BY", "TITLE"});
  for (const auto& one : found->items()) {
    items.Add(
        {one.alert_id() == 0 ? "-" : std::to_string(one.alert_id()),
         one.event_row_id() == 0 ? "-" : std::to_string(one.event_row_id()),
         ShortTime(one, "occur_time"), one.terminal(), one.person(),
         one.added_by(), one.title()});
  }
  std::printf("\n%s", items.Print().c_str());
  Table history({"WHEN", "WHO", "WHAT"});
  for (const auto& one : found->history()) {
    history.Add({ShortTime(one, "write_time"), one.author(), one.text()});
  }
  std::printf("\n%s", history.Print().c_str());
  return kDone;
}

template <typename Response, typename Request>
int Do(AdminClient& client, const AdminArgs& args, const Request& request) {
  const auto done = client.Call<Response>(request);
  return done ? Print(args, done->case_()) : Complain(args, done.error());
}

int Open(AdminClient& client, const AdminArgs& args) {
  admin::v1::OpenCaseRequest request;
  request.set_title(args.Get("--title"));
  if (request.title().empty()) return WrongUse(kUsage, "--title is needed");
  request.set_owner(args.Get("--owner"));
  request.set_comment(args.Get("--comment"));
  request.set_hold_reason(args.Get("--hold"));
  for (const Status& read :
       {Numbers(args.Get("--alerts"), request.mutable_alert_ids()),
        Numbers(args.Get("--events"), request.mutable_event_row_ids())}) {
    if (!read) return WrongUse(kUsage, read.error().message);
  }
  return Do<admin::v1::OpenCaseResponse>(client, args, request);
}

int Change(AdminClient& client, const AdminArgs& args, const std::string& verb,
           int64_t id) {
  admin::v1::ChangeCaseRequest request;
  request.set_case_id(id);
  request.set_comment(args.Get("--comment"));
  if (verb == "assign") request.set_owner(args.words.back());
  const bool adds = verb == "add";
  for (const Status& read :
       {Numbers(args.Get("--alerts"), adds
                                          ? request.mutable_add_alert_ids()
                                          : request.mutable_remove_alert_ids()),
        Numbers(args.Get("--events"),
                adds ? request.mutable_add_event_row_ids()
                     : request.mutable_remove_event_row_ids())}) {
    if (!read) return WrongUse(kUsage, read.error().message);
  }
  return Do<admin::v1::ChangeCaseResponse>(client, args, request);
}

template <typename Response, typename Request>
int DoWithReason(AdminClient& client, const AdminArgs& args, int64_t id,
                 Request request) {
  request.set_case_id(id);
  request.set_reason(args.Get("--reason"));
  if (request.reason().empty()) return WrongUse(kUsage, "--reason is needed");
  return Do<Response>(client, args, request);
}

int ToOne(AdminClient& client, const AdminArgs& args, const std::string& verb,
          int64_t id) {
  const bool names =
      !args.Get("--alerts").empty() || !args.Get("--events").empty();
  if (verb == "show") return Show(client, args, id);
  if ((verb == "add" || verb == "remove") && names) {
    return Change(client, args, verb, id);
  }
  if (verb == "comment" && !args.Get("--comment").empty()) {
    return Change(client, args, verb, id);
  }
  if (verb == "hold") {
    return DoWithReason<admin::v1::PlaceHoldResponse>(
        client, args, id, admin::v1::PlaceHoldRequest());
  }
  if (verb == "release") {
    return DoWithReason<admin::v1::LiftHoldResponse>(
        client, args, id, admin::v1::LiftHoldRequest());
  }
  if (verb == "reopen") {
    return DoWithReason<admin::v1::ReopenCaseResponse>(
        client, args, id, admin::v1::ReopenCaseRequest());
  }
  if (verb == "close") {
    admin::v1::CloseCaseRequest request;
    request.set_verdict(args.Get("--verdict"));
    if (request.verdict().empty()) {
      return WrongUse(kUsage, "closing needs a verdict");
    }
    request.set_with_alerts(args.Get("--with-alerts") == "yes");
    return DoWithReason<admin::v1::CloseCaseResponse>(client, args, id,
                                                      request);
  }
  return WrongUse(kUsage);
}

}  // namespace

int RunCaseCommand(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kUsage, parsed.error().message);
  const std::vector<std::string>& words = parsed->words;
  const std::string verb = words.empty() ? "" : words[0];
  AdminClient client(parsed->socket);
  if (verb == "list" && words.size() == 1) return List(client, *parsed);
  if (verb == "open" && words.size() == 1) return Open(client, *parsed);
  if (words.size() < 2) return WrongUse(kUsage);
  const auto id = ParseNumber(words[1]);
  if (!id) return WrongUse(kUsage, id.error().message);
  if (verb == "assign" && words.size() == 3) {
    return Change(client, *parsed, verb, *id);
  }
  if (words.size() != 2) return WrongUse(kUsage);
  return ToOne(client, *parsed, verb, *id);
}

}  // namespace sekisho::cli
