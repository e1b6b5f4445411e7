#include "policy/type_pattern.h"

#include <re2/re2.h>

namespace sekisho::policy {

std::optional<std::string> PatternProblem(std::string_view pattern) {
  RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(kMaxTypePatternMemory);
  const RE2 compiled({pattern.data(), pattern.size()}, options);
  if (compiled.ok()) return std::nullopt;
  return compiled.error();
}

}  // namespace sekisho::policy
