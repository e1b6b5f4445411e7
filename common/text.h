// Text that came from a device, a medium or a peer: shown escaped at the edge.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace sekisho {

// Valid UTF-8 without controls passes; C0/C1 controls, bidi overrides, invalid
// bytes and backslash become \n, \t, \\, \xNN or \u{NNNN}. Never longer than
// `cap_bytes` plus "..." .
std::string EscapeUntrusted(std::string_view text, size_t cap_bytes = 4096);

bool IsValidUtf8(std::string_view text);
// Not empty, at most `max_bytes`, UTF-8 and without ASCII controls.
bool IsOneLine(std::string_view text, size_t max_bytes);

// JSON string literal with quotes; invalid UTF-8 becomes U+FFFD. What
// EscapeUntrusted would escape is \uNNNN here, so that JSON which a person
// looks at in a terminal cannot fool him either.
std::string JsonQuote(std::string_view text);

std::vector<std::string_view> Split(std::string_view text, char separator);
std::string_view Trim(std::string_view text);

}  // namespace sekisho
