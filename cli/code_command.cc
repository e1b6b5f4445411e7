#include "cli/code_command.h"

#include <fmt/format.h>

#include "cli/control_client.h"
#include "cli/options.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho code [DEVICE] [--json]\n"
    "       sekisho code CODE [--json]\n"
    "  without a code: what to read out to the security desk, for each "
    "blocked\n"
    "  medium or for DEVICE (vendor:product:serial)\n"
    "  CODE  as it is read to you: 4 groups of 5 letters; case, spaces and\n"
    "        dashes do not count. 5 tries, then the challenge changes\n";

int WrongUse(std::string_view why) {
  fmt::print(stderr, "sekisho code: {}\n{}", why, kUsage);
  return 2;
}

std::string AsJson(const ipc::CodeAnswer& answer) {
  std::string rows;
  for (const auto& one : answer.challenges) {
    rows += fmt::format(
        "{}{{\"device\":{},\"name\":{},\"challenge\":{},\"tries_left\":{}}}",
        rows.empty() ? "" : ",", JsonQuote(one.device), JsonQuote(one.name),
        JsonQuote(one.challenge), one.tries_left);
  }
  return fmt::format(
      "{{\"ok\":{},\"message\":{},\"terminal\":{},\"challenges\":[{}]}}\n",
      answer.ok, JsonQuote(answer.message), JsonQuote(answer.terminal), rows);
}

void Print(const ipc::CodeAnswer& answer) {
  for (const auto& one : answer.challenges) {
    fmt::print(
        "Device     {}  {}\nTerminal   {}\nChallenge  {}   ({} tries left)\n\n",
        EscapeUntrusted(one.device, 600), EscapeUntrusted(one.name, 600),
        EscapeUntrusted(answer.terminal), EscapeUntrusted(one.challenge),
        one.tries_left);
  }
  if (!answer.challenges.empty()) {
    fmt::print(
        "Read device, terminal and challenge to the security desk, then type\n"
        "what they read back: sekisho code CODE\n");
  } else {
    fmt::print("{}\n", answer.message);
  }
}

}  // namespace

int RunCode(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--runtime"};
  static constexpr std::string_view kFlags[] = {"--json", "--help"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options) return WrongUse(options.error().message);
  ipc::CodeRequest request;
  // A code may be typed in its groups.
  for (const std::string_view word : options->words) {
    if (word.find(':') == std::string_view::npos) {
      request.code += (request.code.empty() ? "" : " ") + std::string(word);
    } else if (request.device.empty()) {
      request.device = word;
    } else {
      return WrongUse("one DEVICE");
    }
  }
  if (!request.code.empty() && !request.device.empty()) {
    return WrongUse("a DEVICE or a CODE");
  }
  auto core = ControlClient::Connect(options->Get("--runtime"));
  const auto answer =
      core ? core->Ask<ipc::CodeAnswer>(request)
           : Result<ipc::CodeAnswer>(std::unexpected(core.error()));
  if (!answer) {
    fmt::print(stderr, "sekisho code: {}\n", answer.error().message);
    return ExitCodeOf(answer.error());
  }
  if (options->Has("--json")) {
    fmt::print("{}", AsJson(*answer));
  } else if (answer->ok) {
    Print(*answer);
  } else {
    fmt::print(stderr, "sekisho code: {}\n", answer->message);
  }
  return answer->ok ? 0 : 1;
}

}  // namespace sekisho::cli
