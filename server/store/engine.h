// How a store reaches its database, and who else may be at it.
#pragma once

#include <memory>
#include <string>

#include "server/store/sql.h"

namespace sekisho::store {

class Engine {
 public:
  virtual ~Engine() = default;

  virtual Result<std::unique_ptr<Connection>> OpenWriter() = 0;
  virtual Result<std::unique_ptr<Connection>> OpenReader() = 0;
  // Other servers write to the same database.
  virtual bool IsShared() const = 0;
  // Jobs that share a commit at most.
  virtual size_t max_group() const = 0;

  // One server at a time holds the lead and keeps it while it lives and asks
  // again within some seconds. From one thread.
  virtual bool TakeLead() = 0;
};

// The file is made if it is not there.
std::unique_ptr<Engine> NewSqliteEngine(std::string path);
std::unique_ptr<Engine> NewPostgresEngine(std::string conninfo);

}  // namespace sekisho::store
