#include "cli/user_command.h"

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::ApiTokenRow;
using admin::v1::UserRow;
using Names = google::protobuf::RepeatedPtrField<std::string>;

constexpr std::string_view kUserUsage =
    "usage: sekisho user list [--json]\n"
    "       sekisho user add NAME --roles ROLE,... [--groups GROUP,...] "
    "[--json]\n"
    "       sekisho user set-roles NAME --roles ROLE,...\n"
    "       sekisho user scope NAME --groups GROUP,...\n"
    "       sekisho user unscope NAME\n"
    "       sekisho user link NAME --person ID\n"
    "       sekisho user unlink NAME\n"
    "       sekisho user disable NAME --reason TEXT\n"
    "       sekisho user enable NAME\n"
    "       sekisho user totp-reset NAME --reason TEXT\n"
    "       sekisho user use-provider NAME --reason TEXT\n"
    "  roles: viewer, analyst, approver, policy_author, auditor, admin\n"
    "  groups: of the terminal register; without them a user sees the whole "
    "fleet\n"
    "  link: who he is in the people register; he handles nothing that is "
    "about\n"
    "  this person\n"
    "  add prints a one-time code for the console's login page\n"
    "  use-provider: no password from now on; who has this name at the OpenID\n"
    "  provider comes in and is this user from then on\n";
constexpr std::string_view kTokenUsage =
    "usage: sekisho token list [--json]\n"
    "       sekisho token add NAME --user USER --roles ROLE,... "
    "[--groups GROUP,...]\n"
    "               [--for 90d] [--json]\n"
    "       sekisho token revoke ID\n"
    "  a token is shown once; it lives at most 366 days\n";

void SetNames(const std::string& text, Names* out) {
  for (const std::string_view name : Split(text, ',')) {
    if (!Trim(name).empty()) out->Add(std::string(Trim(name)));
  }
}

std::string Joined(const Names& names) {
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ",") + name;
  }
  return text.empty() ? "-" : text;
}

int Done(const AdminArgs& args, const std::string& sentence) {
  std::printf("%s\n", args.json ? "{}" : EscapeUntrusted(sentence).c_str());
  return kDone;
}

// "password", "https://id.example (248289)"
std::string WaysOf(const UserRow& user) {
  std::string ways = user.has_password() ? "password" : "";
  if (!user.provider_issuer().empty()) {
    ways += (ways.empty() ? "" : ", ") + user.provider_issuer() + " (" +
            user.provider_subject() + ")";
  }
  return ways.empty() ? "-" : ways;
}

