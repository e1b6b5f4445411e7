// `sekisho event export`: the stored records as lines of JSON that
// `sekisho event verify` proves offline.
#pragma once

#include <string>
#include <vector>

#include "cli/admin_client.h"

namespace sekisho::cli {

// A record's place in the log; -1 and no proof if the server says none.
struct ExportedLeaf {
  int64_t index = -1;
  std::vector<std::string> proof;
};
ExportedLeaf LeafOf(const admin::v1::ExportEventsResponse& part, int record);

// `agent_id` empty = all. The exit code.
int ExportEvents(AdminClient& client, const AdminArgs& args,
                 const std::string& agent_id);

}  // namespace sekisho::cli
