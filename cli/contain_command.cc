#include "cli/contain_command.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include "cli/admin_client.h"
#include "cli/table.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using admin::v1::Containment;

constexpr std::string_view kUsage =
    "usage: sekisho contain person|terminal|device ID --reason TEXT [--for 4h] "
    "[--json]\n"
    "  Closes all media of that person (by login name, on every terminal), "
    "terminal or\n"
    "  device (everywhere) at once, for 4 hours or as long as --for says, at "
    "most 24 h.\n"
    "  Terminals whose policy observes only report what would have been "
    "closed.\n";
constexpr std::string_view kListUsage =
    "usage: sekisho contain list [--state running|all] [--json]\n";
constexpr std::string_view kExtendUsage =
    "usage: sekisho contain extend ID --for 4h --reason TEXT\n"
    "       sekisho contain extend ID --agree yes\n"
    "  one person asks, another agrees within an hour; the time counts from "
    "then\n";
constexpr std::string_view kLiftUsage =
    "usage: sekisho contain lift ID --reason TEXT\n";

constexpr auto kLookAgain = std::chrono::milliseconds(200);
// Terminals that are connected answer within five seconds.
constexpr auto kPatience = std::chrono::milliseconds(6'000);

int64_t CountOf(const Containment& containment, const std::string& answer) {
  const auto found = containment.answer_counts().find(answer);
  return found == containment.answer_counts().end() ? 0 : found->second;
}

bool Settled(const Containment& containment) {
  return CountOf(containment, "waiting") + CountOf(containment, "closing") == 0;
}

std::string Sentence(const Containment& containment) {
  std::string target = containment.kind() + " ";
  target += containment.terminal().empty() ? containment.target()
                                           : containment.terminal();
  std::string text = "containment " +
                     std::to_string(containment.containment_id()) + ": " +
                     EscapeUntrusted(target);
  if (containment.has_over_time()) {
    return text + " is over since " + ShortTime(containment, "over_time");
  }
  return text + " until " + ShortTime(containment, "end_time");
}

std::string AnswerText(const std::string& answer) {
  if (answer == "would_close") return "observes: would have been closed";
  if (answer == "not_reached") return "not reached: gets it when it connects";
  if (answer == "over") return "over, by its own clock";
  return answer;
}

void Print(const Containment& containment) {
  std::printf("%s\n", Sentence(containment).c_str());
  Table table({"TERMINAL", "ANSWER", "CLOSED AT", "MEDIA", "STILL OPEN"});
  for (const auto& one : containment.terminals()) {
    table.Add({one.terminal(), AnswerText(one.answer()),
               ShortTime(one, "close_time"), std::to_string(one.media_count()),
               std::to_string(one.open_media_count())});
  }
  std::fputs(table.Print().c_str(), stdout);
}

int Show(const AdminArgs& args, const Containment& containment) {
  if (args.json) {
    std::printf("%s\n", ToJson(containment).c_str());
  } else {
    Print(containment);
  }
  return kDone;
}

// Until every terminal that can be reached has answered.
Containment Watch(AdminClient& client, Containment containment) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!Settled(containment) && std::chrono::steady_clock::now() < end) {
    std::this_thread::sleep_for(kLookAgain);
    const auto all = client.Call<admin::v1::ListContainmentsResponse>(
        admin::v1::ListContainmentsRequest());
    if (!all) break;
    for (const Containment& one : all->containments()) {
      if (one.containment_id() == containment.containment_id()) {
        containment = one;
      }
    }
  }
  return containment;
}

Result<int64_t> IdOf(const AdminArgs& args) {
  if (args.words.size() != 1) {
    return Fail(Code::kInvalidArgument, "which containment?");
  }
  return ParseNumber(args.words[0]);
}

}  // namespace

int RunContain(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--reason", "--for"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kUsage, parsed.error().message);
  if (parsed->words.size() != 2) {
    return WrongUse(kUsage, "whom or what shall be contained?");
  }
  admin::v1::ContainRequest request;
  request.set_kind(parsed->words[0]);
  request.set_target(parsed->words[1]);
  request.set_reason(parsed->Get("--reason"));
  if (request.reason().empty()) return WrongUse(kUsage, "--reason is needed");
  if (const std::string time = parsed->Get("--for"); !time.empty()) {
    const auto seconds = ParseSeconds(time);
    if (!seconds) return WrongUse(kUsage, seconds.error().message);
    request.set_duration_seconds(*seconds);
  }
  AdminClient client(parsed->socket);
  if (request.kind() == "terminal") {
    const auto agent = FindAgent(client, request.target());
    if (!agent) return Complain(*parsed, agent.error());
    request.set_target(agent->agent_id());
  }
  const auto begun = client.Call<admin::v1::ContainResponse>(request);
  if (!begun) return Complain(*parsed, begun.error());
  return Show(*parsed, Watch(client, begun->containment()));
}

