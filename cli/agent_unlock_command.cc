#include "cli/agent_unlock_command.h"

#include <cstdio>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho agent unlock AGENT|TERMINAL --minutes N --reason TEXT "
    "[--json]\n"
    "       sekisho agent confirm-unlock AGENT|TERMINAL [--json]\n"
    "  While it is unlocked the agent may be ended and its package removed.\n"
    "  No medium is opened by that. Another admin must confirm within an "
    "hour.\n";
constexpr std::string_view kOptions[] = {"--minutes", "--reason"};

}  // namespace

int RunAgentUnlock(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed || parsed->words.size() != 1) {
    return WrongUse(kUsage, parsed ? "" : parsed.error().message);
  }
  const auto minutes = ParseNumber(parsed->Get("--minutes"));
  if (!minutes || *minutes < 1 || *minutes > 24 * 60) {
    return WrongUse(kUsage, "--minutes is a number from 1 to 1440");
  }
  if (parsed->Get("--reason").empty()) {
    return WrongUse(kUsage, "--reason is needed");
  }
  AdminClient client(parsed->socket);
  const auto agent = FindAgent(client, parsed->words[0]);
  if (!agent) return Complain(*parsed, agent.error());
  admin::v1::AskUnlockRequest request;
  request.set_agent_id(agent->agent_id());
  request.set_duration_seconds(*minutes * 60);
  request.set_reason(parsed->Get("--reason"));
  const auto asked = client.Call<admin::v1::AskUnlockResponse>(request);
  if (!asked) return Complain(*parsed, asked.error());
  if (parsed->json) {
    std::printf("{\"agent_id\":%s}\n", JsonQuote(agent->agent_id()).c_str());
  } else {
    std::printf(
        "asked; now another admin must run: sekisho agent confirm-unlock %s\n",
        agent->terminal().c_str());
  }
  return kDone;
}

int RunAgentConfirmUnlock(std::span<const std::string_view> args) {
  const auto parsed = ParseAdminArgs(args, {});
  if (!parsed || parsed->words.size() != 1) {
    return WrongUse(kUsage, parsed ? "" : parsed.error().message);
  }
  AdminClient client(parsed->socket);
  const auto agent = FindAgent(client, parsed->words[0]);
  if (!agent) return Complain(*parsed, agent.error());
  admin::v1::ConfirmUnlockRequest request;
  request.set_agent_id(agent->agent_id());
  const auto done = client.Call<admin::v1::ConfirmUnlockResponse>(request);
  if (!done) return Complain(*parsed, done.error());
  if (parsed->json) {
    std::printf("%s\n", ToJson(*done).c_str());
  } else {
    std::printf("%s is unlocked until %s, as %s asked: %s\n",
                agent->terminal().c_str(), ShortTime(*done, "end_time").c_str(),
                EscapeUntrusted(done->requested_by()).c_str(),
                EscapeUntrusted(done->reason()).c_str());
  }
  return kDone;
}

}  // namespace sekisho::cli
