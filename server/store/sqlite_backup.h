// A whole database as a file: copied while a server writes to it, and looked
// into without a server. What a copy means is server/operate's affair.
#pragma once

#include <string>

#include "common/clock.h"
#include "common/result.h"
#include "merkle/tree.h"
#include "server/store/rows.h"

namespace sekisho::store {

// What this program makes and understands.
int NewestSchema();

// Makes `to` (0600; kAlreadyExists if it is there) as one snapshot of `from`,
// through SQLite's online backup: a server on `from` goes on, its write-ahead
// log grows meanwhile. What is at `to` is one file.
Status CopyDatabase(const std::string& from, const std::string& to);

struct DatabaseState {
  int schema = 0;
  merkle::Head log;  // as the log's tiles have it
  int64_t audit_entries = 0;
  int64_t audit_missing = 0;      // numbers between that have no entry
  bool audit_is_guarded = false;  // the triggers that keep it are there
  std::optional<WallTime> newest_audit_time;
  std::optional<WallTime> backup_time;  // of the last one that went well
  // Agents whose newest certificate has less than a sixth of its life left.
  int64_t expiring_agents = 0;
};
// Reads only; also beside a running server. kNotFound: no file; kDataLoss: it
// is no database of ours. Of a newer schema only its number is told.
Result<DatabaseState> LookAt(const std::string& path, WallTime now);

// SQLite's own check. kDataLoss says what it found.
enum class Check {
  kQuick,  // pages
  kWhole,  // and that every index has its rows; takes long
};
Status CheckDatabase(const std::string& path, Check how);

// Builds the Merkle tree again from the events and compares it with what the
// log says. kDataLoss.
Status CheckLog(const std::string& path);

// An entry of the audit log from a program that is not the server, which may
// run. kFailedPrecondition: the database is of another schema than ours.
Status AddAuditFromOutside(const std::string& path, const AuditEntry& entry);

}  // namespace sekisho::store
