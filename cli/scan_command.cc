#include "cli/scan_command.h"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "cli/file_judge.h"
#include "cli/scan_files.h"
#include "cli/scan_progress.h"
#include "common/file.h"
#include "common/text.h"
#include "policy/packs.h"
#include "policy/parser.h"

namespace sekisho::cli {
namespace {

constexpr std::string_view kUsage =
    "usage: sekisho scan [--json] [--explain] [--policy FILE] [--jobs N] "
    "PATH...\n"
    "  --policy FILE  judge by this policy (without it: the pack appi)\n"
    "  --explain      also the columns, and the rule that decides\n"
    "  --jobs N       files looked into at once (without it: one a core)\n"
    "  --json         one object a file\n"
    "Exit code: 0 everything would be allowed, 1 something would not, 2 wrong "
    "use or a\nwrong policy, 3 something could not be read.\n";
constexpr int kMaxJobs = 256;

struct Request {
  bool json = false;
  bool explain = false;
  bool help = false;
  int jobs = 0;  // 0: one a core
  std::string policy_file;
  std::vector<std::string> paths;
};

Result<int> ParseJobs(std::string_view text) {
  int jobs = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), jobs);
  if (error != std::errc() || end != text.data() + text.size() || jobs < 1 ||
      jobs > kMaxJobs) {
    return Fail(Code::kInvalidArgument,
                fmt::format("--jobs takes a number from 1 to {}", kMaxJobs));
  }
  return jobs;
}

