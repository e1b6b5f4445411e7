#include "tests/support/test_postgres.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "server/store/postgres.h"

namespace sekisho::support {

TestPostgres& TestPostgres::Get() {
  static TestPostgres server;
  return server;
}

TestPostgres::TestPostgres() {
  int input[2];
  int output[2];
  CHECK(pipe2(input, O_CLOEXEC) == 0 && pipe2(output, O_CLOEXEC) == 0);
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    dup2(input[0], STDIN_FILENO);
    dup2(output[1], STDOUT_FILENO);
    execl(SEKISHO_SOURCE_DIR "/tests/support/with_postgres", "with_postgres",
          static_cast<char*>(nullptr));
    _exit(127);
  }
  close(input[0]);
  close(output[1]);
  to_ = input[1];
  from_ = output[0];
  const std::string ready = Line();
  if (!ready.starts_with("ready ")) {
    std::fprintf(stderr,
                 "PostgreSQL cannot be started: is postgresql-15 there? "
                 "(tests/support/install_packages)\n");
    std::abort();
  }
  dir_ = ready.substr(6);
}

TestPostgres::~TestPostgres() {
  close(to_);
  waitpid(pid_, nullptr, 0);
  close(from_);
}

std::string TestPostgres::Line() {
  std::string line;
  for (char c = 0; read(from_, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

void TestPostgres::Do(const std::string& word) {
  const std::string line = word + "\n";
  CHECK(write(to_, line.data(), line.size()) ==
        static_cast<ssize_t>(line.size()));
  CHECK(Line() == "done");
}

std::string TestPostgres::NewDatabase() {
  const std::string server = "host=" + dir_ + " user=sekisho dbname=";
  const std::string name = "t" + std::to_string(++databases_);
  auto db = store::PostgresConnection::Open(server + "postgres",
                                            store::Connection::Kind::kReader);
  CHECK(db && (*db)->Script("CREATE DATABASE " + name));
  return server + name;
}

}  // namespace sekisho::support
