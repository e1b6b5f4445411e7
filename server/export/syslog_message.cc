#include "server/export/syslog_message.h"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "server/export/shown.h"

namespace sekisho::server_export {
namespace {

constexpr int kFacility = 13;  // log audit
// By RankOf(): info, notice, warning, error, critical.
constexpr std::array kSeverities = {6, 5, 4, 3, 2};
constexpr int64_t kMaxSequence = 2147483647;  // RFC 5424, 7.3.1
constexpr std::string_view kMark = "\xEF\xBB\xBF";

// Printable ASCII, at most `size`; "-" for nothing (RFC 5424, 6.2).
std::string HeaderWord(std::string_view text, size_t size) {
  std::string out;
  for (const char c : text.substr(0, size)) {
    out += c > ' ' && c < '\x7f' ? c : '_';
  }
  return out.empty() ? "-" : out;
}

std::string Parameter(const char* name, std::string_view value) {
  if (value.empty()) {
    return "";
  }
  std::string out = std::string(" ") + name + "=\"";
  for (const char c : value) {
    if (c == '"' || c == '\\' || c == ']') {
      out += '\\';
    }
    out += c;
  }
  return out + '"';
}

std::string HostName() {
  std::array<char, 256> name{};
  return gethostname(name.data(), name.size() - 1) == 0 ? name.data() : "";
}

}  // namespace

std::string SyslogMessage(const Record& record, Format format,
                          int64_t sequence) {
  const int priority =
      kFacility * 8 + kSeverities[static_cast<size_t>(RankOf(record.severity))];
  std::string out = "<" + std::to_string(priority) + ">1 " +
                    Timestamp(record.time) + " " + HeaderWord(HostName(), 255) +
                    " sekisho-server " + std::to_string(getpid()) + " " +
                    HeaderWord(record.name, 32) + " ";
  out += "[meta sequenceId=\"" +
         std::to_string((sequence - 1) % kMaxSequence + 1) + "\"]";
  out += "[origin" + Parameter("software", "sekisho-server") +
         Parameter("swVersion", kVersion) + "]";
  return out + " " + std::string(kMark) + Render(format, record);
}

std::string Framed(const std::string& message) {
  return std::to_string(message.size()) + " " + message;
}

}  // namespace sekisho::server_export
