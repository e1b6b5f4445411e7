// `sekisho policy import` and `sekisho policy export`: from and to other
// products, and from what is attached now.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunPolicyImport(std::span<const std::string_view> args);
int RunPolicyExport(std::span<const std::string_view> args);

}  // namespace sekisho::cli
