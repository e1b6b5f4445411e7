#include "cli/upgrade_command.h"

#include <fmt/format.h>

#include "cli/control_client.h"
#include "cli/options.h"
#include "common/file.h"
#include "policy/upgrade_manifest.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho upgrade check [--list FILE] [--json]\n"
    "  Whether the agent takes the program files that are installed now for "
    "its\n"
    "  own; with --list, whether it would take those that FILE lists, as an\n"
    "  upgrade manifest does.\n";

int WrongUse(std::string_view why) {
  fmt::print(stderr, "sekisho upgrade check: {}\n{}", why, kUsage);
  return 2;
}

}  // namespace

int RunUpgradeCheck(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--list", "--runtime"};
  static constexpr std::string_view kFlags[] = {"--json", "--help"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options) return WrongUse(options.error().message);
  if (!options->words.empty()) return WrongUse("too many words");
  ipc::ProgramsCheck check;
  if (options->Has("--list")) {
    auto list =
        ReadFileAt(AT_FDCWD, options->Get("--list"), policy::kMaxManifestBytes);
    if (!list) return WrongUse(list.error().message);
    if (list->empty()) return WrongUse("the list is empty");
    check.list = std::move(*list);
  }
  return AskAndTell("upgrade check", options->Get("--runtime"), check,
                    options->Has("--json"));
}

}  // namespace sekisho::cli
