// Judges the files named on standard input, one a line, and writes one JSON
// object a line: what detect found, and what each shipped policy pack would do.
#include <fcntl.h>
#include <fmt/format.h>

#include <cstdio>
#include <ctime>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include "common/file.h"
#include "common/text.h"
#include "detect/inspector.h"
#include "policy/evaluator.h"
#include "policy/packs.h"
#include "policy/parser.h"

namespace sekisho {
namespace {

constexpr size_t kMaxFileBytes = size_t{1} << 30;

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

policy::ContentFacts FactsOf(const detect::Findings& findings) {
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
  facts.inspection = policy::ParseInspection(detect::Name(findings.inspection))
                         .value_or(policy::Inspection::kNone);
  facts.reason = findings.reason;
  return facts;
}

void JudgeFile(const std::string& path, const std::vector<Pack>& packs) {
  const auto content = ReadFileAt(AT_FDCWD, path, kMaxFileBytes);
  if (!content.has_value()) {
    fmt::print(stderr, "{}\n", content.error().message);
    return;
  }
  // Of this process alone: other work on the machine does not count.
  const std::clock_t start = std::clock();
  const detect::Findings findings = detect::Inspect(AsBytes(*content), {});
  const double seconds =
      static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  std::string stopped;
  for (const Pack& pack : packs) {
    const policy::ContentDecision decision =
        pack.snapshot->DecideContent(FactsOf(findings));
    if (decision.verdict == policy::Verdict::kBlock) {
      stopped += fmt::format("{}{}:{}", stopped.empty() ? "" : ",",
                             JsonQuote(pack.name), JsonQuote(decision.rule));
    }
  }
  fmt::print(R"({{"path":{},{},"reason":{},"seconds":{:.6f},"stopped":{{{}}}}})"
             "\n",
             JsonQuote(path), detect::JsonMembers(findings),
             JsonQuote(findings.reason), seconds, stopped);
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
