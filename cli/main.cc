// `sekisho`: one table of commands, one file each.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/agent_command.h"
#include "cli/agent_unlock_command.h"
#include "cli/agent_upgrade_command.h"
#include "cli/alert_command.h"
#include "cli/case_command.h"
#include "cli/code_command.h"
#include "cli/codes_command.h"
#include "cli/contain_command.h"
#include "cli/data_set_command.h"
#include "cli/data_set_make_command.h"
#include "cli/device_command.h"
#include "cli/doctor_command.h"
#include "cli/enroll_command.h"
#include "cli/erase_command.h"
#include "cli/event_command.h"
#include "cli/grant_command.h"
#include "cli/iam_command.h"
#include "cli/people_command.h"
#include "cli/policy_check_command.h"
#include "cli/policy_explain_command.h"
#include "cli/policy_import_command.h"
#include "cli/policy_push_command.h"
#include "cli/policy_simulate_command.h"
#include "cli/report_command.h"
#include "cli/request_command.h"
#include "cli/requests_command.h"
#include "cli/review_command.h"
#include "cli/rollout_command.h"
#include "cli/samples_command.h"
#include "cli/scan_command.h"
#include "cli/status_command.h"
#include "cli/suppress_command.h"
#include "cli/teardown_command.h"
#include "cli/terminal_command.h"
#include "cli/unlock_command.h"
#include "cli/upgrade_command.h"
#include "cli/user_command.h"
#include "common/text.h"

