// sekisho code issue|list|revoke, on the server: codes over the phone.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunCodeIssue(std::span<const std::string_view> args);
int RunCodeList(std::span<const std::string_view> args);
int RunCodeRevoke(std::span<const std::string_view> args);

}  // namespace sekisho::cli
