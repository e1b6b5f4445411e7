// The SQLite schema as a list of migrations; the file's user_version says how
// many of them it has. A released migration is never edited, only followed.
#pragma once

#include <span>

#include "common/result.h"
#include "server/store/sqlite.h"

namespace sekisho::store {

struct Migration {
  const char* script;
  // What SQL cannot compute, in the same transaction; null = nothing.
  Status (*fill)(Connection&);
};
std::span<const Migration> Migrations();

// Brings the file to `upto` migrations (tests stop early; -1 = all), each in
// its own transaction. kFailedPrecondition: the file is of a newer program.
Status Migrate(Connection& writer, int upto = -1);

}  // namespace sekisho::store
