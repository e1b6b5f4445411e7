#include "cli/requests_command.h"

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"

namespace sekisho::cli {
namespace {

using admin::v1::Alert;

constexpr char kRequestKind[] = "approval_request";
constexpr int kMaxRows = 1000;

constexpr std::string_view kListUsage =
    "usage: sekisho request list [--state open|all] [--json]\n"
    "  open requests, or with --state all also what was decided\n";
constexpr std::string_view kApproveUsage =
    "usage: sekisho request approve ID [--access "
    "inspect|read_only|audit|full]\n"
    "               [--for 8h] [--scope terminal|everywhere] [--reason TEXT]\n"
    "  as long as was asked for unless --for is given, and only on the "
    "terminal\n"
    "  that asked unless --scope everywhere. Who asked for one copy gets a\n"
    "  grant for it: the same content, once (sekisho grant list)\n";
constexpr std::string_view kDenyUsage =
    "usage: sekisho request deny ID --reason TEXT\n";

// "8h", "90m": what the operator typed, near enough.
std::string Span(int64_t seconds) {
  if (seconds % 86'400 == 0) return std::to_string(seconds / 86'400) + "d";
  if (seconds % 3600 == 0) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 60) + "m";
}

// What of, beside the device.
std::string CopyOf(const Alert& alert) {
  const auto& part = alert.event().public_part();
  if (part.requested_event_id().empty()) return "the device";
  return "one copy: " + alert.event().personal_part().file_path() + ", " +
         std::to_string(part.person_count()) + " people";
}

std::string DeviceOf(const Alert& alert) {
  const auto& device = alert.event().public_part().device();
  return device.vendor_id() + ":" + device.product_id() + ":" + device.serial();
}

int Print(const AdminArgs& args, const Alert& alert) {
  if (args.json) {
    std::printf("%s\n", ToJson(alert).c_str());
  } else {
    std::printf("request %lld: %s\n", static_cast<long long>(alert.alert_id()),
                alert.verdict().c_str());
  }
  return kDone;
}

int Decide(const AdminArgs& args, std::string_view usage,
           admin::v1::DecideRequestRequest request) {
  if (args.words.size() != 1) return WrongUse(usage, "which request?");
  const auto id = ParseNumber(args.words[0]);
  if (!id) return WrongUse(usage, id.error().message);
  request.set_alert_id(*id);
  request.set_reason(args.Get("--reason"));
  AdminClient client(args.socket);
  const auto done = client.Call<admin::v1::DecideRequestResponse>(request);
  return done ? Print(args, done->alert()) : Complain(args, done.error());
}

}  // namespace

int RunRequestList(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--state"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kListUsage, parsed.error().message);
  const std::string state = parsed->Get("--state");
  if (!parsed->words.empty() ||
      (!state.empty() && state != "open" && state != "all")) {
    return WrongUse(kListUsage);
  }
  const bool all = state == "all";
  admin::v1::ListAlertsRequest request;
  request.set_with_events(true);
  request.set_kind(kRequestKind);
  std::string json;
  Table table({"ID", "TIME", "STATE", "PERSON", "TERMINAL", "DEVICE", "OF",
               "FOR", "WHAT FOR"});
  AdminClient client(parsed->socket);
  const Status listed = ForEachRow<admin::v1::ListAlertsResponse>(
      client, request, kMaxRows,
      [&](const admin::v1::ListAlertsResponse& page) {
        for (const Alert& alert : page.alerts()) {
          const bool closed = alert.state() == admin::v1::ALERT_STATE_CLOSED;
          if (closed && !all) continue;
          json += (json.empty() ? "" : ",\n") + ToJson(alert);
          const auto& part = alert.event().public_part();
          table.Add({std::to_string(alert.alert_id()),
                     ShortTime(alert, "create_time"),
                     closed ? alert.verdict() : Word(alert, "state"),
                     alert.person(), alert.terminal(), DeviceOf(alert),
                     CopyOf(alert), Span(part.request_seconds()),
                     alert.event().personal_part().purpose()});
        }
        return page.alerts_size();
      });
  if (!listed) return Complain(*parsed, listed.error());
  std::fputs(
      parsed->json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
      stdout);
  return kDone;
}

int RunRequestApprove(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--access", "--for",
                                                  "--scope", "--reason"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kApproveUsage, parsed.error().message);
  admin::v1::DecideRequestRequest request;
  request.set_answer(admin::v1::REQUEST_ANSWER_APPROVE);
  request.set_access(parsed->Get("--access"));
  if (const std::string time = parsed->Get("--for"); !time.empty()) {
    const auto seconds = ParseSeconds(time);
    if (!seconds) return WrongUse(kApproveUsage, seconds.error().message);
    request.set_duration_seconds(*seconds);
  }
  const std::string scope = parsed->Get("--scope");
  if (!scope.empty() && scope != "terminal" && scope != "everywhere") {
    return WrongUse(kApproveUsage, "--scope is terminal or everywhere");
  }
  if (scope == "everywhere") {
    request.set_scope(admin::v1::REQUEST_SCOPE_EVERY_TERMINAL);
  }
  return Decide(*parsed, kApproveUsage, request);
}

int RunRequestDeny(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--reason"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kDenyUsage, parsed.error().message);
  if (parsed->Get("--reason").empty()) {
    return WrongUse(kDenyUsage, "a refusal needs its reason");
  }
  admin::v1::DecideRequestRequest request;
  request.set_answer(admin::v1::REQUEST_ANSWER_DENY);
  return Decide(*parsed, kDenyUsage, request);
}

}  // namespace sekisho::cli
