// Writes what was done, by whom and with what result.
#pragma once

#include <string>
#include <string_view>

#include "common/clock.h"
#include "server/store/store.h"

namespace sekisho::core {

struct Deed {
  std::string user;
  std::string door;  // "console", "socket", "agent", "enrol", "server"
  std::string address;
  std::string action;  // "policy.push"
  std::string object;  // "device 0781:5581:X"
  std::string detail;
};

// The entry of a deed that went well.
store::AuditEntry EntryOf(const Clock& clock, const Deed& deed);
// Error's message or "ok" becomes the entry's result; cut at 1 KiB.
Status WriteAudit(store::Store& store, const Clock& clock, const Deed& deed,
                  const Status& result);

}  // namespace sekisho::core
