// Lines for the journal on stderr, "<priority>text". Only mains, loop handlers
// and service methods log; a function logs its error or returns it, never both.
#pragma once

#include <string_view>

namespace sekisho {

enum class LogLevel {
  kError = 3,
  kWarning = 4,
  kNotice = 5,
  kInfo = 6,
  kDebug = 7
};

// Controls in `text` are escaped. Never blocks on a full pipe: the line is
// dropped and counted, and the count is told with the next line.
void Log(LogLevel level, std::string_view text);

}  // namespace sekisho
