// A PostgreSQL of this test program's own (tests/support/with_postgres), begun
// when it is first asked for and ended with the program.
#pragma once

#include <memory>
#include <string>

#include "common/result.h"
#include "server/store/store.h"

namespace sekisho::support {

class TestPostgres {
 public:
  // The one of this program; dies if it cannot be started.
  static TestPostgres& Get();
  ~TestPostgres();

  // An empty database; its connection string.
  std::string NewDatabase();
  // "restart", "stop", "start".
  void Do(const std::string& word);

 private:
  TestPostgres();
  std::string Line();

  int to_ = -1;
  int from_ = -1;
  int pid_ = -1;
  int databases_ = 0;
  std::string dir_;
};

}  // namespace sekisho::support
