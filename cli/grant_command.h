// sekisho grant ...: what lets one refused copy go once.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunGrantList(std::span<const std::string_view> args);
int RunGrantRevoke(std::span<const std::string_view> args);

}  // namespace sekisho::cli
