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
  return AskAndTell("teardown", options->Get("--runtime"), teardown,
                    options->Has("--json"));
}

}  // namespace sekisho::cli
