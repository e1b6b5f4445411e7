#include "common/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>

#include "common/text.h"

namespace sekisho {

void Log(LogLevel level, std::string_view text) {
  // A full journal pipe must never stop the thread that decides.
  static std::atomic<uint64_t> dropped{0};
  const uint64_t before = dropped.exchange(0);
  std::string line = fmt::format("<{}>", static_cast<int>(level));
  if (before > 0) {
    line += fmt::format("[{} lines dropped] ", before);
  }
  line += EscapeUntrusted(text);
  line += '\n';
  if (::write(STDERR_FILENO, line.data(), line.size()) < 0) {
    dropped += before + 1;
  }
}

}  // namespace sekisho
