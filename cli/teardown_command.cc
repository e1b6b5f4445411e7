#include "cli/teardown_command.h"

#include <fmt/format.h>

#include "cli/control_client.h"
#include "cli/options.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho teardown --reason TEXT\n"
    "  Opens the gate and ends enforcement before the agent is removed. The\n"
    "  server is told first.\n";

int WrongUse(std::string_view why) {
  fmt::print(stderr, "sekisho teardown: {}\n{}", why, kUsage);
  return 2;
}

}  // namespace

int RunTeardown(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--reason", "--runtime"};
  static constexpr std::string_view kFlags[] = {"--json", "--help"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options) return WrongUse(options.error().message);
  ipc::Teardown teardown;
  teardown.reason = options->Get("--reason");
  if (teardown.reason.empty()) return WrongUse("--reason is needed");
  const auto reply = [&]() -> Result<ipc::Reply> {
    ASSIGN_OR_RETURN(auto client,
                     ControlClient::Connect(options->Get("--runtime")));
    return client.Ask<ipc::Reply>(teardown);
  }();
  if (!reply) {
    fmt::print(stderr, "sekisho teardown: {}\n", reply.error().message);
    return ExitCodeOf(reply.error());
  }
  if (options->Has("--json")) {
    fmt::print("{{\"ok\":{},\"message\":{}}}\n", reply->ok,
               JsonQuote(reply->message));
  } else {
    fmt::print(reply->ok ? stdout : stderr, "{}\n",
               EscapeUntrusted(reply->message));
  }
  return reply->ok ? 0 : 1;
}

}  // namespace sekisho::cli
