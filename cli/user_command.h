// `sekisho user` and `sekisho token`: who may come to the console and the JSON
// API, and as what.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunUserCommand(std::span<const std::string_view> args);
int RunTokenCommand(std::span<const std::string_view> args);

}  // namespace sekisho::cli
