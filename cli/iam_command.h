// `sekisho iam`: whoever is at an account that several people use says who he
// is.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "iam". Returns the exit code: 0 known from now on, 1
// refused, 2 wrong use, 3 no sekishod answers.
int RunIam(std::span<const std::string_view> args);

}  // namespace sekisho::cli
