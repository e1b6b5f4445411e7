// A store for a test, on the engine that the environment names: SQLite, or with
// SEKISHO_TEST_ENGINE=postgres PostgreSQL (sekisho_on_both_engines() of
// CMakeLists.txt runs a test program on each).
#pragma once

#include <memory>
#include <string>

#include "server/store/store.h"

namespace sekisho::support {

// The same path is the same database.
Result<std::unique_ptr<store::Store>> OpenTestStore(const std::string& path);

bool IsOnPostgres();

}  // namespace sekisho::support
