// `sekisho teardown`: what the package's removal script runs. Root only.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "teardown". Exit code: 0 the gate is open, 1 refused, 2
// wrong use, 3 no sekishod answers.
int RunTeardown(std::span<const std::string_view> args);

}  // namespace sekisho::cli
