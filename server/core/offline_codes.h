// Codes over the phone (policy/offline_code.h): issues, takes back and ends
// them, and says what a code that was used is worth an alert for. Holds the key
// that terminals seal their secrets to; nobody else opens one. Who may ask and
// the audit log are the desk's.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.h"
#include "common/result.h"
#include "policy/offline_code.h"
#include "server/core/changes.h"
#include "server/core/publisher.h"
#include "server/core/queries.h"

namespace sekisho::core {

// Thread-safe.
class OfflineCodes {
 public:
  // Makes the key (0600) at `key_path` if it is not there, and tells terminals
  // of it. All must outlive the object.
  static Result<std::unique_ptr<OfflineCodes>> Open(
      store::Store& store, Publisher& publisher, Changes& changes,
      const Clock& clock, const std::string& key_path);

  // As the desk's calls of these names.
  Result<SpokenCode> Issue(const Caller& caller, const CodeWish& wish);
  Result<OfflineCode> Revoke(int64_t code_id, const Scope& scope);
  // Takes back what was issued for a device that was lost since.
  Status RevokeFor(const std::string& device_id);
  // Now and then: what has reached its end leaves the signed list. Those.
  Result<std::vector<OfflineCode>> EndDue();

 private:
  OfflineCodes(store::Store& store, Publisher& publisher, Changes& changes,
               const Clock& clock, policy::CodeKeyPair key)
      : store_(store),
        publisher_(publisher),
        changes_(changes),
        clock_(clock),
        key_(key) {}
  Result<OfflineCode> Put(const OfflineCode& row);
  Result<OfflineCode> RowFor(const Caller& caller, const CodeWish& wish);

  store::Store& store_;
  Publisher& publisher_;
  Changes& changes_;
  const Clock& clock_;
  const policy::CodeKeyPair key_;
};

// The alert that a used code makes. `issued`: as the store has it, before this
// use; nothing: nobody issued it. `issuer`: who issued it, by all his names.
store::NewAlert AlertOfUsedCode(const store::Event& event,
                                const std::optional<OfflineCode>& issued,
                                const Caller& issuer);

}  // namespace sekisho::core
