// The files of `sekisho scan`: found in folders, judged on every core, handed
// out in their order.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "cli/file_judge.h"

namespace sekisho::cli {

struct FileList {
  std::vector<std::string> paths;
  int64_t bytes = 0;
  // Folders that could not be listed, and why: their files are not judged.
  std::vector<std::string> problems;
};

// Files of folders, in the order of their names. Links within folders are not
// followed; a path that is none of both is kept, for the judge to refuse.
FileList ListFiles(const std::vector<std::string>& paths);

class FileScan {
 public:
  struct Events {
    // In the order of the list, on the caller's thread.
    std::function<void(Result<JudgedFile>)> judged;
    // Every 200 ms while something is awaited, on the caller's thread.
    std::function<void(int64_t bytes_read)> waiting;
  };
  // Judges all; `threads` at once. The results that wait for an earlier file
  // are bounded.
  static void Run(const std::vector<std::string>& paths, const FileJudge& judge,
                  int threads, const Events& events);
};

}  // namespace sekisho::cli
