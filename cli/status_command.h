// `sekisho status [--json]`: what the agent on this terminal does right now and
// what it records, in plain words.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "agent/ipc/messages.h"
#include "cli/options.h"

namespace sekisho::cli {

// `args` begins after "status". Returns the exit code: 0 told, 2 wrong use, 3
// no agent runs here.
int RunStatus(std::span<const std::string_view> args);

std::string StatusText(const ipc::StatusAnswer& status, Language language);
std::string StatusJson(const ipc::StatusAnswer& status);

}  // namespace sekisho::cli
