// Codes over the phone. The code itself is in no log: only whoever asked for it
// hears it.
#include "common/text.h"
#include "server/joined_desk.h"

namespace sekisho {
namespace {

constexpr size_t kMaxShownBytes = 1024;

std::string ObjectOf(int64_t id) { return "code " + std::to_string(id); }

}  // namespace

Result<core::SpokenCode> JoinedDesk::IssueCode(const Caller& caller,
                                               const core::CodeWish& wish) {
  auto issued = p_.codes.Issue(caller, wish);
  return Written<core::SpokenCode>(
      p_.store, p_.clock, caller, "code.issue",
      issued ? ObjectOf(issued->row.id)
             : "device " + EscapeUntrusted(wish.device_id, kMaxShownBytes),
      EscapeUntrusted(wish.device_id, kMaxShownBytes) + " on " +
          EscapeUntrusted(wish.terminal, 256) + " for " +
          std::to_string(wish.seconds / 60) + " minutes, to " +
          EscapeUntrusted(wish.person, 128) + ": " +
          EscapeUntrusted(wish.reason, kMaxShownBytes),
      std::move(issued));
}

Result<core::OfflineCode> JoinedDesk::RevokeCode(const Caller& caller,
                                                 int64_t code_id,
                                                 const std::string& reason) {
  return WriteDown<core::OfflineCode>(
      caller, "code.revoke", ObjectOf(code_id),
      EscapeUntrusted(reason, kMaxShownBytes),
      [&] { return p_.codes.Revoke(code_id, caller.scope); });
}

}  // namespace sekisho
