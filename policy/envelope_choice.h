// Which of the envelopes an agent kept on disk is in force after a start.
// Pure: the caller reads the files and keeps `newest_version_seen`.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "policy/envelope.h"

namespace sekisho::policy {

struct ChosenEnvelope {
  Envelope envelope;
  size_t index = 0;      // in `stored`
  bool expired = false;  // at `now_seconds`: stale, still in force
  // Why others were refused, for the report; one line each.
  std::vector<std::string> refused;
};

// The newest of `stored` that OpenEnvelope takes; between equal versions the
// first. kNotFound, with every reason, if none is good: the caller then stays
// closed if it ever enforced, and reports.
Result<ChosenEnvelope> ChooseEnvelope(std::span<const std::string> stored,
                                      std::string_view expected_type,
                                      const Root& root,
                                      std::string_view agent_id,
                                      int64_t newest_version_seen,
                                      int64_t now_seconds);

}  // namespace sekisho::policy
