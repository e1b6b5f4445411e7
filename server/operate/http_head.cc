#include "server/operate/http_head.h"

#include <algorithm>

namespace sekisho::operate {
namespace {

constexpr size_t kMaxTargetBytes = 256;

// RFC 9110, 5.6.2, as far as methods use it.
bool IsToken(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-';
  });
}

HeadVerdict JudgeLine(std::string_view line) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last) return {400, ""};
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!IsToken(method) || !version.starts_with("HTTP/")) return {400, ""};
  if (version != "HTTP/1.1" && version != "HTTP/1.0") return {505, ""};
  if (method != "GET") return {405, ""};
  if (target.size() > kMaxTargetBytes) return {414, ""};
  const bool printable =
      std::ranges::all_of(target, [](char c) { return c > ' ' && c < '\x7f'; });
  if (!printable || !target.starts_with('/')) return {400, ""};
  return {200, std::string(target.substr(0, target.find('?')))};
}

}  // namespace

HeadVerdict JudgeHead(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, kMaxHeadBytes);
  // Who sends nothing like HTTP need not be waited for.
  const size_t line = head.find('\n');
  if (line != std::string_view::npos && (line == 0 || head[line - 1] != '\r')) {
    return {400, ""};
  }
  if (head.find("\r\n\r\n") == std::string_view::npos) {
    return {bytes.size() >= kMaxHeadBytes ? 431 : 0, ""};
  }
  return JudgeLine(head.substr(0, head.find("\r\n")));
}

}  // namespace sekisho::operate
