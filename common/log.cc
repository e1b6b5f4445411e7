#include "common/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>

#include "common/text.h"

namespace sekisho {
namespace {

constexpr size_t kMaxTextBytes = 4096;
constexpr size_t kMaxFieldBytes = 256;

const char* NameOf(LogLevel level) {
  switch (level) {
    case LogLevel::kError:
      return "error";
    case LogLevel::kWarning:
      return "warning";
    case LogLevel::kNotice:
      return "notice";
    case LogLevel::kInfo:
      return "info";
    case LogLevel::kDebug:
      return "debug";
  }
  return "info";
}

// The folder of a source file, from the tree's root on, which this file's own
// name tells. A compiler cache names files from the build folder ("../../") and
// may do so for one of the two only.
std::string_view RoomOf(std::string_view file) {
  constexpr std::string_view kOwn = "common/log.cc";
  std::string_view root = __FILE__;
  root.remove_suffix(root.ends_with(kOwn) ? kOwn.size() : root.size());
  if (file.starts_with(root)) file.remove_prefix(root.size());
  while (file.starts_with("../")) file.remove_prefix(3);
  const size_t end = file.rfind('/');
  return end == std::string_view::npos ? "" : file.substr(0, end);
}

// What a reader of JSON must not be fooled by is escaped once, as JSON does it;
// the cut is the same as in text.
std::string Quoted(std::string_view text, size_t cap_bytes) {
  if (text.size() <= cap_bytes) return JsonQuote(text);
  return JsonQuote(std::string(text.substr(0, cap_bytes)) + "...");
}

std::string JsonLine(const LogLine& line) {
  std::string out = fmt::format(
      R"({{"time":"{}","level":"{}","room":{},"message":{})",
      FormatUtc(line.time), NameOf(line.level), JsonQuote(RoomOf(line.file)),
      Quoted(line.text, kMaxTextBytes));
  for (const auto& [name, value] : line.fields) {
    out += fmt::format(R"(,"{}":{})", name, Quoted(value, kMaxFieldBytes));
  }
  if (line.dropped > 0) {
    out += fmt::format(R"(,"dropped_lines":{})", line.dropped);
  }
  return out + "}\n";
}

std::string TextLine(const LogLine& line) {
  std::string out = fmt::format("<{}>", static_cast<int>(line.level));
  if (line.dropped > 0) {
    out += fmt::format("[{} lines dropped] ", line.dropped);
  }
  out += EscapeUntrusted(line.text, kMaxTextBytes);
  for (const auto& [name, value] : line.fields) {
    out += fmt::format(" {}={}", name, EscapeUntrusted(value, kMaxFieldBytes));
  }
  return out + '\n';
}

std::atomic<LogFormat>& Format() {
  static std::atomic<LogFormat> format{LogFormat::kText};
  return format;
}

}  // namespace

void SetLogFormat(LogFormat format) { Format() = format; }

std::string FormatLogLine(LogFormat format, const LogLine& line) {
  return format == LogFormat::kJson ? JsonLine(line) : TextLine(line);
}

void Log(LogLevel level, std::string_view text, LogFields fields,
         std::source_location where) {
  // A full journal pipe must never stop the thread that decides.
  static std::atomic<uint64_t> dropped{0};
  LogLine line{.level = level,
               .text = text,
               .fields = fields,
               .file = where.file_name(),
               .time = SystemClock().Now(),
               .dropped = dropped.exchange(0)};
  const std::string bytes = FormatLogLine(Format(), line);
  if (::write(STDERR_FILENO, bytes.data(), bytes.size()) < 0) {
    dropped += line.dropped + 1;
  }
}

}  // namespace sekisho
