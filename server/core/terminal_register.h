// The register of terminals as a CSV file: which there should be, where, when
// they are expected to be on. Pure. What is not understood is an error with its
// place and what to write instead; nothing is guessed, nothing half taken.
//
// RFC 4180, UTF-8 (a byte order mark is fine). The first line names columns in
// any order: name (the one that must be there), site, groups (separated by ;),
// expected_hours, owner, in_service_from, in_service_to. A service date such as
// 2026-04-01 is a day of the expected hours' zone (UTC without hours), both
// days are in service; a time such as 2026-04-01T00:00:00Z is that moment.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "server/core/report_queries.h"

namespace sekisho::core {

inline constexpr size_t kMaxRegisterBytes = size_t{16} << 20;
inline constexpr size_t kMaxRegisterRows = 100'000;
inline constexpr size_t kMaxRegisterCell = 512;
inline constexpr size_t kMaxRegisterProblems = 200;

struct ParsedRegister {
  std::vector<RegisteredTerminal> rows;   // by name
  std::vector<RegisterProblem> problems;  // any: `rows` must not be used
};
ParsedRegister ParseRegister(std::string_view csv);

// `before`: with those that were removed.
RegisterDiff CompareRegister(const std::vector<RegisteredTerminal>& before,
                             const std::vector<RegisteredTerminal>& after);

}  // namespace sekisho::core
