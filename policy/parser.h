// Policy text (YAML) and device lists (CSV) to the model. Errors name file,
// line, column, what was found and what was expected; nothing is guessed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "policy/model.h"

namespace sekisho::policy {

inline constexpr size_t kMaxPolicyBytes = size_t{1} << 20;
inline constexpr size_t kMaxDeviceListBytes = size_t{64} << 20;
inline constexpr size_t kMaxRules = 10'000;

struct Problem {
  std::string file;
  int line = 0;         // 1-based
  int column = 0;       // 1-based
  std::string message;  // what was wrong and what to write instead
};
std::string Format(const Problem& problem);  // "file:line:column: message"

// kInvalidArgument with every problem, one a line, when the text is refused.
Result<Policy> ParsePolicy(std::string_view text, std::string_view file_name);
// As above, with the problems as values (for the CLI and the console).
std::expected<Policy, std::vector<Problem>> ParsePolicyDetailed(
    std::string_view text, std::string_view file_name);
// Does the text (which parses) include a pack? Then PrintPolicy() of what was
// parsed is the policy without it.
bool HasIncludes(std::string_view text);
// A policy file that parses to the same model.
std::string PrintPolicy(const Policy& policy);

// CSV with a header: list,vendor_id,product_id,serial,descriptor_hash,access,
// terminal,expires,owner,purpose,ticket.
Result<std::vector<DeviceEntry>> ParseDeviceList(std::string_view csv,
                                                 std::string_view file_name);
std::string PrintDeviceList(const std::vector<DeviceEntry>& entries);

}  // namespace sekisho::policy
