#include "cli/erase_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include <string>

#include "cli/control_client.h"
#include "cli/options.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

// A large stick is written and read for hours.
constexpr std::chrono::hours kPatience{48};
constexpr std::string_view kWord = "erase";

constexpr std::string_view kUsage =
    "usage: sekisho erase DEVICE|MOUNT [--yes] [--json]\n"
    "  removes everything from a medium that is inspected, overwrites all of "
    "its\n"
    "  room, reads that back, and tells the server so\n"
    "  DEVICE  as `sekisho status` shows it: vendor:product:serial\n"
    "  MOUNT   where it is mounted\n"
    "  --yes   do not ask\n";

int WrongUse(std::string_view why) {
  fmt::print(stderr, "sekisho erase: {}\n{}", why, kUsage);
  return 2;
}

bool Confirmed(const std::string& target) {
  fmt::print(stderr,
             "Everything on {} will be gone for good. Type \"{}\" to go on: ",
             EscapeUntrusted(target), kWord);
  std::string line;
  char c = 0;
  while (line.size() <= kWord.size() && ::read(STDIN_FILENO, &c, 1) == 1 &&
         c != '\n') {
    line += c;
  }
  return line == kWord;
}

}  // namespace

int RunErase(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--runtime"};
  static constexpr std::string_view kFlags[] = {"--json", "--help", "--yes"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options) return WrongUse(options.error().message);
  if (options->words.size() != 1) return WrongUse("name one DEVICE or MOUNT");
  ipc::EraseRequest request;
  request.target = options->words[0];
  while (request.target.size() > 1 && request.target.ends_with('/')) {
    request.target.pop_back();
  }
  const bool json = options->Has("--json");
  if (!options->Has("--yes") && !Confirmed(request.target)) {
    fmt::print(stderr, "sekisho erase: nothing was done\n");
    return 1;
  }
  auto core = ControlClient::Connect(options->Get("--runtime"));
  if (!core) return TellReply("erase", std::unexpected(core.error()), json);
  if (!json && ::isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr,
               "Overwriting and reading back; this takes as long as "
               "writing the whole medium and reading it.\n");
  }
  core->set_patience(kPatience);
  return TellReply("erase", core->Ask<ipc::Reply>(request), json);
}

}  // namespace sekisho::cli