int RunContainList(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--state"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kListUsage, parsed.error().message);
  const std::string state = parsed->Get("--state");
  if (!parsed->words.empty() ||
      (!state.empty() && state != "running" && state != "all")) {
    return WrongUse(kListUsage);
  }
  admin::v1::ListContainmentsRequest request;
  request.set_all(state == "all");
  AdminClient client(parsed->socket);
  const auto listed = client.Call<admin::v1::ListContainmentsResponse>(request);
  if (!listed) return Complain(*parsed, listed.error());
  if (parsed->json) {
    std::string json;
    for (const Containment& one : listed->containments()) {
      json += (json.empty() ? "" : ",\n") + ToJson(one);
    }
    std::printf("[%s]\n", json.c_str());
    return kDone;
  }
  Table table({"ID", "KIND", "TARGET", "UNTIL", "OVER", "BY", "CLOSED",
               "NOT REACHED", "OBSERVING", "EXTENSION ASKED BY", "REASON"});
  for (const Containment& one : listed->containments()) {
    table.Add({std::to_string(one.containment_id()), one.kind(),
               one.terminal().empty() ? one.target() : one.terminal(),
               ShortTime(one, "end_time"), ShortTime(one, "over_time"),
               one.created_by(), std::to_string(CountOf(one, "closed")),
               std::to_string(CountOf(one, "not_reached")),
               std::to_string(CountOf(one, "would_close")),
               one.extension_asked_by(), one.reason()});
  }
  std::fputs(table.Print().c_str(), stdout);
  return kDone;
}

int RunContainExtend(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--for", "--reason",
                                                  "--agree"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kExtendUsage, parsed.error().message);
  const auto id = IdOf(*parsed);
  if (!id) return WrongUse(kExtendUsage, id.error().message);
  AdminClient client(parsed->socket);
  if (const std::string agree = parsed->Get("--agree"); !agree.empty()) {
    if (agree != "yes") return WrongUse(kExtendUsage, "--agree yes");
    admin::v1::AgreeExtensionRequest request;
    request.set_containment_id(*id);
    const auto done = client.Call<admin::v1::AgreeExtensionResponse>(request);
    if (!done) return Complain(*parsed, done.error());
    return Show(*parsed, Watch(client, done->containment()));
  }
  const auto seconds = ParseSeconds(parsed->Get("--for"));
  if (!seconds) return WrongUse(kExtendUsage, seconds.error().message);
  admin::v1::AskExtensionRequest request;
  request.set_containment_id(*id);
  request.set_duration_seconds(*seconds);
  request.set_reason(parsed->Get("--reason"));
  const auto asked = client.Call<admin::v1::AskExtensionResponse>(request);
  if (!asked) return Complain(*parsed, asked.error());
  if (parsed->json) {
    std::printf("{\"containment_id\":%lld}\n", static_cast<long long>(*id));
  } else {
    std::printf(
        "asked; now another person must run: sekisho contain extend %lld "
        "--agree yes\n",
        static_cast<long long>(*id));
  }
  return kDone;
}

int RunContainLift(std::span<const std::string_view> args) {
  static constexpr std::string_view kOptions[] = {"--reason"};
  const auto parsed = ParseAdminArgs(args, kOptions);
  if (!parsed) return WrongUse(kLiftUsage, parsed.error().message);
  const auto id = IdOf(*parsed);
  if (!id) return WrongUse(kLiftUsage, id.error().message);
  admin::v1::LiftContainmentRequest request;
  request.set_containment_id(*id);
  request.set_reason(parsed->Get("--reason"));
  if (request.reason().empty()) {
    return WrongUse(kLiftUsage, "--reason is needed");
  }
  AdminClient client(parsed->socket);
  const auto done = client.Call<admin::v1::LiftContainmentResponse>(request);
  if (!done) return Complain(*parsed, done.error());
  return Show(*parsed, done->containment());
}

}  // namespace sekisho::cli
