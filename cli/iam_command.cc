#include "cli/iam_command.h"

#include <fmt/format.h>
#include <string.h>
#include <unistd.h>

#include "cli/control_client.h"
#include "cli/hidden_line.h"
#include "cli/options.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

constexpr size_t kMaxProofBytes = 64;
constexpr std::chrono::seconds kPatience{30};

constexpr std::string_view kUsage =
    "usage: sekisho iam ID [--stdin] [--json]\n"
    "  at an account that several people use: says who you are, for this "
    "login,\n"
    "  and asks for your PIN (8 digits) or your authenticator's code (6 "
    "digits)\n"
    "  ID       yours in the people register of your organisation\n"
    "  --stdin  read PIN or code from standard input, up to the first line "
    "end\n"
    "  `sekisho status` shows who you are\n";

int WrongUse(std::string_view why) {
  fmt::print(stderr, "sekisho iam: {}\n{}", why, kUsage);
  return 2;
}

Result<std::string> ProofFor(bool from_stdin) {
  if (!from_stdin) return ReadHidden("PIN or code of the authenticator: ");
  std::string line;
  line.reserve(kMaxProofBytes + 1);
  char c = 0;
  while (line.size() <= kMaxProofBytes && ::read(STDIN_FILENO, &c, 1) == 1 &&
         c != '\n') {
    line += c;
  }
  return line;
}

}  // namespace

int RunIam(std::span<const std::string_view> args) {
  static constexpr std::string_view kValued[] = {"--runtime"};
  static constexpr std::string_view kFlags[] = {"--json", "--help", "--stdin"};
  const auto options = ParseOptions(args, kValued, kFlags);
  if (options && options->Has("--help")) {
    fmt::print("{}", kUsage);
    return 0;
  }
  if (!options) return WrongUse(options.error().message);
  if (options->words.size() != 1) return WrongUse("one ID");
  ipc::IdentifyRequest request;
  request.person = options->words[0];
  const bool json = options->Has("--json");
  auto core = ControlClient::Connect(options->Get("--runtime"));
  if (!core) return TellReply("iam", std::unexpected(core.error()), json);
  auto proof = ProofFor(options->Has("--stdin"));
  if (!proof) return TellReply("iam", std::unexpected(proof.error()), json);
  // Apps show a code in two groups.
  for (const char c : *proof) {
    if (c != ' ' && c != '\r') request.proof += c;
  }
  core->set_patience(kPatience);
  const auto reply = core->Ask<ipc::Reply>(request);
  ::explicit_bzero(request.proof.data(), request.proof.size());
  ::explicit_bzero(proof->data(), proof->size());
  return TellReply("iam", reply, json);
}

}  // namespace sekisho::cli
