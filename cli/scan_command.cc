#include "cli/scan_command.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "common/bytes.h"
#include "common/file.h"
#include "common/text.h"
#include "detect/formats/inspect.h"
#include "policy/evaluator.h"
#include "policy/packs.h"
#include "policy/parser.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho scan [--json] [--explain] [--policy FILE] PATH...\n";

struct Request {
  bool json = false;
  bool explain = false;
  std::string policy_file;
  std::vector<std::string> paths;
};

struct Outcome {
  std::string path;
  detect::Findings findings;
  policy::ContentDecision decision;
  double seconds = 0;
};

Result<Request> ParseArgs(std::span<const std::string_view> args) {
  Request request;
  bool only_paths = false;
  for (size_t i = 0; i < args.size(); ++i) {
    if (only_paths || !args[i].starts_with('-') || args[i] == "-") {
      request.paths.emplace_back(args[i]);
    } else if (args[i] == "--") {
      only_paths = true;
    } else if (args[i] == "--json") {
      request.json = true;
    } else if (args[i] == "--explain") {
      request.explain = true;
    } else if (args[i] == "--policy" && i + 1 < args.size()) {
      request.policy_file = args[++i];
    } else {
      return Fail(Code::kInvalidArgument,
                  fmt::format("unknown option '{}'", args[i]));
    }
  }
  if (request.paths.empty()) {
    return Fail(Code::kInvalidArgument, "no path given");
  }
  return request;
}

Result<std::shared_ptr<const policy::Snapshot>> LoadPolicy(
    const std::string& file) {
  std::string text(policy::PackText("appi"));
  if (!file.empty()) {
    ASSIGN_OR_RETURN(text,
                     ReadFileAt(AT_FDCWD, file, policy::kMaxPolicyBytes + 1));
  }
  ASSIGN_OR_RETURN(policy::Policy model,
                   policy::ParsePolicy(text, file.empty() ? "appi" : file));
  return policy::Snapshot::Make(std::move(model), {}, 0);
}

policy::ContentDecision Decide(const policy::Snapshot& snapshot,
                               const detect::Findings& findings) {
  policy::ContentFacts facts;
  facts.format = findings.format;
  facts.encoding = findings.encoding;
  facts.bytes = findings.bytes;
  facts.persons = findings.persons;
  for (size_t i = 0; i < detect::kDataTypeCount; ++i) {
    if (findings.data[i] > 0) {
      facts.data[std::string(detect::kDataTypeNames[i])] = findings.data[i];
    }
  }
  // Anything but the two known words is "none": never cleaner than it is.
  facts.inspection = policy::ParseInspection(detect::Name(findings.inspection))
                         .value_or(policy::Inspection::kNone);
  facts.reason = findings.reason;
  return snapshot.DecideContent(facts);
}

Result<detect::Findings> ScanFile(const std::string& path,
                                  const detect::Options& options) {
  ASSIGN_OR_RETURN(const UniqueFd fd,
                   OpenAt(AT_FDCWD, path, O_RDONLY | O_NONBLOCK));
  struct stat info{};
  if (::fstat(fd.get(), &info) != 0) {
    return FailErrno(path);
  }
  if (!S_ISREG(info.st_mode)) {
    return Fail(Code::kInvalidArgument, path + ": not a regular file");
  }
  const detect::FdSource source(fd.get(), info.st_size);
  detect::Budget budget;
  return detect::InspectSource(source, options, &budget);
}

// Files of folders, in the order of their names. Links are not followed.
std::vector<std::string> Expand(const std::vector<std::string>& paths) {
  namespace fs = std::filesystem;
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!fs::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    std::vector<std::string> found;
    fs::recursive_directory_iterator it(
        path, fs::directory_options::skip_permission_denied, error);
    for (const fs::recursive_directory_iterator end; !error && it != end;
         it.increment(error)) {
      std::error_code ignored;
      if (it->symlink_status(ignored).type() == fs::file_type::regular) {
        found.push_back(it->path().string());
      }
    }
    std::sort(found.begin(), found.end());
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

std::string DataWords(const detect::Findings& findings) {
  std::vector<std::string> words;
  for (size_t i = 0; i < detect::kDataTypeCount; ++i) {
    if (findings.data[i] > 0) {
      words.push_back(
          fmt::format("{} {}", detect::kDataTypeNames[i], findings.data[i]));
    }
  }
  return words.empty() ? "-" : fmt::format("{}", fmt::join(words, ", "));
}

void Print(const Outcome& outcome, const Request& request) {
  const detect::Findings& f = outcome.findings;
  const policy::ContentDecision& d = outcome.decision;
  if (request.json) {
    std::string explain;
    if (request.explain) {
      std::vector<std::string> lines;
      for (const std::string& line : detect::Explain(f)) {
        lines.push_back(JsonQuote(line));
      }
      explain = fmt::format(R"(,"explain":[{}])", fmt::join(lines, ","));
    }
    fmt::print(
        R"({{"path":{},{},"verdict":"{}","rule":{},"reason":{},"seconds":{:.3f}{}}})"
        "\n",
        JsonQuote(outcome.path), detect::JsonMembers(f),
        policy::Name(d.verdict), JsonQuote(d.rule), JsonQuote(f.reason),
        outcome.seconds, explain);
    return;
  }
  const std::string state =
      f.reason.empty()
          ? std::string(detect::Name(f.inspection))
          : fmt::format("{} ({})", detect::Name(f.inspection), f.reason);
  fmt::print("{:<6} {:>9} {:<10} {:<10} {:<18} {}\n", policy::Name(d.verdict),
             f.persons, f.format, f.encoding.empty() ? "-" : f.encoding, state,
             EscapeUntrusted(outcome.path));
  if (request.explain) {
    fmt::print("       data: {}\n", DataWords(f));
    for (const std::string& line : detect::Explain(f)) {
      fmt::print("       {}\n", line);
    }
    fmt::print("       rule {}: {}\n", d.rule, EscapeUntrusted(d.reason));
  }
}

}  // namespace

int RunScan(std::span<const std::string_view> args) {
  const auto request = ParseArgs(args);
  if (!request) {
    fmt::print(stderr, "sekisho scan: {}\n{}", request.error().message, kUsage);
    return 2;
  }
  const auto snapshot = LoadPolicy(request->policy_file);
  if (!snapshot) {
    fmt::print(stderr, "{}\n", snapshot.error().message);
    return 3;
  }
  // Nothing leaves this process, so any key will do.
  detect::Options options;
  FillRandom(options.key);
  if (!request->json) {
    fmt::print("{:<6} {:>9} {:<10} {:<10} {:<18} {}\n", "verdict", "persons",
               "format", "encoding", "inspected", "file");
  }
  int exit_code = 0;
  for (const std::string& path : Expand(request->paths)) {
    const auto start = std::chrono::steady_clock::now();
    auto findings = ScanFile(path, options);
    if (!findings) {
      fmt::print(stderr, "{}\n", EscapeUntrusted(findings.error().message));
      exit_code = 3;
      continue;
    }
    Outcome outcome;
    outcome.path = path;
    outcome.findings = std::move(*findings);
    outcome.decision = Decide(**snapshot, outcome.findings);
    outcome.seconds =
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
            .count();
    Print(outcome, *request);
    if (outcome.decision.verdict != policy::Verdict::kAllow && exit_code == 0) {
      exit_code = 1;
    }
  }
  return exit_code;
}

}  // namespace sekisho::cli
