#include "cli/codes_command.h"

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "policy/offline_code.h"

namespace sekisho::cli {
namespace {

using admin::v1::OfflineCode;

constexpr std::string_view kIssueUsage =
    "usage: sekisho code issue --terminal T --device VID:PID:SERIAL\n"
    "               --challenge C --person LOGIN --for 4h --reason TEXT "
    "[--json]\n"
    "  what the caller reads from `sekisho code` on his terminal. Prints the "
    "code\n"
    "  to read back; it is kept nowhere. --for is one of 15m, 30m, 1h, 2h, "
    "4h,\n"
    "  8h, 12h, 1d, 2d, 3d, 7d, from when he types it\n";
constexpr std::string_view kListUsage =
    "usage: sekisho code list [--state running|all] [--json]\n"
    "  what was issued, and with --state all what ended\n";
constexpr std::string_view kRevokeUsage =
    "usage: sekisho code revoke ID [--reason TEXT]\n"
    "  what it opened is closed when the terminal is reached\n";

std::string Span(int64_t seconds) {
  if (seconds % 86400 == 0) return std::to_string(seconds / 86400) + "d";
  if (seconds % 3600 == 0) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 60) + "m";
}

std::string StateOf(const OfflineCode& code) {
  if (!code.has_used_time()) {
    return code.state() == "running" ? "not used" : code.state();
  }
  return (code.state() == "revoked" ? "revoked; used " : "used ") +
         ShortTime(code, "used_time") + " by " + code.used_person() +
         ", event " + std::to_string(code.used_event_row_id());
}

}  // namespace

int RunCodeIssue(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {
      "--terminal", "--device", "--challenge", "--person", "--for", "--reason"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kIssueUsage, parsed.error().message);
  if (!parsed->words.empty()) return WrongUse(kIssueUsage);
  for (const std::string_view name : kOptions) {
    const std::string option(name);
    if (parsed->Get(option).empty()) {
      return WrongUse(kIssueUsage, option + " is needed");
    }
  }
  const auto seconds = ParseSeconds(parsed->Get("--for"));
  if (!seconds) return WrongUse(kIssueUsage, seconds.error().message);
  if (!policy::IsCodePeriod(*seconds)) {
    return WrongUse(kIssueUsage,
                    "--for is one of " + policy::CodePeriodsText());
  }
  admin::v1::IssueCodeRequest request;
  request.set_terminal(parsed->Get("--terminal"));
  request.set_device_id(parsed->Get("--device"));
  request.set_challenge(parsed->Get("--challenge"));
  request.set_person(parsed->Get("--person"));
  request.set_length_seconds(*seconds);
  request.set_reason(parsed->Get("--reason"));
  AdminClient client(parsed->socket);
  const auto issued = client.Call<admin::v1::IssueCodeResponse>(request);
  if (!issued) return Complain(*parsed, issued.error());
  if (parsed->json) {
    std::printf("%s\n", ToJson(*issued).c_str());
  } else {
    std::printf(
        "%s\ncode %lld: opens %s on %s for %s, once, inspected. If he types it "
        "within a day.\n",
        issued->code().c_str(),
        static_cast<long long>(issued->issued().code_id()),
        issued->issued().device_id().c_str(),
        issued->issued().terminal().c_str(),
        Span(issued->issued().length_seconds()).c_str());
  }
  return kDone;
}

int RunCodeList(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--state"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kListUsage, parsed.error().message);
  const std::string state = parsed->Get("--state");
  if (!parsed->words.empty() ||
      (!state.empty() && state != "running" && state != "all")) {
    return WrongUse(kListUsage);
  }
  admin::v1::ListCodesRequest request;
  request.set_all(state == "all");
  AdminClient client(parsed->socket);
  const auto listed = client.Call<admin::v1::ListCodesResponse>(request);
  if (!listed) return Complain(*parsed, listed.error());
  std::string json;
  Table table({"ID", "ISSUED", "FOR", "STATE", "ASKED BY", "TERMINAL", "DEVICE",
               "BY", "WHY"});
  for (const OfflineCode& code : listed->codes()) {
    json += (json.empty() ? "" : ",\n") + ToJson(code);
    table.Add({std::to_string(code.code_id()), ShortTime(code, "create_time"),
               Span(code.length_seconds()), StateOf(code), code.person(),
               code.terminal(), code.device_id(), code.created_by(),
               code.reason()});
  }
  std::fputs(
      parsed->json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
      stdout);
  return kDone;
}

int RunCodeRevoke(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--reason"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kRevokeUsage, parsed.error().message);
  if (parsed->words.size() != 1) return WrongUse(kRevokeUsage, "which code?");
  const auto id = ParseNumber(parsed->words[0]);
  if (!id) return WrongUse(kRevokeUsage, id.error().message);
  admin::v1::RevokeCodeRequest request;
  request.set_code_id(*id);
  request.set_reason(parsed->Get("--reason"));
  AdminClient client(parsed->socket);
  const auto done = client.Call<admin::v1::RevokeCodeResponse>(request);
  if (!done) return Complain(*parsed, done.error());
  if (parsed->json) {
    std::printf("%s\n", ToJson(done->code()).c_str());
  } else {
    std::printf("code %lld: %s\n",
                static_cast<long long>(done->code().code_id()),
                done->code().state().c_str());
  }
  return kDone;
}

}  // namespace sekisho::cli
