#include "cli/suppress_command.h"

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"

namespace sekisho::cli {
namespace {

using admin::v1::Suppression;

constexpr std::string_view kUsage =
    "usage: sekisho alert suppress --kind KIND --for 7d --reason TEXT\n"
    "               [--person NAME] [--device ID] [--terminal NAME]\n"
    "               [--rule ID] [--json]\n"
    "  Alerts of that kind that fit all that is given (at least one) are kept\n"
    "  out of the queue and told to nobody; what is critical never is. At "
    "most\n"
    "  90 days. They stay in the history and come up in reviews.\n";
constexpr std::string_view kListUsage =
    "usage: sekisho alert suppressions [--state running|all] [--json]\n";
constexpr std::string_view kEndUsage =
    "usage: sekisho alert unsuppress ID --reason TEXT\n";

void Add(Table& table, const Suppression& one) {
  std::string what = one.kind();
  const std::pair<const char*, const std::string*> parts[] = {
      {" person ", &one.person()},
      {" device ", &one.device_id()},
      {" terminal ", &one.terminal()},
      {" rule ", &one.rule()}};
  for (const auto& [name, value] : parts) {
    if (!value->empty()) what += name + *value;
  }
  table.Add({std::to_string(one.suppression_id()), what,
             ShortTime(one, "end_time"), ShortTime(one, "over_time"),
             one.created_by(), std::to_string(one.alert_count()),
             one.reason()});
}

Table Head() {
  return Table(
      {"ID", "WHAT", "UNTIL", "ENDED", "BY", "ALERTS KEPT BACK", "REASON"});
}

int Print(const AdminArgs& args, const Suppression& one) {
  if (args.json) {
    std::printf("%s\n", ToJson(one).c_str());
    return kDone;
  }
  Table table = Head();
  Add(table, one);
  std::fputs(table.Print().c_str(), stdout);
  return kDone;
}

}  // namespace

int RunAlertSuppress(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {
      "--kind", "--for",      "--reason", "--person",
      "--rule", "--terminal", "--device"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kUsage, parsed.error().message);
  admin::v1::SuppressRequest request;
  request.set_kind(parsed->Get("--kind"));
  request.set_person(parsed->Get("--person"));
  request.set_device_id(parsed->Get("--device"));
  request.set_terminal(parsed->Get("--terminal"));
  request.set_rule(parsed->Get("--rule"));
  request.set_reason(parsed->Get("--reason"));
  const auto seconds = ParseSeconds(parsed->Get("--for"));
  if (!seconds) return WrongUse(kUsage, seconds.error().message);
  request.set_duration_seconds(*seconds);
  if (request.kind().empty() || request.reason().empty()) {
    return WrongUse(kUsage, "--kind and --reason are needed");
  }
  AdminClient client(parsed->socket);
  const auto done = client.Call<admin::v1::SuppressResponse>(request);
  return done ? Print(*parsed, done->suppression())
              : Complain(*parsed, done.error());
}

int RunAlertSuppressions(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--state"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kListUsage, parsed.error().message);
  const std::string state = parsed->Get("--state");
  if (!parsed->words.empty() ||
      (!state.empty() && state != "running" && state != "all")) {
    return WrongUse(kListUsage);
  }
  admin::v1::ListSuppressionsRequest request;
  request.set_all(state == "all");
  AdminClient client(parsed->socket);
  const auto found = client.Call<admin::v1::ListSuppressionsResponse>(request);
  if (!found) return Complain(*parsed, found.error());
  std::string json;
  Table table = Head();
  for (const Suppression& one : found->suppressions()) {
    json += (json.empty() ? "" : ",\n") + ToJson(one);
    Add(table, one);
  }
  std::fputs(
      parsed->json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
      stdout);
  return kDone;
}

int RunAlertUnsuppress(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--reason"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kEndUsage, parsed.error().message);
  if (parsed->words.size() != 1) return WrongUse(kEndUsage, "which?");
  const auto id = ParseNumber(parsed->words[0]);
  if (!id) return WrongUse(kEndUsage, id.error().message);
  admin::v1::EndSuppressionRequest request;
  request.set_suppression_id(*id);
  request.set_reason(parsed->Get("--reason"));
  AdminClient client(parsed->socket);
  const auto done = client.Call<admin::v1::EndSuppressionResponse>(request);
  return done ? Print(*parsed, done->suppression())
              : Complain(*parsed, done.error());
}

}  // namespace sekisho::cli
