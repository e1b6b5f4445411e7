#include "tests/support/test_store.h"

#include <cstdlib>
#include <map>
#include <string_view>

#include "tests/support/test_postgres.h"

namespace sekisho::support {

bool IsOnPostgres() {
  const char* engine = std::getenv("SEKISHO_TEST_ENGINE");
  return engine != nullptr && std::string_view(engine) == "postgres";
}

Result<std::unique_ptr<store::Store>> OpenTestStore(const std::string& path) {
  if (!IsOnPostgres()) return store::OpenSqlite({path, {}});
  static std::map<std::string, std::string> databases;
  std::string& conninfo = databases[path];
  if (conninfo.empty()) conninfo = TestPostgres::Get().NewDatabase();
  return store::OpenPostgres({conninfo, nullptr});
}

}  // namespace sekisho::support
