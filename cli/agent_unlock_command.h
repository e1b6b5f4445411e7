// `sekisho agent unlock` and `agent confirm-unlock`: two admins lift an agent's
// protection of itself for a while.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunAgentUnlock(std::span<const std::string_view> args);
int RunAgentConfirmUnlock(std::span<const std::string_view> args);

}  // namespace sekisho::cli