namespace sekisho::cli {
namespace {

using Args = std::span<const std::string_view>;

struct Command {
  std::string_view name;  // one word or two
  std::string_view help;
  int (*run)(Args args);  // begins after the name
};

constexpr auto kCommands = std::to_array<Command>({
    {"status", "what the agent on this terminal does and records", RunStatus},
    // Before "request": the first name that fits is taken.
    {"request list", "what operators ask for", RunRequestList},
    {"request approve", "give what an operator asks for", RunRequestApprove},
    {"request deny", "refuse what an operator asks for", RunRequestDeny},
    {"request", "ask for approval of a device", RunRequest},
    {"unlock", "open an encrypted medium with its passphrase", RunUnlock},
    {"iam", "say who you are at an account that several people use", RunIam},
    {"erase", "overwrite a medium and prove it", RunErase},
    {"doctor", "can this terminal be protected, and what is never taken away",
     RunDoctor},
    {"enroll", "make this terminal an agent of a server", RunEnroll},
    {"teardown", "open the gate, for the package's removal", RunTeardown},
    {"upgrade check", "may these program files be the agent's, for packages",
     RunUpgradeCheck},
    {"scan", "look into files for personal data, as the gate would", RunScan},
    {"policy check", "find what is wrong with a policy", RunPolicyCheck},
    {"policy explain", "which rule decides about a device or file, and why",
     RunPolicyExplain},
    {"policy simulate", "try a draft on what happened", RunPolicySimulate},
    {"policy suggest", "draft a whitelist from what happened",
     RunPolicySuggest},
    {"policy import", "take rules and devices of other products",
     RunPolicyImport},
    {"policy export", "give rules to USBGuard", RunPolicyExport},
    {"policy push", "sign a policy and send it to the agents", RunPolicyPush},
    {"policy history", "the versions that were pushed", RunPolicyHistory},
    {"policy rollback", "push an earlier version again", RunPolicyRollback},
    {"policy rollout", "how far a version has come through the rings",
     RunPolicyRollout},
    {"policy rings", "which terminals get a policy first", RunPolicyRings},
    {"agent upgrade", "sign which programs new packages bring",
     RunAgentUpgrade},
    {"agent unlock", "ask that an agent's protection of itself be lifted",
     RunAgentUnlock},
    {"agent confirm-unlock", "agree to what another admin asked for",
     RunAgentConfirmUnlock},
    {"agent", "list, show and revoke agents; make enrolment tokens",
     RunAgentCommand},
    // Before "code": the first name that fits is taken.
    {"code issue", "read a code out to a terminal without network",
     RunCodeIssue},
    {"code list", "codes that were issued, and whether they were used",
     RunCodeList},
    {"code revoke", "take a code back", RunCodeRevoke},
    {"code", "open a blocked medium with a code that is read to you", RunCode},
    {"grant list", "which refused copies may go once", RunGrantList},
    {"grant revoke", "take such a grant back", RunGrantRevoke},
    // Before "contain": the first name that fits is taken.
    {"contain list", "who and what uses no media for now", RunContainList},
    {"contain extend", "let a containment go on; needs two people",
     RunContainExtend},
    {"contain lift", "end a containment", RunContainLift},
    {"contain", "close all media of a person, terminal or device at once",
     RunContain},
    {"device", "list, show, approve and revoke devices", RunDeviceCommand},
    {"event", "list, follow, export and verify events", RunEventCommand},
    {"samples key", "make the analysts' key for masked samples", RunSamplesKey},
    {"samples open", "read the masked samples of a transfer", RunSamplesOpen},
    // Before "alert": the first name that fits is taken.
    {"alert suppress", "keep alerts of one kind back for a while",
     RunAlertSuppress},
    {"alert suppressions", "which alerts are kept back", RunAlertSuppressions},
    {"alert unsuppress", "show them again", RunAlertUnsuppress},
    {"alert", "list, show, take and close alerts", RunAlertCommand},
    {"case", "open, fill, hold and close cases", RunCaseCommand},
    {"report inquiry", "did data leave? a signed answer", RunReportInquiry},
    {"review", "judge and sign what was drawn from a period", RunReviewCommand},
    {"report review", "who reviewed what, and what nobody did",
     RunReportReview},
    {"report list", "the inquiries that were answered", RunReportList},
    {"report show", "an answer in words", RunReportShow},
    {"report verify", "prove a signed answer, offline", RunReportVerify},
    {"terminal import", "take over the register of terminals",
     RunTerminalImport},
    {"terminal list", "terminals and how long each was covered",
     RunTerminalList},
    // Before "data-set": the first name that fits is taken.
    {"data-set make", "a client's list, as what its people are known by",
     RunDataSetMake},
    {"data-set", "whose people terminals know again", RunDataSetCommand},
    {"people", "who may use accounts that several share", RunPeopleCommand},
    {"user", "who may come to the console, and as what", RunUserCommand},
    {"token", "programs that use the JSON API", RunTokenCommand},
    {"login", "a one-time login to the console", RunLoginCommand},
});

void PrintHelp(FILE* to) {
  fmt::print(to, "usage: sekisho COMMAND [--json] ...\n\n");
  for (const Command& command : kCommands) {
    fmt::print(to, "  {:<20} {}\n", command.name, command.help);
  }
  fmt::print(to,
             "\n`sekisho COMMAND --help` shows a command's options. Exit code: "
             "0 done, 1 refused\nor found something, 2 wrong use, 3 cannot "
             "reach.\n");
}

// Words of `name` that `args` begins with; 0 if not all do.
size_t Matches(std::string_view name, Args args) {
  const auto words = Split(name, ' ');
  if (args.size() < words.size()) return 0;
  return std::equal(words.begin(), words.end(), args.begin()) ? words.size()
                                                              : 0;
}

// Levenshtein.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

int Unknown(Args args) {
  const std::string one(args[0].substr(0, 64));
  const std::string two =
      args.size() > 1 ? one + " " + std::string(args[1].substr(0, 64)) : one;
  const auto far = [&](const Command& command) {
    return std::min(Distance(one, command.name), Distance(two, command.name));
  };
  const auto& nearest = *std::ranges::min_element(kCommands, {}, far);
  fmt::print(stderr, "sekisho: no command '{}'\n", EscapeUntrusted(two));
  const bool group = std::ranges::any_of(kCommands, [&](const Command& c) {
    return c.name.starts_with(one + " ");
  });
  if (group) {
    fmt::print(stderr, "There are:\n");
    for (const Command& command : kCommands) {
      if (command.name.starts_with(one + " ")) {
        fmt::print(stderr, "  sekisho {:<20} {}\n", command.name, command.help);
      }
    }
  } else if (far(nearest) <= 3) {
    fmt::print(stderr, "Did you mean: sekisho {}\n", nearest.name);
  } else {
    fmt::print(stderr, "See: sekisho --help\n");
  }
  return 2;
}

int Run(Args args) {
  if (args.empty()) {
    PrintHelp(stderr);
    return 2;
  }
  if (args[0] == "--help" || args[0] == "-h" || args[0] == "help") {
    PrintHelp(stdout);
    return 0;
  }
  if (args[0] == "--version") {
    fmt::print("sekisho {}\n", SEKISHO_VERSION);
    return 0;
  }
  for (const Command& command : kCommands) {
    if (const size_t words = Matches(command.name, args); words > 0) {
      return command.run(args.subspan(words));
    }
  }
  return Unknown(args);
}

}  // namespace
}  // namespace sekisho::cli

int main(int argc, char** argv) {
  const std::vector<std::string_view> args(argv + std::min(argc, 1),
                                           argv + argc);
  return sekisho::cli::Run(args);
}
