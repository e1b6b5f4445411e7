// A look from outside at a server's database in PostgreSQL, beside running
// servers; for the doctor.
#pragma once

#include <string>

#include "common/result.h"

namespace sekisho::store {

struct PostgresState {
  std::string version;  // "15.18"
  int schema = 0;       // 0 = no server has begun yet
  // Settings by which a commit is on the disk.
  bool fsync = false;
  bool full_page_writes = false;
  std::string synchronous_commit;
  bool may_all = false;  // the role is a superuser: it may undo every guard
  int64_t connections = 0, max_connections = 0;  // of the whole server
  int64_t events = 0, leaves = 0;                // rows and log: the same
  int64_t audit_entries = 0, audit_missing = 0;
  bool audit_is_guarded = false;
};
// kUnavailable: it cannot be reached.
Result<PostgresState> LookAtPostgres(const std::string& conninfo);

}  // namespace sekisho::store
