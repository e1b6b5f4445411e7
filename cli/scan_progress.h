// One line at the bottom of a terminal that tells how far a scan is.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace sekisho::cli {

struct ScanProgress {
  int64_t files = 0;
  int64_t files_done = 0;
  int64_t bytes = 0;
  int64_t bytes_read = 0;
  double seconds = 0;
};

// "[########........] 51 %  12 of 40 files  310 of 610 MB  180 MB/s  0:02 left"
std::string ProgressLine(const ScanProgress& progress);
// "1.2 GB"
std::string PrintBytes(int64_t bytes);

// Draws only where `out` is a terminal.
class ProgressBar {
 public:
  explicit ProgressBar(std::FILE* out);
  ~ProgressBar() { Clear(); }
  ProgressBar(const ProgressBar&) = delete;
  ProgressBar& operator=(const ProgressBar&) = delete;

  // At most ten times a second.
  void Draw(const ScanProgress& progress);
  // Before anything else is written to the terminal.
  void Clear();

 private:
  std::FILE* out_;
  bool terminal_;
  bool drawn_ = false;
  std::chrono::steady_clock::time_point last_{};
};

}  // namespace sekisho::cli
