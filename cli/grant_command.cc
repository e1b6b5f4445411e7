#include "cli/grant_command.h"

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"

namespace sekisho::cli {
namespace {

using admin::v1::TransferGrant;

constexpr std::string_view kListUsage =
    "usage: sekisho grant list [--state running|all] [--json]\n"
    "  what may go once, and with --state all what went or ended\n";
constexpr std::string_view kRevokeUsage =
    "usage: sekisho grant revoke ID [--reason TEXT]\n"
    "  takes back what was not used yet\n";

std::string StateOf(const TransferGrant& grant) {
  if (!grant.has_used_time()) return grant.state();
  const std::string used = "used " + ShortTime(grant, "used_time") +
                           ", event " +
                           std::to_string(grant.used_event_row_id());
  if (grant.has_erase_time()) {
    return used + ", erased at " + ShortTime(grant, "erase_time");
  }
  return grant.person_count() > 0
             ? used + ", to be erased by " + ShortTime(grant, "end_time")
             : used;
}

}  // namespace

int RunGrantList(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--state"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kListUsage, parsed.error().message);
  const std::string state = parsed->Get("--state");
  if (!parsed->words.empty() ||
      (!state.empty() && state != "running" && state != "all")) {
    return WrongUse(kListUsage);
  }
  admin::v1::ListGrantsRequest request;
  request.set_all(state == "all");
  AdminClient client(parsed->socket);
  const auto listed = client.Call<admin::v1::ListGrantsResponse>(request);
  if (!listed) return Complain(*parsed, listed.error());
  std::string json;
  Table table({"ID", "UNTIL", "STATE", "PERSON", "TERMINAL", "DEVICE", "PEOPLE",
               "CONTENT", "BY", "WHAT FOR"});
  for (const TransferGrant& grant : listed->grants()) {
    json += (json.empty() ? "" : ",\n") + ToJson(grant);
    table.Add({std::to_string(grant.grant_id()), ShortTime(grant, "end_time"),
               StateOf(grant), grant.person(), grant.terminal(),
               grant.device_id(), std::to_string(grant.person_count()),
               grant.file_hash().substr(0, 12), grant.created_by(),
               grant.purpose()});
  }
  std::fputs(
      parsed->json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
      stdout);
  return kDone;
}

int RunGrantRevoke(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--reason"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kRevokeUsage, parsed.error().message);
  if (parsed->words.size() != 1) return WrongUse(kRevokeUsage, "which grant?");
  const auto id = ParseNumber(parsed->words[0]);
  if (!id) return WrongUse(kRevokeUsage, id.error().message);
  admin::v1::RevokeGrantRequest request;
  request.set_grant_id(*id);
  request.set_reason(parsed->Get("--reason"));
  AdminClient client(parsed->socket);
  const auto done = client.Call<admin::v1::RevokeGrantResponse>(request);
  if (!done) return Complain(*parsed, done.error());
  if (parsed->json) {
    std::printf("%s\n", ToJson(done->grant()).c_str());
  } else {
    std::printf("grant %lld: %s\n",
                static_cast<long long>(done->grant().grant_id()),
                done->grant().state().c_str());
  }
  return kDone;
}

}  // namespace sekisho::cli
