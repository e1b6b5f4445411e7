// `sekisho request list|approve|deny`: what operators ask for, at the server.
// Asking itself is `sekisho request DEVICE` on a terminal (request_command.h).
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after the two words. Exit codes: 0 done, 1 refused, 2 wrong
// use, 3 no server here.
int RunRequestList(std::span<const std::string_view> args);
int RunRequestApprove(std::span<const std::string_view> args);
int RunRequestDeny(std::span<const std::string_view> args);

}  // namespace sekisho::cli
