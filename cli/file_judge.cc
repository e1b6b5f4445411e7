#include "cli/file_judge.h"

#include <chrono>

#include "common/bytes.h"
#include "detect/formats/inspect.h"

namespace sekisho::cli {
namespace {

Result<std::shared_ptr<const detect::CustomTypes>> TypesOf(
    const policy::Policy& policy) {
  std::vector<detect::CustomType> types;
  for (const policy::CustomType& type : policy.sets.types) {
    const auto check = detect::CustomCheckFromName(policy::Name(type.check));
    CHECK(check.has_value());  // both lists are ours
    types.push_back({.id = type.name,
                     .pattern = type.pattern,
                     .header_words = type.headers,
                     .check = *check,
                     .values = type.values});
  }
  return detect::CustomTypes::Make(types);
}

}  // namespace

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
  for (const detect::CustomCount& count : findings.custom) {
    facts.data[detect::CustomName(count.id)] = count.values;
  }
  // Anything but the two known words is "none": never cleaner than it is.
  facts.inspection = policy::ParseInspection(detect::Name(findings.inspection))
                         .value_or(policy::Inspection::kNone);
  facts.reason = findings.reason;
  return facts;
}

Result<FileJudge> FileJudge::Make(
    std::shared_ptr<const policy::Snapshot> snapshot) {
  FileJudge judge;
  ASSIGN_OR_RETURN(judge.options_.custom, TypesOf(snapshot->policy()));
  // Nothing leaves this process, so any key will do.
  FillRandom(judge.options_.key);
  judge.snapshot_ = std::move(snapshot);
  detect::PrepareFormats();
  return judge;
}

Result<JudgedFile> FileJudge::Judge(
    const std::string& path, const std::function<void(int64_t)>& read) const {
  const auto start = std::chrono::steady_clock::now();
  ASSIGN_OR_RETURN(detect::Findings findings,
                   detect::InspectFile(path, options_, read));
  JudgedFile judged;
  judged.path = path;
  judged.findings = std::move(findings);
  judged.decision = snapshot_->DecideContent(FactsOf(judged.findings));
  judged.seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
          .count();
  return judged;
}

}  // namespace sekisho::cli
