// Judges the files named on standard input, one a line, and writes one JSON
// object a line: what detect found, and what each shipped policy pack would do.
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "cli/file_judge.h"
#include "common/text.h"
#include "detect/formats/inspect.h"
#include "policy/evaluator.h"
#include "policy/packs.h"
#include "policy/parser.h"

namespace sekisho {
namespace {

// What the agent gives one file by default.
constexpr std::clock_t kMaxClocks = std::clock_t{30} * CLOCKS_PER_SEC;

struct Pack {
  std::string name;
  std::shared_ptr<const policy::Snapshot> snapshot;
};

Result<std::vector<Pack>> LoadPacks() {
  std::vector<Pack> packs;
  for (std::string_view name : policy::PackNames()) {
    ASSIGN_OR_RETURN(policy::Policy model,
                     policy::ParsePolicy(policy::PackText(name), name));
    packs.push_back(
        {std::string(name), policy::Snapshot::Make(std::move(model), {}, 0)});
  }
  return packs;
}

void JudgeFile(const std::string& path, const std::vector<Pack>& packs) {
  // Of this process alone: other work on the machine does not count.
  const std::clock_t start = std::clock();
  detect::Budget budget({}, [&] { return std::clock() - start >= kMaxClocks; });
  const auto findings = detect::InspectFile(path, {}, &budget);
  if (!findings) {
    fmt::print(stderr, "{}: not read\n", path);
    return;
  }
  const double seconds =
      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::string stopped;
  for (const Pack& pack : packs) {
    const policy::ContentDecision decision =
        pack.snapshot->DecideContent(cli::FactsOf(*findings));
    if (decision.verdict == policy::Verdict::kBlock) {
      stopped += fmt::format("{}{}:{}", stopped.empty() ? "" : ",",
                             JsonQuote(pack.name), JsonQuote(decision.rule));
    }
  }
  fmt::print(R"({{"path":{},{},"reason":{},"seconds":{:.6f},"stopped":{{{}}}}})"
             "\n",
             JsonQuote(path), detect::JsonMembers(*findings),
             JsonQuote(findings->reason), seconds, stopped);
}

}  // namespace
}  // namespace sekisho

int main() {
  const auto packs = sekisho::LoadPacks();
  if (!packs.has_value()) {
    fmt::print(stderr, "packs: {}\n", packs.error().message);
    return 2;
  }
  for (std::string path; std::getline(std::cin, path);) {
    sekisho::JudgeFile(path, *packs);
  }
  return 0;
}
