#include "server/oidc/strict_json.h"

#include <cmath>
#include <set>

namespace sekisho::oidc {
namespace {

using nlohmann::json;

constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
// The last second of the year 9999.
constexpr int64_t kMaxSeconds = 253'402'300'799;

Error Bad(std::string_view what, const char* why) {
  return {Code::kInvalidArgument, std::string(what) + why};
}

}  // namespace

Result<json> ParseObject(std::string_view what, std::string_view text,
                         size_t cap_bytes) {
  if (text.size() > cap_bytes) {
    return std::unexpected(Bad(what, " is over its limit"));
  }
  std::vector<std::set<std::string>> names;  // of the objects that are open
  bool twice = false;
  bool deep = false;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    deep = deep || depth > kMaxJsonDepth;
    if (event == json::parse_event_t::object_start) {
      names.emplace_back();
    } else if (event == json::parse_event_t::object_end) {
      if (!names.empty()) names.pop_back();
    } else if (event == json::parse_event_t::key && !names.empty()) {
      twice = twice || !names.back().insert(parsed.get<std::string>()).second;
    }
    return true;
  };
  json tree = json::parse(text, watch, /*allow_exceptions=*/false);
  if (tree.is_discarded()) return std::unexpected(Bad(what, " is no JSON"));
  if (twice) return std::unexpected(Bad(what, " has a name twice"));
  if (deep) return std::unexpected(Bad(what, " is nested too deeply"));
  if (!tree.is_object()) return std::unexpected(Bad(what, " is no object"));
  return tree;
}

const std::string* TextOf(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

std::vector<std::string> TextsOf(const json& object, const std::string& name) {
  std::vector<std::string> texts;
  const auto found = object.find(name);
  if (found == object.end()) return texts;
  if (found->is_string()) {
    texts.push_back(found->get<std::string>());
  } else if (found->is_array()) {
    for (const json& one : *found) {
      if (!one.is_string()) return {};
      texts.push_back(one.get<std::string>());
    }
  }
  return texts;
}

std::optional<int64_t> SecondsOf(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_number()) return std::nullopt;
  const double seconds = found->get<double>();
  if (!std::isfinite(seconds) || seconds < 0 ||
      seconds > static_cast<double>(kMaxSeconds)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(seconds);
}

std::optional<std::string> FromBase64Url(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() * 3 / 4);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return std::nullopt;
    bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xffffff;
    count += 6;
    if (count >= 8) {
      count -= 8;
      out.push_back(static_cast<char>(bits >> count & 0xff));
    }
  }
  // Bits that say nothing must be zero: one text for one value.
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return out;
}

std::string ToBase64Url(ByteSpan bytes) {
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  for (const std::byte byte : bytes) {
    bits = (bits << 8 | std::to_integer<uint32_t>(byte)) & 0xffffff;
    count += 8;
    while (count >= 6) {
      count -= 6;
      out.push_back(kAlphabet[bits >> count & 63]);
    }
  }
  if (count > 0) out.push_back(kAlphabet[bits << (6 - count) & 63]);
  return out;
}

}  // namespace sekisho::oidc
