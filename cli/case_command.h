// `sekisho case`: what belongs together, its legal hold and its verdict.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunCaseCommand(std::span<const std::string_view> args);

}  // namespace sekisho::cli
