#include "server/core/audit.h"

#include "common/text.h"

namespace sekisho::core {
namespace {

constexpr size_t kMaxText = 1024;

}  // namespace

store::AuditEntry EntryOf(const Clock& clock, const Deed& deed) {
  store::AuditEntry entry;
  entry.time = clock.Now();
  entry.user = EscapeUntrusted(deed.user, kMaxText);
  entry.door = deed.door;
  entry.address = EscapeUntrusted(deed.address, kMaxText);
  entry.action = deed.action;
  entry.object = EscapeUntrusted(deed.object, kMaxText);
  entry.detail = EscapeUntrusted(deed.detail, kMaxText);
  entry.result = "ok";
  return entry;
}

Status WriteAudit(store::Store& store, const Clock& clock, const Deed& deed,
                  const Status& result) {
  store::AuditEntry entry = EntryOf(clock, deed);
  if (!result) entry.result = EscapeUntrusted(result.error().message, kMaxText);
  return store.AddAudit(entry);
}

}  // namespace sekisho::core
