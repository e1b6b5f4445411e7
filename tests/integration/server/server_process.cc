#include "tests/integration/server/server_process.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "tests/integration/server/test_server.h"

namespace sekisho::testing {

Process StartProcess(const std::string& dir, const std::string& database) {
  int out[2];
  CHECK(pipe(out) == 0);
  const pid_t pid = fork();
  CHECK(pid >= 0);
  if (pid == 0) {
    dup2(out[1], STDOUT_FILENO);
    close(out[0]);
    close(out[1]);
    const std::string runtime = dir + "/run";
    execl(SEKISHO_SERVER, SEKISHO_SERVER, "--state", dir.c_str(), "--runtime",
          runtime.c_str(), "--agents-listen", "127.0.0.1:0", "--console-port",
          "-1", "--metrics-listen", "127.0.0.1:0", "--config", "/dev/null",
          "--database", database.c_str(), nullptr);
    _exit(127);
  }
  close(out[1]);
  Process process{pid, 0, 0};
  std::FILE* lines = fdopen(out[0], "r");
  CHECK(std::fscanf(lines, "agents %d console %*d metrics %d",
                    &process.agents_port, &process.metrics_port) == 2);
  std::fclose(lines);
  return process;
}

void Kill(const Process& process) {
  kill(process.pid, SIGKILL);
  CHECK(waitpid(process.pid, nullptr, 0) == process.pid);
}

void Terminate(const Process& process) { kill(process.pid, SIGTERM); }

int ExitStatus(const Process& process) {
  int status = 0;
  CHECK(waitpid(process.pid, &status, 0) == process.pid);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Ran RunServer(const std::string& arguments) {
  const std::string command =
      std::string(SEKISHO_SERVER) + " " + arguments + " 2>&1";
  std::FILE* out = popen(command.c_str(), "r");
  CHECK(out != nullptr);
  Ran ran;
  char buffer[4096];
  while (const size_t n = std::fread(buffer, 1, sizeof buffer, out)) {
    ran.said.append(buffer, n);
  }
  const int status = pclose(out);
  ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128;
  return ran;
}

std::string StateWithAgent(Enrolled& enrolled) {
  TestServer server;
  enrolled = server.EnrolAs("a");
  server.Restart();  // nothing is left in the write-ahead log's memory
  char dir[] = "/tmp/sekisho-crash-XXXXXX";
  CHECK(mkdtemp(dir) != nullptr);
  const std::string copy = dir;
  for (const char* folder : {"/server", "/ca"}) {
    std::filesystem::copy(server.dir() + folder, copy + folder,
                          std::filesystem::copy_options::recursive);
  }
  std::filesystem::create_directory(copy + "/run");
  return copy;
}

}  // namespace sekisho::testing
