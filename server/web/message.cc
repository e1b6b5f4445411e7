#include "server/web/message.h"

#include "common/text.h"

namespace sekisho::web {
namespace {

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

Result<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (i + 2 >= text.size() || HexDigit(text[i + 1]) < 0 ||
          HexDigit(text[i + 2]) < 0) {
        return Fail(Code::kInvalidArgument, "bad percent escape in the URL");
      }
      out.push_back(static_cast<char>(HexDigit(text[i + 1]) * 16 +
                                      HexDigit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i] == '+' && plus_is_space ? ' ' : text[i]);
    }
  }
  if (out.find('\0') != std::string::npos) {
    return Fail(Code::kInvalidArgument, "NUL in the URL");
  }
  return out;
}

}  // namespace

Result<Target> ParseTarget(std::string_view target) {
  Target parsed;
  const size_t mark = target.find('?');
  ASSIGN_OR_RETURN(parsed.path, PercentDecode(target.substr(0, mark), false));
  for (const std::string_view part : Split(parsed.path, '/')) {
    if (part == "..") {
      return Fail(Code::kInvalidArgument, "the URL's path climbs");
    }
  }
  if (mark == std::string_view::npos) return parsed;
  for (const std::string_view pair : Split(target.substr(mark + 1), '&')) {
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    ASSIGN_OR_RETURN(std::string name,
                     PercentDecode(pair.substr(0, equals), true));
    std::string value;
    if (equals != std::string_view::npos) {
      ASSIGN_OR_RETURN(value, PercentDecode(pair.substr(equals + 1), true));
    }
    parsed.query[std::move(name)] = std::move(value);
  }
  return parsed;
}

std::string BearerOf(std::string_view header) {
  static constexpr std::string_view kScheme = "bearer ";
  if (header.size() <= kScheme.size()) return {};
  for (size_t i = 0; i < kScheme.size(); ++i) {
    const char c = header[i];
    const char small =
        c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    if (small != kScheme[i]) return {};
  }
  return std::string(header.substr(kScheme.size()));
}

std::string CookieValue(std::string_view header, std::string_view name) {
  for (std::string_view pair : Split(header, ';')) {
    pair = Trim(pair);
    const size_t equals = pair.find('=');
    if (equals != std::string_view::npos && pair.substr(0, equals) == name) {
      return std::string(pair.substr(equals + 1));
    }
  }
  return {};
}

}  // namespace sekisho::web
