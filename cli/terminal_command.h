// `sekisho terminal import|list`: the register of terminals.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunTerminalImport(std::span<const std::string_view> args);
int RunTerminalList(std::span<const std::string_view> args);

}  // namespace sekisho::cli
