#include "cli/request_command.h"

#include <fmt/format.h>

#include <charconv>

#include "cli/control_client.h"
#include "cli/options.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho request DEVICE --purpose TEXT [--for 8h] [--json]\n"
    "       sekisho request --copy [FILE] --purpose TEXT [--for 8h] [--json]\n"
    "  DEVICE as `sekisho status` shows it: vendor:product:serial\n"
    "  --copy that a copy of yours which was refused may go once: the one of\n"
    "         FILE, or the last\n"
    "  --for  how long it is needed: 45m, 8h, 2d (8h unless given, at most "
    "30d)\n";

int WrongUse(std::string_view why) {
  fmt::print(stderr, "sekisho request: {}\n{}", why, kUsage);
  return 2;
}

}  // namespace

Result<int64_t> ParseDuration(std::string_view text) {
  int64_t number = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit =
      text.substr(static_cast<size_t>(end - text.data()));
  const int64_t seconds = unit == "m"   ? 60
                          : unit == "h" ? 3600
                          : unit == "d" ? 86'400
                                        : 0;
  if (error != std::errc() || seconds == 0 || number <= 0 ||
      number > kMaxRequestSeconds / seconds) {
    return Fail(Code::kInvalidArgument,
                fmt::format("'{}' is no time like 45m, 8h or 2d, at most 30d",
                            EscapeUntrusted(text)));
  }
  return number * seconds;
}

int RunRequest(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--purpose", "--for",
                                                 "--runtime"};
  static constexpr std::string_view kFlags[] = {"--json", "--help", "--copy"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options) return WrongUse(options.error().message);
  ipc::ApprovalRequest request;
  if (options->Has("--copy")) {
    if (options->words.size() > 1) return WrongUse("at most one FILE");
    if (!options->words.empty()) request.file = options->words[0];
  } else {
    if (options->words.size() != 1) return WrongUse("one DEVICE is needed");
    request.device = options->words[0];
  }
  request.purpose = options->Get("--purpose");
  if (request.purpose.empty() || request.purpose.size() > kMaxPurposeBytes) {
    return WrongUse("--purpose says what for, in at most 1024 bytes");
  }
  const auto seconds =
      ParseDuration(options->Has("--for") ? options->Get("--for") : "8h");
  if (!seconds) return WrongUse(seconds.error().message);
  request.seconds = *seconds;
  return AskAndTell("request", options->Get("--runtime"), request,
                    options->Has("--json"));
}

}  // namespace sekisho::cli
