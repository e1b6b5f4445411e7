// One file as `sekisho scan` sees it: what it holds, and what policy says.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "common/result.h"
#include "detect/inspector.h"
#include "policy/evaluator.h"

namespace sekisho::cli {

// What an inspection found, in the words of policy.
policy::ContentFacts FactsOf(const detect::Findings& findings);

struct JudgedFile {
  std::string path;
  detect::Findings findings;
  policy::ContentDecision decision;
  double seconds = 0;
};

// Immutable: any number of threads may ask.
class FileJudge {
 public:
  // Looks for the types that the policy defines, too. People of all its files
  // add up: one key, made here, is theirs.
  static Result<FileJudge> Make(
      std::shared_ptr<const policy::Snapshot> snapshot);

  // `read` is told how many more bytes were read; it may be empty. Fails only
  // where the file cannot be opened.
  Result<JudgedFile> Judge(const std::string& path,
                           const std::function<void(int64_t)>& read = {}) const;

 private:
  FileJudge() = default;

  std::shared_ptr<const policy::Snapshot> snapshot_;
  detect::Options options_;
};

}  // namespace sekisho::cli
