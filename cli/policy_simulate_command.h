// `sekisho policy simulate` and `sekisho policy suggest`: a draft against what
// happened, and a draft from what happened.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunPolicySimulate(std::span<const std::string_view> args);
int RunPolicySuggest(std::span<const std::string_view> args);

}  // namespace sekisho::cli
