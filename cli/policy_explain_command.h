// `sekisho policy explain`: which rule decides about a device, and why each
// rule before it did not match.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

// `args` begins after "policy explain". Returns the exit code: 0 explained (the
// access may still be block), 1 the policy or list has problems, 2 wrong use,
// 3 a file cannot be read.
int RunPolicyExplain(std::span<const std::string_view> args);

}  // namespace sekisho::cli
