// Any bytes as a register of terminals: what is taken can be compared with
// itself, and each problem has its place.
#include "server/core/terminal_register.h"

#include <cstddef>
#include <cstdint>

#include "server/core/expected_hours.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace sekisho::core;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const ParsedRegister parsed = ParseRegister(bytes);
  CHECK(parsed.problems.size() <= kMaxRegisterProblems);
  for (const RegisterProblem& problem : parsed.problems) {
    CHECK(problem.line >= 1);
    CHECK(!problem.message.empty());
    CHECK(!problem.fix.empty());
  }
  if (!parsed.problems.empty()) return 0;
  for (const RegisteredTerminal& row : parsed.rows) {
    CHECK(!row.name.empty());
    CHECK(ExpectedHours::Parse(row.hours));
    CHECK(!row.service_from || !row.service_to ||
          *row.service_from < *row.service_to);
  }
  const RegisterDiff diff = CompareRegister(parsed.rows, parsed.rows);
  CHECK(diff.added.empty() && diff.changed.empty() && diff.removed.empty());
  return 0;
}
