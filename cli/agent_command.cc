#include "cli/agent_command.h"

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho agent list [--json]\n"
    "       sekisho agent show AGENT|TERMINAL [--json]\n"
    "       sekisho agent token [--host NAME] [--terminal NAME] [--ttl 24h]\n"
    "       sekisho agent renew AGENT|TERMINAL\n"
    "         lets a terminal renew its certificate after the end of it\n"
    "       sekisho agent revoke AGENT|TERMINAL [--reason TEXT]\n";
constexpr std::string_view kLoginUsage = "usage: sekisho login USER [--json]\n";
constexpr std::string_view kOptions[] = {"--host", "--terminal", "--ttl",
                                         "--reason"};

std::string CertificateOf(const admin::v1::Agent& agent) {
  if (agent.renewal() == "asked") {
    return "expired, asks";
  }
  if (agent.renewal() == "approved") {
    return "may renew";
  }
  return ShortTime(agent, "certificate_expire_time");
}

int List(AdminClient& client, const AdminArgs& args) {
  std::string json;
  Table table({"TERMINAL", "STATE", "MODE", "GATE", "POLICY", "EVENTS",
               "LAST SEEN", "CERTIFICATE", "AGENT"});
  const Status listed = ForEachRow<admin::v1::ListAgentsResponse>(
      client, admin::v1::ListAgentsRequest(), 1'000'000,
      [&](const admin::v1::ListAgentsResponse& page) {
        for (const admin::v1::Agent& agent : page.agents()) {
          json += (json.empty() ? "" : ",\n") + ToJson(agent);
          table.Add({agent.terminal(), agent.state(), agent.mode(),
                     agent.gate_state(), std::to_string(agent.policy_version()),
                     std::to_string(agent.acked_sequence()),
                     ShortTime(agent, "last_seen_time"), CertificateOf(agent),
                     agent.agent_id()});
        }
        return page.agents_size();
      });
  if (!listed) {
    return Complain(args, listed.error());
  }
  std::fputs(args.json ? ("[" + json + "]\n").c_str() : table.Print().c_str(),
             stdout);
  return kDone;
}

int Show(AdminClient& client, const AdminArgs& args) {
  const auto agent = FindAgent(client, args.words[1]);
  if (!agent) {
    return Complain(args, agent.error());
  }
  if (args.json) {
    std::printf("%s\n", ToJson(*agent).c_str());
    return kDone;
  }
  Table table({"AGENT", agent->agent_id()});
  table.Add({"terminal", agent->terminal()});
  table.Add({"state", agent->state()});
  table.Add({"version", agent->agent_version()});
  table.Add({"mode", agent->mode()});
  table.Add({"gate", agent->gate_state()});
  table.Add({"policy", std::to_string(agent->policy_version())});
  table.Add({"events", std::to_string(agent->acked_sequence())});
  table.Add({"last seen", ShortTime(*agent, "last_seen_time")});
  table.Add({"enrolled", ShortTime(*agent, "enrol_time")});
  table.Add(
      {"certificate until", ShortTime(*agent, "certificate_expire_time")});
  table.Add({"renewal", agent->renewal()});
  std::fputs(table.Print().c_str(), stdout);
  return kDone;
}

int Token(AdminClient& client, const AdminArgs& args) {
  admin::v1::CreateTokenRequest request;
  request.set_hostname(args.Get("--host"));
  request.set_terminal(args.Get("--terminal"));
  if (const std::string ttl = args.Get("--ttl"); !ttl.empty()) {
    const auto seconds = ParseSeconds(ttl);
    if (!seconds) {
      return WrongUse(kUsage, seconds.error().message);
    }
    request.set_ttl_seconds(*seconds);
  }
  const auto token = client.Call<admin::v1::CreateTokenResponse>(request);
  if (!token) {
    return Complain(args, token.error());
  }
  if (args.json) {
    std::printf("%s\n", ToJson(*token).c_str());
  } else {
    std::printf("%s\n", token->token().c_str());
    std::fprintf(stderr, "usable once, until %s\n",
                 ShortTime(*token, "expire_time").c_str());
  }
  return kDone;
}

int Renew(AdminClient& client, const AdminArgs& args) {
  const auto agent = FindAgent(client, args.words[1]);
  if (!agent) {
    return Complain(args, agent.error());
  }
  admin::v1::ApproveRenewalRequest request;
  request.set_agent_id(agent->agent_id());
  const auto done = client.Call<admin::v1::ApproveRenewalResponse>(request);
  if (!done) {
    return Complain(args, done.error());
  }
  if (args.json) {
    std::printf("{\"agent_id\":%s}\n", JsonQuote(agent->agent_id()).c_str());
  } else {
    std::printf("%s may renew its certificate within 7 days.\n",
                EscapeUntrusted(agent->terminal()).c_str());
  }
  return kDone;
}

int Revoke(AdminClient& client, const AdminArgs& args) {
  const auto agent = FindAgent(client, args.words[1]);
  if (!agent) {
    return Complain(args, agent.error());
  }
  admin::v1::RevokeAgentRequest request;
  request.set_agent_id(agent->agent_id());
  request.set_reason(args.Get("--reason"));
  const auto done = client.Call<admin::v1::RevokeAgentResponse>(request);
  if (!done) {
    return Complain(args, done.error());
  }
  if (args.json) {
    std::printf("{\"agent_id\":%s}\n", JsonQuote(agent->agent_id()).c_str());
  }
  return kDone;
}

}  // namespace

int RunAgentCommand(std::span<const std::string_view> args) {
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
  if (verb == "show" && words.size() == 2) {
    return Show(client, *parsed);
  }
  if (verb == "token" && words.size() == 1) {
    return Token(client, *parsed);
  }
  if (verb == "renew" && words.size() == 2) {
    return Renew(client, *parsed);
  }
  if (verb == "revoke" && words.size() == 2) {
    return Revoke(client, *parsed);
  }
  return WrongUse(kUsage);
}

int RunLoginCommand(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, {});
  if (!parsed || parsed->words.size() != 1) {
    return WrongUse(kLoginUsage, parsed ? "" : parsed.error().message);
  }
  AdminClient client(parsed->socket);
  admin::v1::CreateLoginRequest request;
  request.set_user(parsed->words[0]);
  const auto login = client.Call<admin::v1::CreateLoginResponse>(request);
  if (!login) {
    return Complain(*parsed, login.error());
  }
  if (parsed->json) {
    std::printf("%s\n", ToJson(*login).c_str());
  } else {
    std::printf("%s\n", login->code().c_str());
    std::fprintf(stderr,
                 "usable once, within an hour, on the console's login page\n");
  }
  return kDone;
}

}  // namespace sekisho::cli