Result<Request> ParseArgs(std::span<const std::string_view> args) {
  Request request;
  bool only_paths = false;
  for (size_t i = 0; i < args.size(); ++i) {
    if (only_paths || !args[i].starts_with('-') || args[i] == "-") {
      request.paths.emplace_back(args[i]);
    } else if (args[i] == "--") {
      only_paths = true;
    } else if (args[i] == "--help") {
      request.help = true;
      return request;
    } else if (args[i] == "--json") {
      request.json = true;
    } else if (args[i] == "--explain") {
      request.explain = true;
    } else if (args[i] == "--policy" && i + 1 < args.size()) {
      request.policy_file = args[++i];
    } else if (args[i] == "--jobs" && i + 1 < args.size()) {
      ASSIGN_OR_RETURN(request.jobs, ParseJobs(args[++i]));
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

std::string DataWords(const detect::Findings& findings) {
  std::vector<std::string> words;
  for (size_t i = 0; i < detect::kDataTypeCount; ++i) {
    if (findings.data[i] > 0) {
      words.push_back(
          fmt::format("{} {}", detect::kDataTypeNames[i], findings.data[i]));
    }
  }
  for (const detect::CustomCount& count : findings.custom) {
    words.push_back(
        fmt::format("{} {}", detect::CustomName(count.id), count.values));
  }
  return words.empty() ? "-" : fmt::format("{}", fmt::join(words, ", "));
}

void Print(const JudgedFile& file, const Request& request) {
  const detect::Findings& f = file.findings;
  const policy::ContentDecision& d = file.decision;
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
        JsonQuote(file.path), detect::JsonMembers(f), policy::Name(d.verdict),
        JsonQuote(d.rule), JsonQuote(f.reason), file.seconds, explain);
    return;
  }
  const std::string state =
      f.reason.empty()
          ? std::string(detect::Name(f.inspection))
          : fmt::format("{} ({})", detect::Name(f.inspection), f.reason);
  fmt::print("{:<6} {:>9} {:<10} {:<10} {:<18} {}\n", policy::Name(d.verdict),
             f.persons, f.format, f.encoding.empty() ? "-" : f.encoding, state,
             EscapeUntrusted(file.path));
  if (request.explain) {
    fmt::print("       data: {}\n", DataWords(f));
    for (const std::string& line : detect::Explain(f)) {
      fmt::print("       {}\n", line);
    }
    fmt::print("       rule {}: {}\n", d.rule, EscapeUntrusted(d.reason));
  }
}

// What all files come to, at the end.
class Summary {
 public:
  void Add(const JudgedFile& file) {
    Line& line = lines_[static_cast<size_t>(file.decision.verdict)];
    ++line.files;
    line.people.Merge(file.findings.people);
    all_.Merge(file.findings.people);
    bytes_ += file.findings.bytes;
    unread_ += file.findings.inspection == detect::Inspection::kFull ? 0 : 1;
  }
  void AddProblem() { ++problems_; }
  bool AllAllowed() const {
    return lines_[static_cast<size_t>(policy::Verdict::kAlert)].files == 0 &&
           lines_[static_cast<size_t>(policy::Verdict::kBlock)].files == 0;
  }
  int64_t problems() const { return problems_; }

  // One person in several files is one.
  void Print(double seconds) const {
    fmt::print("\n{:<6} {:>9} {:>8}\n", "", "persons", "files");
    int64_t files = 0;
    for (const policy::Verdict verdict :
         {policy::Verdict::kBlock, policy::Verdict::kAlert,
          policy::Verdict::kAllow}) {
      const Line& line = lines_[static_cast<size_t>(verdict)];
      fmt::print("{:<6} {:>9} {:>8}\n", policy::Name(verdict),
                 line.people.Persons(), line.files);
      files += line.files;
    }
    fmt::print("{:<6} {:>9} {:>8}\n", "all", all_.Persons(), files);
    fmt::print(
        "{} in {:.1f} s ({}/s); not inspected whole: {}; could not be read: "
        "{}\n",
        PrintBytes(bytes_), seconds,
        PrintBytes(static_cast<int64_t>(static_cast<double>(bytes_) /
                                        std::max(seconds, 0.001))),
        unread_, problems_);
  }

 private:
  struct Line {
    int64_t files = 0;
    detect::PeopleSketch people;
  };
  std::array<Line, 3> lines_;  // by policy::Verdict
  detect::PeopleSketch all_;
  int64_t bytes_ = 0;
  int64_t unread_ = 0;
  int64_t problems_ = 0;
};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

void ScanAll(const Request& request, const FileJudge& judge, Summary* summary) {
  const FileList list = ListFiles(request.paths);
  for (const std::string& problem : list.problems) {
    fmt::print(stderr, "{}\n", EscapeUntrusted(problem));
    summary->AddProblem();
  }
  const auto start = std::chrono::steady_clock::now();
  ProgressBar bar(stderr);
  ScanProgress progress;
  progress.files = static_cast<int64_t>(list.paths.size());
  progress.bytes = list.bytes;
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  FileScan::Run(list.paths, judge, request.jobs > 0 ? request.jobs : cores,
                {.judged =
                     [&](Result<JudgedFile> file) {
                       bar.Clear();
                       ++progress.files_done;
                       if (!file) {
                         fmt::print(stderr, "{}\n",
                                    EscapeUntrusted(file.error().message));
                         summary->AddProblem();
                         return;
                       }
                       Print(*file, request);
                       summary->Add(*file);
                     },
                 .waiting =
                     [&](int64_t bytes_read) {
                       progress.bytes_read = bytes_read;
                       progress.seconds = SecondsSince(start);
                       std::fflush(stdout);
                       bar.Draw(progress);
                     }});
  bar.Clear();
  if (!request.json && list.paths.size() > 1) {
    summary->Print(SecondsSince(start));
  }
}

}  // namespace

int RunScan(std::span<const std::string_view> args) {
  const auto request = ParseArgs(args);
  if (!request) {
    fmt::print(stderr, "sekisho scan: {}\n{}", request.error().message, kUsage);
    return 2;
  }
  if (request->help) {
    fmt::print("{}", kUsage);
    return 0;
  }
  auto snapshot = LoadPolicy(request->policy_file);
  if (!snapshot) {
    fmt::print(stderr, "{}\n", snapshot.error().message);
    return snapshot.error().code == Code::kInvalidArgument ? 2 : 3;
  }
  const auto judge = FileJudge::Make(*std::move(snapshot));
  if (!judge) {
    fmt::print(stderr, "{}\n", judge.error().message);
    return 2;
  }
  if (!request->json) {
    fmt::print("{:<6} {:>9} {:<10} {:<10} {:<18} {}\n", "verdict", "persons",
               "format", "encoding", "inspected", "file");
  }
  Summary summary;
  ScanAll(*request, *judge, &summary);
  if (summary.problems() > 0) {
    return 3;
  }
  return summary.AllAllowed() ? 0 : 1;
}

}  // namespace sekisho::cli
