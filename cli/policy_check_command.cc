#include "cli/policy_check_command.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/lint.h"
#include "policy/parser.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho policy check [--json] [--devices LIST.csv] FILE...\n";

enum class Form { kText, kJson };

struct Report {
  std::string file;
  std::string read_error;
  std::vector<policy::Problem> problems;
  std::vector<policy::Problem> warnings;
  std::vector<policy::Coverage> coverage;
};

using Rows = std::optional<std::vector<policy::DeviceEntry>>;

Report Check(std::string_view file, const Rows& rows) {
  Report report;
  report.file = file;
  // One byte more than the cap, so that the parser can say so.
  const auto text =
      ReadFileAt(AT_FDCWD, report.file, policy::kMaxPolicyBytes + 1);
  if (!text) {
    report.read_error = text.error().message;
    return report;
  }
  auto policy = policy::ParsePolicyDetailed(*text, file);
  if (policy) {
    report.warnings = policy::Lint(*policy, file);
    if (rows) {
      report.coverage =
          policy::CountCovered(*policy, *rows, SystemClock().Now());
    }
  } else {
    report.problems = std::move(policy.error());
  }
  return report;
}

std::string AsJson(const std::vector<policy::Problem>& problems) {
  std::vector<std::string> items;
  items.reserve(problems.size());
  for (const policy::Problem& problem : problems) {
    items.push_back(fmt::format(R"({{"line":{},"column":{},"message":{}}})",
                                problem.line, problem.column,
                                JsonQuote(problem.message)));
  }
  return fmt::format("[{}]", fmt::join(items, ","));
}

std::string AsJson(const std::vector<policy::Coverage>& coverage) {
  std::vector<std::string> items;
  items.reserve(coverage.size());
  for (const policy::Coverage& one : coverage) {
    items.push_back(fmt::format(R"({{"rule":{},"line":{},"devices":{}}})",
                                JsonQuote(one.rule), one.line, one.devices));
  }
  return fmt::format("[{}]", fmt::join(items, ","));
}

void Print(const Report& report, Form form) {
  const bool good = report.read_error.empty() && report.problems.empty();
  if (form == Form::kJson) {
    fmt::print(R"({{"file":{},"ok":{},"error":{},"problems":{},"warnings":{},)"
               R"("coverage":{}}})"
               "\n",
               JsonQuote(report.file), good, JsonQuote(report.read_error),
               AsJson(report.problems), AsJson(report.warnings),
               AsJson(report.coverage));
    return;
  }
  if (!report.read_error.empty()) {
    fmt::print(stderr, "{}\n", EscapeUntrusted(report.read_error));
    return;
  }
  for (const auto& problem : report.problems) {
    fmt::print("{}\n", policy::Format(problem));
  }
  for (const auto& warning : report.warnings) {
    fmt::print("{}:{}: warning: {}\n", warning.file, warning.line,
               warning.message);
  }
  for (const auto& one : report.coverage) {
    fmt::print("{:>8} devices: rule '{}'{}\n", one.devices, one.rule,
               one.line > 0 ? fmt::format(" (line {})", one.line) : "");
  }
  if (good) fmt::print("{}: ok\n", report.file);
}

Result<Rows> ReadRows(const std::string& file) {
  if (file.empty()) return Rows();
  ASSIGN_OR_RETURN(const std::string csv,
                   ReadFileAt(AT_FDCWD, file, policy::kMaxDeviceListBytes + 1));
  ASSIGN_OR_RETURN(auto rows, policy::ParseDeviceList(csv, file));
  return Rows(std::move(rows));
}

}  // namespace

int RunPolicyCheck(std::span<const std::string_view> args) {
  Form form = Form::kText;
  std::vector<std::string_view> files;
  std::string list_file;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (arg == "--json") {
      form = Form::kJson;
    } else if (arg == "--devices" && i + 1 < args.size()) {
      list_file = args[++i];
    } else if (arg.starts_with("-") && arg != "-") {
      fmt::print(stderr, "sekisho policy check: unknown option '{}'\n{}", arg,
                 kUsage);
      return 2;
    } else {
      files.push_back(arg);
    }
  }
  if (files.empty()) {
    fmt::print(stderr, "{}", kUsage);
    return 2;
  }
  const auto rows = ReadRows(list_file);
  if (!rows) {
    fmt::print(stderr, "{}\n", rows.error().message);
    return rows.error().code == Code::kInvalidArgument ? 1 : 3;
  }
  int exit_code = 0;
  for (const std::string_view file : files) {
    const Report report = Check(file, *rows);
    Print(report, form);
    if (!report.read_error.empty()) {
      exit_code = 3;
    } else if (!report.problems.empty() && exit_code == 0) {
      exit_code = 1;
    }
  }
  return exit_code;
}

}  // namespace sekisho::cli
