// A secret that somebody types.
#pragma once

#include <string>

#include "common/result.h"

namespace sekisho::cli {

// A line of the terminal, which does not show it; at most 1024 bytes.
// kFailedPrecondition: there is no terminal.
Result<std::string> ReadHidden(const char* prompt);

}  // namespace sekisho::cli
