// `sekisho event export`: the stored records as lines of JSON that
// `sekisho event verify` proves offline.
#pragma once

#include <string>

#include "cli/admin_client.h"

namespace sekisho::cli {

// `agent_id` empty = all. The exit code.
int ExportEvents(AdminClient& client, const AdminArgs& args,
                 const std::string& agent_id);

}  // namespace sekisho::cli
