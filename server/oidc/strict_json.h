// JSON of a provider: an object, of bounded size and depth, in which no name
// stands twice (two readers would take different ones), as nlohmann's tree.
// And base64url (RFC 4648, 5) without padding, in its one canonical form.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/bytes.h"
#include "common/result.h"

namespace sekisho::oidc {

inline constexpr int kMaxJsonDepth = 16;

// kInvalidArgument; `what` names it in the message.
Result<nlohmann::json> ParseObject(std::string_view what, std::string_view text,
                                   size_t cap_bytes);
// A member that is text; nullptr if it is not there or is something else.
const std::string* TextOf(const nlohmann::json& object, const char* name);
// A member that is a text or a list of texts; empty if it is neither.
std::vector<std::string> TextsOf(const nlohmann::json& object,
                                 const std::string& name);
// A time in seconds (RFC 7519, 2), also with a fraction.
std::optional<int64_t> SecondsOf(const nlohmann::json& object,
                                 const char* name);

std::optional<std::string> FromBase64Url(std::string_view text);
std::string ToBase64Url(ByteSpan bytes);

}  // namespace sekisho::oidc
