// `sekisho alert suppress`: alerts of one kind that nobody needs to see for a
// while.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunAlertSuppress(std::span<const std::string_view> args);
int RunAlertSuppressions(std::span<const std::string_view> args);
int RunAlertUnsuppress(std::span<const std::string_view> args);

}  // namespace sekisho::cli
