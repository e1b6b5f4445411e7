// Lines for the journal on stderr. Only mains, loop handlers and service
// methods log; a function logs its error or returns it, never both.
#pragma once

#include <initializer_list>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>

#include "common/clock.h"

namespace sekisho {

enum class LogLevel {
  kError = 3,
  kWarning = 4,
  kNotice = 5,
  kInfo = 6,
  kDebug = 7
};

enum class LogFormat {
  kText,  // "<priority>text key=value", as journald reads it
  kJson,  // one object a line: time, level, room, message, fields
};
// Once, by main, before there are threads.
void SetLogFormat(LogFormat format);

// What a reader may search by; names are ours: letters and '_'.
using LogFields =
    std::initializer_list<std::pair<std::string_view, std::string_view>>;

// Controls in `text` and in fields are escaped. Never blocks on a full pipe:
// the line is dropped and counted, and the count is told with the next line.
void Log(LogLevel level, std::string_view text, LogFields fields = {},
         std::source_location where = std::source_location::current());

// The line Log() writes; pure. `dropped`: lines lost before it.
struct LogLine {
  LogLevel level = LogLevel::kInfo;
  std::string_view text = {};
  LogFields fields = {};
  std::string_view file = {};  // where it is from, as the compiler names it
  WallTime time = {};
  uint64_t dropped = 0;
};
std::string FormatLogLine(LogFormat format, const LogLine& line);

}  // namespace sekisho