int ListUsers(AdminClient& client, const AdminArgs& args) {
  const auto listed =
      client.Call<admin::v1::ListUsersResponse>(admin::v1::ListUsersRequest());
  if (!listed) return Complain(args, listed.error());
  std::string json;
  Table table({"USER", "ROLES", "SEES", "PERSON", "SIGNS IN", "SECOND FACTOR",
               "STATE"});
  for (const UserRow& user : listed->users()) {
    json += (json.empty() ? "" : ",\n") + ToJson(user);
    std::string state =
        WaysOf(user) == "-" ? "did not sign in yet" : std::string();
    if (user.has_disable_time()) {
      state = "disabled since " + ShortTime(user, "disable_time");
    }
    table.Add({user.user(), Joined(user.roles()),
               user.has_scope() ? Joined(user.groups()) : "everything",
               user.person().empty() ? "-" : user.person(), WaysOf(user),
               user.has_totp() ? "yes" : "no", state});
  }
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

int AddUser(AdminClient& client, const AdminArgs& args) {
  admin::v1::AddUserRequest request;
  request.set_user(args.words[1]);
  SetNames(args.Get("--roles"), request.mutable_roles());
  SetNames(args.Get("--groups"), request.mutable_groups());
  if (!args.Get("--groups").empty() && request.groups().empty()) {
    return WrongUse(kUserUsage);
  }
  const auto added = client.Call<admin::v1::AddUserResponse>(request);
  if (!added) return Complain(args, added.error());
  if (args.json) {
    std::printf("%s\n", ToJson(*added).c_str());
  } else if (added->code().empty()) {
    std::printf("comes in through the OpenID provider: there is no code\n");
  } else {
    std::printf("%s\n", added->code().c_str());
    std::fprintf(stderr,
                 "usable once, within an hour, on the console's login page\n");
  }
  return kDone;
}

// A request with a name and, if it has one, a reason.
template <typename Response, typename Request>
int Change(AdminClient& client, const AdminArgs& args, Request request,
           const std::string& done) {
  request.set_user(args.words[1]);
  const auto changed = client.Call<Response>(request);
  if (!changed) return Complain(args, changed.error());
  return Done(args, args.words[1] + " " + done);
}

void Print(const ApiTokenRow& token, Table& table) {
  std::string state = "until " + ShortTime(token, "expire_time");
  if (token.has_revoke_time()) {
    state = "revoked " + ShortTime(token, "revoke_time") + " by " +
            token.revoked_by();
  }
  table.Add({std::to_string(token.token_id()), token.name(), token.user(),
             Joined(token.roles()), state, ShortTime(token, "use_time")});
}

int ListTokens(AdminClient& client, const AdminArgs& args) {
  const auto listed = client.Call<admin::v1::ListApiTokensResponse>(
      admin::v1::ListApiTokensRequest());
  if (!listed) return Complain(args, listed.error());
  std::string json;
  Table table({"ID", "NAME", "USER", "ROLES", "STATE", "LAST USE"});
  for (const ApiTokenRow& token : listed->tokens()) {
    json += (json.empty() ? "" : ",\n") + ToJson(token);
    Print(token, table);
  }
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

int AddToken(AdminClient& client, const AdminArgs& args) {
  const std::string life = args.Get("--for");
  const auto seconds = ParseSeconds(life.empty() ? "90d" : life);
  if (!seconds) return WrongUse(kTokenUsage, seconds.error().message);
  admin::v1::AddApiTokenRequest request;
  request.set_name(args.words[1]);
  request.set_user(args.Get("--user"));
  SetNames(args.Get("--roles"), request.mutable_roles());
  SetNames(args.Get("--groups"), request.mutable_groups());
  request.set_life_seconds(*seconds);
  const auto added = client.Call<admin::v1::AddApiTokenResponse>(request);
  if (!added) return Complain(args, added.error());
  if (args.json) {
    std::printf("%s\n", ToJson(*added).c_str());
  } else {
    std::printf("%s\n", added->secret().c_str());
    std::fprintf(stderr, "shown once; until %s\n",
                 ShortTime(added->token(), "expire_time").c_str());
  }
  return kDone;
}

int RevokeToken(AdminClient& client, const AdminArgs& args) {
  const auto id = ParseNumber(args.words[1]);
  if (!id) return WrongUse(kTokenUsage, id.error().message);
  admin::v1::RevokeApiTokenRequest request;
  request.set_token_id(*id);
  const auto done = client.Call<admin::v1::RevokeApiTokenResponse>(request);
  if (!done) return Complain(args, done.error());
  return Done(args, "token " + args.words[1] + " is over");
}

}  // namespace

int RunUserCommand(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--roles", "--reason",
                                                  "--groups", "--person"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kUserUsage, parsed.error().message);
  const auto& words = parsed->words;
  const std::string verb = words.empty() ? "" : words[0];
  AdminClient client(parsed->socket);
  if (verb == "list" && words.size() == 1) return ListUsers(client, *parsed);
  if (words.size() != 2) return WrongUse(kUserUsage);
  const std::string roles = parsed->Get("--roles");
  const std::string reason = parsed->Get("--reason");
  if (verb == "add" && !roles.empty()) return AddUser(client, *parsed);
  if (verb == "set-roles" && !roles.empty()) {
    admin::v1::SetRolesRequest request;
    SetNames(roles, request.mutable_roles());
    return Change<admin::v1::SetRolesResponse>(client, *parsed, request,
                                               "has now: " + roles);
  }
  const std::string groups = parsed->Get("--groups");
  if ((verb == "scope" && !groups.empty()) || verb == "unscope") {
    admin::v1::SetScopeRequest request;
    if (verb == "scope") SetNames(groups, request.mutable_groups());
    // Commas alone are no groups, and none would be the whole fleet.
    if (verb == "scope" && request.groups().empty())
      return WrongUse(kUserUsage);
    return Change<admin::v1::SetScopeResponse>(
        client, *parsed, request,
        "sees now: " + (verb == "scope" ? groups : "the whole fleet"));
  }
  const std::string person = parsed->Get("--person");
  if ((verb == "link" && !person.empty()) || verb == "unlink") {
    admin::v1::LinkPersonRequest request;
    if (verb == "link") request.set_person(person);
    return Change<admin::v1::LinkPersonResponse>(
        client, *parsed, request,
        verb == "link" ? "is now the person " + person
                       : "is linked to nobody now");
  }
  if (verb == "disable" && !reason.empty()) {
    admin::v1::DisableUserRequest request;
    request.set_reason(reason);
    return Change<admin::v1::DisableUserResponse>(
        client, *parsed, request, "may not come in; his sessions ended");
  }
  if (verb == "enable") {
    return Change<admin::v1::EnableUserResponse>(
        client, *parsed, admin::v1::EnableUserRequest(), "may come in again");
  }
  if (verb == "totp-reset" && !reason.empty()) {
    admin::v1::ResetTotpRequest request;
    request.set_reason(reason);
    return Change<admin::v1::ResetTotpResponse>(
        client, *parsed, request, "comes in with his password alone");
  }
  if (verb == "use-provider" && !reason.empty()) {
    admin::v1::MoveToProviderRequest request;
    request.set_reason(reason);
    return Change<admin::v1::MoveToProviderResponse>(
        client, *parsed, request,
        "comes in through the OpenID provider; his sessions ended");
  }
  return WrongUse(kUserUsage);
}

int RunTokenCommand(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--user", "--roles",
                                                  "--groups", "--for"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kTokenUsage, parsed.error().message);
  const auto& words = parsed->words;
  const std::string verb = words.empty() ? "" : words[0];
  AdminClient client(parsed->socket);
  if (verb == "list" && words.size() == 1) return ListTokens(client, *parsed);
  if (words.size() != 2) return WrongUse(kTokenUsage);
  if (verb == "add" && !parsed->Get("--user").empty() &&
      !parsed->Get("--roles").empty()) {
    return AddToken(client, *parsed);
  }
  if (verb == "revoke") return RevokeToken(client, *parsed);
  return WrongUse(kTokenUsage);
}

}  // namespace sekisho::cli
