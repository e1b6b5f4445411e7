#include "cli/alert_command.h"

#include <algorithm>
#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"

namespace sekisho::cli {
namespace {

using admin::v1::Alert;
using admin::v1::AlertState;

constexpr std::string_view kUsage =
    "usage: sekisho alert list [--state new|acknowledged|in_progress|closed]\n"
    "               [--limit N] [--json]\n"
    "       sekisho alert show ID [--json]\n"
    "       sekisho alert ack ID... [--comment TEXT]\n"
    "       sekisho alert assign ID... USER [--comment TEXT]\n"
    "       sekisho alert unassign ID... [--comment TEXT]\n"
    "       sekisho alert comment ID... --comment TEXT\n"
    "       sekisho alert close ID... --verdict "
    "true_positive|false_positive|benign [--comment TEXT]\n"
    "  list takes also --severity, --kind, --terminal, --person, --device,\n"
    "  --rule, and --assignee USER|none\n";
constexpr std::string_view kOptions[] = {
    "--state",    "--limit",  "--comment", "--verdict", "--severity", "--kind",
    "--terminal", "--person", "--device",  "--rule",    "--assignee"};
constexpr int kDefaultLimit = 100;

// The state's number; 0 = no such word.
int StateOf(const std::string& word) {
  for (int number = 1; number <= 4; ++number) {
    Alert alert;
    alert.set_state(static_cast<AlertState>(number));
    if (Word(alert, "state") == word) {
      return number;
    }
  }
  return 0;
}

int List(AdminClient& client, const AdminArgs& args) {
  int64_t limit = kDefaultLimit;
  admin::v1::ListAlertsRequest request;
  request.set_with_events(args.json);
  if (const std::string text = args.Get("--limit"); !text.empty()) {
    const auto number = ParseNumber(text);
    if (!number) {
      return WrongUse(kUsage, number.error().message);
    }
    limit = *number;
  }
  if (const std::string word = args.Get("--state"); !word.empty()) {
    const int state = StateOf(word);
    if (state == 0) {
      return WrongUse(kUsage, "no such state: " + word);
    }
    request.set_state(static_cast<AlertState>(state));
  }
  request.set_severity(args.Get("--severity"));
  request.set_kind(args.Get("--kind"));
  request.set_terminal(args.Get("--terminal"));
  request.set_person(args.Get("--person"));
  request.set_device_id(args.Get("--device"));
  request.set_rule(args.Get("--rule"));
  if (const std::string assignee = args.Get("--assignee"); assignee == "none") {
    request.set_unassigned(true);
  } else {
    request.set_assignee(assignee);
  }
  std::string json;
  Table table({"ID", "TIME", "SEVERITY", "STATE", "KIND", "TERMINAL", "PERSON",
               "ASSIGNEE", "TITLE"});
  const Status listed = ForEachRow<admin::v1::ListAlertsResponse>(
      client, request, static_cast<int>(limit),
      [&](const admin::v1::ListAlertsResponse& page) {
        for (const Alert& alert : page.alerts()) {
          json += (json.empty() ? "" : ",\n") + ToJson(alert);
          table.Add({std::to_string(alert.alert_id()),
                     ShortTime(alert, "create_time"), alert.severity(),
                     Word(alert, "state"), alert.kind(), alert.terminal(),
                     alert.person(), alert.assignee(), alert.title()});
        }
        return page.alerts_size();
      });
  if (!listed) {
    return Complain(args, listed.error());
  }
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

void ShowEvent(Table& table, const admin::v1::EventRow& event) {
  const auto& part = event.public_part();
  const auto& personal = event.personal_part();
  table.Add({"event", event.agent_id() + " " + std::to_string(part.epoch()) +
                          ":" + std::to_string(part.sequence())});
  table.Add({"happened", ShortTime(part, "occur_time") + " (its clock)"});
  table.Add({"device", part.device().vendor_id() + ":" +
                           part.device().product_id() + ":" +
                           part.device().serial()});
  table.Add({"file", personal.file_path()});
  table.Add({"people", std::to_string(part.person_count())});
  std::string data;
  for (const auto& count : part.data()) {
    data += (data.empty() ? "" : ", ") + count.type() + " " +
            std::to_string(count.value_count());
  }
  table.Add({"data", data});
  table.Add({"rule", part.rule()});
  table.Add({"reason", part.reason()});
  if (!personal.stated_person().empty()) {
    table.Add({"stated person",
               personal.stated_person() + " (" +
                   (personal.proven_by().empty() ? "not proven"
                                                 : personal.proven_by()) +
                   ")"});
  }
  table.Add({"person", personal.person() + " (" + personal.origin() + " " +
                           personal.ssh_source() + ")"});
  table.Add({"SSH key", personal.ssh_key()});
  table.Add({"program", personal.program()});
  table.Add({"command", personal.command()});
}

int Print(const AdminArgs& args, const Alert& alert) {
  if (args.json) {
    std::printf("%s\n", ToJson(alert).c_str());
    return kDone;
  }
  Table table({"ALERT", std::to_string(alert.alert_id())});
  table.Add({"title", alert.title()});
  table.Add({"kind", alert.kind() + ", " + alert.severity()});
  table.Add({"state", Word(alert, "state")});
  table.Add({"since", ShortTime(alert, "create_time")});
  table.Add({"terminal", alert.terminal()});
  table.Add({"assignee", alert.assignee()});
  table.Add({"verdict", alert.verdict()});
  for (const std::string& comment : alert.comments()) {
    table.Add({"comment", comment});
  }
  if (alert.has_event()) {
    ShowEvent(table, alert.event());
  }
  std::fputs(table.Print().c_str(), stdout);
  return kDone;
}

int Show(AdminClient& client, const AdminArgs& args, int64_t alert_id) {
  admin::v1::ListAlertsRequest request;
  request.set_alert_id(alert_id);
  request.set_with_events(true);
  const auto page = client.Call<admin::v1::ListAlertsResponse>(request);
  if (!page) {
    return Complain(args, page.error());
  }
  if (page->alerts().empty()) {
    return Complain(args,
                    {Code::kNotFound, "no alert " + std::to_string(alert_id)});
  }
  return Print(args, page->alerts(0));
}

// The same change to each; what one refuses does not keep the next from it.
int Update(AdminClient& client, const AdminArgs& args,
           std::span<const std::string> ids,
           admin::v1::UpdateAlertRequest request) {
  request.set_comment(args.Get("--comment"));
  std::vector<int64_t> numbers;
  for (const std::string& id : ids) {
    const auto number = ParseNumber(id);
    if (!number) {
      return WrongUse(kUsage, number.error().message);
    }
    numbers.push_back(*number);
  }
  if (numbers.empty()) {
    return WrongUse(kUsage, "which alert?");
  }
  int code = kDone;
  for (const int64_t number : numbers) {
    request.set_alert_id(number);
    const auto done = client.Call<admin::v1::UpdateAlertResponse>(request);
    const int one =
        done ? Print(args, done->alert()) : Complain(args, done.error());
    code = std::max(code, one);
  }
  return code;
}

}  // namespace

int RunAlertCommand(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) {
    return WrongUse(kUsage, parsed.error().message);
  }
  const std::vector<std::string>& words = parsed->words;
  const std::string verb = words.empty() ? "" : words[0];
  AdminClient client(parsed->socket);
  if (verb == "list" && words.size() == 1) {
    return List(client, *parsed);
  }
  const auto rest = std::span(words).subspan(std::min<size_t>(words.size(), 1));
  if (verb == "show" && rest.size() == 1) {
    const auto alert_id = ParseNumber(rest[0]);
    return alert_id ? Show(client, *parsed, *alert_id)
                    : WrongUse(kUsage, alert_id.error().message);
  }
  admin::v1::UpdateAlertRequest request;
  if (verb == "ack") {
    request.set_state(admin::v1::ALERT_STATE_ACKNOWLEDGED);
    return Update(client, *parsed, rest, request);
  }
  if (verb == "assign" && rest.size() >= 2) {
    request.set_state(admin::v1::ALERT_STATE_IN_PROGRESS);
    request.set_assignee(rest.back());
    return Update(client, *parsed, rest.first(rest.size() - 1), request);
  }
  if (verb == "unassign") {
    request.set_unassign(true);
    return Update(client, *parsed, rest, request);
  }
  if (verb == "comment" && !parsed->Get("--comment").empty()) {
    return Update(client, *parsed, rest, request);
  }
  if (verb == "close") {
    if (parsed->Get("--verdict").empty()) {
      return WrongUse(kUsage, "closing needs a verdict");
    }
    request.set_state(admin::v1::ALERT_STATE_CLOSED);
    request.set_verdict(parsed->Get("--verdict"));
    return Update(client, *parsed, rest, request);
  }
  return WrongUse(kUsage);
}

}  // namespace sekisho::cli
