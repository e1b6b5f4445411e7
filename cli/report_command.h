// `sekisho report inquiry|list|show|verify`: did data leave?
#pragma once

#include <span>
#include <string_view>

namespace sekisho::cli {

int RunReportInquiry(std::span<const std::string_view> args);
int RunReportList(std::span<const std::string_view> args);
int RunReportShow(std::span<const std::string_view> args);
// Offline, with public keys only.
int RunReportVerify(std::span<const std::string_view> args);

}  // namespace sekisho::cli
