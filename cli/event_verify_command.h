// `sekisho event verify`: proves what a server or an export file holds; the
// proof itself is in event_verify.h.
#pragma once

#include <string_view>

#include "cli/admin_client.h"

namespace sekisho::cli {

// With --file no server is asked. The exit code.
int VerifyEvents(AdminClient& client, const AdminArgs& args,
                 std::string_view usage);

}  // namespace sekisho::cli
