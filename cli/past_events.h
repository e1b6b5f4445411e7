// Stored events as policy can judge them again, from an export file or from the
// server. What is no device decision and no transfer is left out.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "cli/admin_client.h"
#include "policy/history.h"

namespace sekisho::cli {

struct PastQuery {
  std::string file;      // an export; empty: the server
  std::string agent_id;  // empty: all
  std::optional<WallTime> since;
  std::optional<WallTime> until;  // not included
};

// --events, --agent, --since, --until (days, UTC) of a command line.
Result<PastQuery> ReadPastQuery(const AdminArgs& args);

struct PastCounts {
  int64_t events = 0;   // that were looked at
  int64_t damaged = 0;  // lines or events that cannot be read
};

// Calls `take` for each; events of one terminal come in their order.
Result<PastCounts> ReadPastEvents(
    const PastQuery& query, const std::string& socket,
    const std::function<void(const policy::PastEvent&)>& take);

}  // namespace sekisho::cli
