// The server is killed under load: what it acknowledged is there, nothing
// twice, nothing between.
#include <gtest/gtest.h>
#include <signal.h>
#include <sodium.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <random>

#include "cli/admin_client.h"
#include "tests/integration/server/test_server.h"

namespace sekisho::testing {
namespace {

// A short form; the long one sets SEKISHO_CRASHES=200.
int Crashes() {
  const char* wish = std::getenv("SEKISHO_CRASHES");
  return wish != nullptr ? std::atoi(wish) : 8;
}

struct Process {
  pid_t pid = 0;
  int agents_port = 0;
};

Process StartProcess(const std::string& dir) {
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
          "-1", "--config", "/dev/null", nullptr);
    _exit(127);
  }
  close(out[1]);
  Process process{pid, 0};
  std::FILE* lines = fdopen(out[0], "r");
  CHECK(std::fscanf(lines, "agents %d", &process.agents_port) == 1);
  std::fclose(lines);
  return process;
}

void Kill(const Process& process) {
  kill(process.pid, SIGKILL);
  CHECK(waitpid(process.pid, nullptr, 0) == process.pid);
}

TEST(Crash, LosesNothingThatWasAcknowledged) {
  ASSERT_GE(sodium_init(), 0);
  std::string dir;
  Enrolled enrolled;
  std::unique_ptr<TestServer> first = std::make_unique<TestServer>();
  enrolled = first->EnrolAs("a");
  // Its state is taken over by the processes that are going to be killed.
  char copy[] = "/tmp/sekisho-crash-XXXXXX";
  ASSERT_NE(mkdtemp(copy), nullptr);
  dir = copy;
  const std::string from = first->dir();
  first->Restart();
  std::filesystem::copy(from + "/server", dir + "/server",
                        std::filesystem::copy_options::recursive);
  std::filesystem::create_directory(dir + "/run");
  first.reset();

  std::mt19937 random(7);
  std::uniform_int_distribution<int> pause_ms(0, 120);
  std::vector<event::v1::EventRecord> spool;  // not yet acknowledged
  event::Head head;
  int64_t acknowledged = 0;
  for (int round = 0; round < Crashes(); ++round) {
    const Process process = StartProcess(dir);
    {
      FakeAgent agent(process.agents_port, enrolled);
      agent.head() = head;
      const auto welcome = agent.Connect();
      ASSERT_TRUE(welcome) << welcome.error().message;
      const int64_t stands = welcome->head().sequence();
      ASSERT_GE(stands, acknowledged) << "an acknowledged event is lost";
      acknowledged = stands;
      std::erase_if(spool, [&](const auto& record) {
        return record.sequence() <= stands;
      });
      std::thread killer([&] {
        std::this_thread::sleep_for(
            std::chrono::milliseconds(pause_ms(random)));
        Kill(process);
      });
      bool alive = spool.empty() || agent.SendBatch(spool);
      while (alive) {
        std::vector<event::v1::EventRecord> batch;
        for (int i = 0; i < 20; ++i) {
          batch.push_back(agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED));
          spool.push_back(batch.back());
        }
        alive = agent.SendBatch(std::move(batch)) && spool.size() < 400;
        while (const auto ack =
                   agent.Await(event::v1::ConnectResponse::kAck,
                               std::chrono::milliseconds(alive ? 0 : 500))) {
          acknowledged = ack->ack().head().sequence();
          std::erase_if(spool, [&](const auto& record) {
            return record.sequence() <= acknowledged;
          });
        }
      }
      killer.join();
      // What had come before it died counts, too.
      while (const auto ack = agent.Await(event::v1::ConnectResponse::kAck,
                                          std::chrono::milliseconds(200))) {
        acknowledged = ack->ack().head().sequence();
      }
      head = agent.head();
    }
  }
  // The whole chain, once, in order.
  const Process process = StartProcess(dir);
  cli::AdminClient admin(dir + "/run/admin.sock");
  event::Head checked;
  int64_t records = 0;
  const Status exported = admin.Export(
      {}, [&](const admin::v1::ExportEventsResponse& part) -> Status {
        for (const auto& record : part.records()) {
          RETURN_IF_ERROR(event::CheckNext(checked, record,
                                           enrolled.chain.public_key,
                                           enrolled.answer.agent_id()));
          checked = event::HeadOf(record);
          ++records;
        }
        return {};
      });
  EXPECT_TRUE(exported) << exported.error().message;
  EXPECT_GE(records, acknowledged);
  EXPECT_GT(records, 0);
  std::printf("%d crashes, %lld acknowledged, %lld stored\n", Crashes(),
              static_cast<long long>(acknowledged),
              static_cast<long long>(records));
  Kill(process);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace sekisho::testing
