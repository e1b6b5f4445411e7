// The schema as a list of migrations, one for both engines (the dialect says
// them to PostgreSQL); SQLite's user_version or the table schema_version says
// how many of them there are. A released migration is never edited to mean
// something else, only followed.
#pragma once

#include <span>

#include "common/result.h"
#include "server/store/sql.h"

namespace sekisho::store {

struct Migration {
  const char* script;
  // What SQL cannot compute, in the same transaction; null = nothing.
  Status (*fill)(Connection&);
};
std::span<const Migration> Migrations();

// Brings the database to `upto` migrations (tests stop early; -1 = all), each
// in its own transaction; of several servers that begin at once one does it.
// kFailedPrecondition: it is of a newer program.
Status Migrate(Connection& writer, int upto = -1);

// In a transaction: a change of nothing that is written all the same.
Status WriteNothing(Connection& db);

}  // namespace sekisho::store
