#include "cli/unlock_command.h"

#include <fmt/format.h>
#include <unistd.h>

#include "cli/control_client.h"
#include "cli/hidden_line.h"
#include "cli/options.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr std::chrono::seconds kPatience{90};

constexpr std::string_view kUsage =
    "usage: sekisho unlock [DEVICE] [--stdin] [--json]\n"
    "  opens an encrypted medium (LUKS, BitLocker) that policy lets in, with\n"
    "  its passphrase or recovery password\n"
    "  DEVICE   as `sekisho status` shows it: vendor:product:serial; not "
    "needed\n"
    "           while only one waits\n"
    "  --stdin  read the passphrase from standard input, up to the first line "
    "end\n";

int WrongUse(std::string_view why) {
  fmt::print(stderr, "sekisho unlock: {}\n{}", why, kUsage);
  return 2;
}

Result<std::string> PassphraseFor(bool from_stdin) {
  if (!from_stdin) return ReadHidden("Passphrase of the medium: ");
  std::string line;
  line.reserve(ipc::kMaxVolumePassphraseBytes + 1);
  char c = 0;
  while (line.size() <= ipc::kMaxVolumePassphraseBytes &&
         ::read(STDIN_FILENO, &c, 1) == 1 && c != '\n') {
    line += c;
  }
  return line;
}

}  // namespace

int RunUnlock(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--runtime"};
  static constexpr std::string_view kFlags[] = {"--json", "--help", "--stdin"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options) return WrongUse(options.error().message);
  if (options->words.size() > 1) return WrongUse("at most one DEVICE");
  ipc::UnlockRequest request;
  if (!options->words.empty()) request.device = options->words[0];
  const bool json = options->Has("--json");
  auto core = ControlClient::Connect(options->Get("--runtime"));
  if (!core) return TellReply("unlock", std::unexpected(core.error()), json);
  auto passphrase = PassphraseFor(options->Has("--stdin"));
  if (!passphrase) {
    return TellReply("unlock", std::unexpected(passphrase.error()), json);
  }
  request.passphrase = std::move(*passphrase);
  if (!json && ::isatty(STDERR_FILENO) == 1) {
    fmt::print(stderr, "Finding the key; this takes a few seconds.\n");
  }
  core->set_patience(kPatience);
  const auto reply = core->Ask<ipc::Reply>(request);
  ::explicit_bzero(request.passphrase.data(), request.passphrase.size());
  return TellReply("unlock", reply, json);
}

}  // namespace sekisho::cli
