// All of a server's SQLite database into an empty one of PostgreSQL.
#pragma once

#include <string>

#include "common/result.h"
#include "merkle/tree.h"

namespace sekisho::store {

struct Moved {
  int64_t tables = 0;
  int64_t rows = 0;
  merkle::Head log;
};

// One transaction: all of it or nothing. Nobody may write to the file
// meanwhile; it is left as it is. Before the end the rows of each table are
// counted on both sides and the log is built again from the events.
// kFailedPrecondition: the file has another schema, or the target has rows
// already; kDataLoss: what came out is not what went in, nothing is kept.
Result<Moved> MoveToPostgres(const std::string& path,
                             const std::string& conninfo);

}  // namespace sekisho::store
