#include "cli/scan_progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

namespace sekisho::cli {
namespace {

constexpr int kWidth = 24;
constexpr std::chrono::milliseconds kPause{100};

}  // namespace

std::string PrintBytes(int64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 1'000'000) {
    return fmt::format("{:.0f} kB", value / 1e3);
  }
  return bytes < 1'000'000'000 ? fmt::format("{:.0f} MB", value / 1e6)
                               : fmt::format("{:.2f} GB", value / 1e9);
}

std::string ProgressLine(const ScanProgress& p) {
  // Empty files have no bytes; they count as files do.
  const double done =
      p.bytes > 0
          ? static_cast<double>(p.bytes_read) / static_cast<double>(p.bytes)
          : static_cast<double>(p.files_done) /
                static_cast<double>(std::max<int64_t>(p.files, 1));
  const double share = std::clamp(done, 0.0, 1.0);
  const auto filled = static_cast<size_t>(share * kWidth);
  std::string line = fmt::format(
      "[{}{}] {:.0f} %  {} of {} files  {} of {}", std::string(filled, '#'),
      std::string(static_cast<size_t>(kWidth) - filled, '.'), share * 100,
      p.files_done, p.files, PrintBytes(p.bytes_read), PrintBytes(p.bytes));
  if (p.seconds >= 0.5 && p.bytes_read > 0) {
    const double rate = static_cast<double>(p.bytes_read) / p.seconds;
    const auto left = static_cast<int64_t>(
        static_cast<double>(std::max<int64_t>(p.bytes - p.bytes_read, 0)) /
        rate);
    line += fmt::format("  {}/s  {}:{:02} left",
                        PrintBytes(static_cast<int64_t>(rate)), left / 60,
                        left % 60);
  }
  return line;
}

ProgressBar::ProgressBar(std::FILE* out)
    : out_(out), terminal_(::isatty(::fileno(out)) == 1) {}

void ProgressBar::Draw(const ScanProgress& progress) {
  const auto now = std::chrono::steady_clock::now();
  if (!terminal_ || now - last_ < kPause) {
    return;
  }
  last_ = now;
  drawn_ = true;
  fmt::print(out_, "\r\x1b[K{}", ProgressLine(progress));
  std::fflush(out_);
}

void ProgressBar::Clear() {
  if (drawn_) {
    fmt::print(out_, "\r\x1b[K");
    std::fflush(out_);
    drawn_ = false;
  }
}

}  // namespace sekisho::cli
