// `sekisho review`: what was drawn from a period, opened, judged and signed;
// `sekisho report review`: who did that, and who did not.
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunReviewCommand(std::span<const std::string_view> args);
int RunReportReview(std::span<const std::string_view> args);

}  // namespace sekisho::cli
