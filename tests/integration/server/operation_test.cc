// What IT does to a server: watch it, stop it, copy it, put it back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <atomic>
#include <filesystem>

#include "cli/admin_client.h"
#include "common/file.h"
#include "server/operate/socket_address.h"
#include "server/server.h"
#include "tests/integration/server/server_process.h"
#include "tests/integration/server/test_server.h"

namespace sekisho::testing {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Get(int port, const std::string& path) {
  const auto address =
      operate::ParseAddress("127.0.0.1:" + std::to_string(port));
  const UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  CHECK(::connect(fd.get(), address->get(), address->size) == 0);
  const std::string request = "GET " + path + " HTTP/1.1\r\n\r\n";
  CHECK(WriteAll(fd.get(), AsBytes(request)).has_value());
  return ReadAll(fd.get(), size_t{1} << 20).value_or("");
}

// The database is looked at once a second.
std::string GetUntil(int port, const std::string& path,
                     const std::string& line) {
  std::string answer;
  const auto limit =
      std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < limit &&
         answer.find(line) == std::string::npos) {
    answer = Get(port, path);
  }
  return answer;
}

std::vector<std::string> AlertTitles(const std::string& dir,
                                     const std::string& kind) {
  cli::AdminClient client(dir + "/run/admin.sock");
  admin::v1::ListAlertsRequest request;
  request.set_kind(kind);
  const auto answer = client.Call<admin::v1::ListAlertsResponse>(request);
  std::vector<std::string> titles;
  if (!answer) return titles;
  for (const auto& alert : answer->alerts()) titles.push_back(alert.title());
  return titles;
}

class OperationTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    dir_ = StateWithAgent(enrolled_);
    char more[] = "/tmp/sekisho-operation-XXXXXX";
    ASSERT_NE(mkdtemp(more), nullptr);
    more_ = more;
  }
  void TearDown() override {
    std::filesystem::remove_all(dir_);
    std::filesystem::remove_all(more_);
  }

  // Options for a word on the state in `dir`.
  static std::string On(const std::string& dir) {
    return " --config /dev/null --sinks " + dir + "/sinks.yaml --state " + dir;
  }
  // Records that follow what the agent has, which keeps them.
  std::vector<event::v1::EventRecord> Some(FakeAgent& agent, int count) {
    std::vector<event::v1::EventRecord> batch;
    for (int i = 0; i < count; ++i) {
      batch.push_back(agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED));
      spool_.push_back(batch.back());
    }
    return batch;
  }
  std::vector<event::v1::EventRecord> After(int64_t sequence) const {
    return {spool_.begin() + static_cast<ptrdiff_t>(sequence), spool_.end()};
  }

  Enrolled enrolled_;
  std::string dir_, more_;
  std::vector<event::v1::EventRecord> spool_;
};

TEST_F(OperationTest, MonitorsSeeWhatAgentsBringAndWhenItStops) {
  ServerOptions options;
  options.state_dir = dir_;
  options.runtime_dir = dir_ + "/run";
  options.agents_listen = "127.0.0.1:0";
  options.console_port = -1;
  options.sinks_file = dir_ + "/sinks.yaml";
  options.metrics_listen = "127.0.0.1:0";
  ASSERT_TRUE(ReplaceFile(options.sinks_file,
                          "sinks:\n  - {name: file, type: file, to: " + dir_ +
                              "/told.jsonl, send: [events]}\n",
                          0600));
  const SystemClock clock;
  auto server = Server::Start(options, clock);
  ASSERT_TRUE(server) << server.error().message;
  const int port = (*server)->metrics_port();
  EXPECT_THAT(Get(port, "/healthz"), HasSubstr("alive"));
  EXPECT_THAT(Get(port, "/readyz"),
              AllOf(HasSubstr("HTTP/1.1 200 OK"), HasSubstr("true")));
  FakeAgent agent((*server)->agents_port(), enrolled_);
  ASSERT_TRUE(agent.Connect());
  ASSERT_TRUE(agent.SendBatch(Some(agent, 20)));
  ASSERT_TRUE(agent.AwaitAck(20));
  auto gap = Some(agent, 2);
  ASSERT_TRUE(agent.SendBatch({gap[1]}));
  ASSERT_TRUE(agent.Await(event::v1::ConnectResponse::kRefusal));
  const std::string page =
      GetUntil(port, "/metrics", "\nsekisho_agents_connected 1\n");
  for (const char* line :
       {"\nsekisho_agents_connected 1\n",
        "\nsekisho_events_accepted_total 20\n", "\nsekisho_batches_total 2\n",
        "\nsekisho_batches_refused_total{code=\"data_loss\"} 1\n",
        "\nsekisho_ack_seconds_count 1\n", "\nsekisho_log_events 20\n",
        "\nsekisho_sink_lost_records_total{sink=\"file\"} 0\n",
        "\nsekisho_ready 1\n"}) {
    EXPECT_THAT(page, HasSubstr(line));
  }
  // Nobody is named.
  EXPECT_THAT(page, Not(HasSubstr(agent.agent_id())));

  (*server)->Drain(std::chrono::seconds(10));
  const grpc::Status end = agent.AwaitEnd();
  EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE);
  EXPECT_THAT(end.error_message(), HasSubstr("connect again"));
  EXPECT_THAT(Get(port, "/readyz"),
              AllOf(HasSubstr("HTTP/1.1 503 "), HasSubstr("draining")));
  FakeAgent late((*server)->agents_port(), enrolled_);
  EXPECT_FALSE(late.Connect());
  // The sink was told of all before the end.
  const auto told = ReadFileAt(AT_FDCWD, dir_ + "/told.jsonl", size_t{1} << 20);
  ASSERT_TRUE(told) << told.error().message;
  EXPECT_EQ(std::ranges::count(*told, '\n'), 20);
}

// Whatever a server took before it went, it acknowledged.
TEST_F(OperationTest, AStoppedServerOwesNoAcknowledgement) {
  int64_t acknowledged = 0;
  event::Head head;
  for (int round = 0; round < 3; ++round) {
    const Process process = StartProcess(dir_);
    {
      FakeAgent agent(process.agents_port, enrolled_);
      agent.head() = head;
      const auto welcome = agent.Connect();
      ASSERT_TRUE(welcome) << welcome.error().message;
      EXPECT_EQ(welcome->head().sequence(), acknowledged) << "round " << round;
      acknowledged = welcome->head().sequence();
      ASSERT_TRUE(agent.SendBatch(After(acknowledged)));
      std::atomic<bool> sent_some = false;
      std::thread sender([&] {
        for (int i = 0; i < 60; ++i) {
          const bool alive = agent.SendBatch(Some(agent, 5));
          sent_some = true;
          if (!alive) return;
        }
      });
      while (!sent_some) std::this_thread::yield();
      Terminate(process);
      sender.join();
      EXPECT_EQ(agent.AwaitEnd().error_code(), grpc::StatusCode::UNAVAILABLE);
      while (const auto ack = agent.Await(event::v1::ConnectResponse::kAck,
                                          std::chrono::milliseconds(0))) {
        acknowledged = ack->ack().head().sequence();
      }
      head = agent.head();
    }
    EXPECT_EQ(ExitStatus(process), 0);
  }
  EXPECT_GT(acknowledged, 0);
}

TEST_F(OperationTest, TwoServersDoNotShareAState) {
  const Process process = StartProcess(dir_);
  const Ran second = RunServer("--runtime " + more_ +
                               " --agents-listen 127.0.0.1:0 --console-port -1 "
                               "--metrics-listen off" +
                               On(dir_));
  EXPECT_EQ(second.status, 1);
  EXPECT_THAT(second.said,
              AllOf(HasSubstr("in use by another sekisho-server"),
                    HasSubstr("process " + std::to_string(process.pid))));
  Kill(process);
  // A lock does not outlive who held it.
  Kill(StartProcess(dir_));
}

// Copied in the middle of it, put back, met by a terminal that has seen more.
TEST_F(OperationTest, ABackupUnderLoadIsWholeAndItsRestoreIsNotSilent) {
  const Process process = StartProcess(dir_);
  FakeAgent agent(process.agents_port, enrolled_);
  ASSERT_TRUE(agent.Connect());
  ASSERT_TRUE(agent.SendBatch(Some(agent, 50)));
  ASSERT_TRUE(agent.AwaitAck(50));
  std::atomic<bool> stop = false;
  std::thread sender([&] {
    while (!stop && spool_.size() < 5000) {
      ASSERT_TRUE(agent.SendBatch(Some(agent, 10)));
      ASSERT_TRUE(agent.AwaitAck(agent.head().sequence));
    }
  });
  const std::string backup = more_ + "/backup";
  const Ran made = RunServer("backup " + backup + " --with-keys" + On(dir_));
  stop = true;
  sender.join();
  ASSERT_EQ(made.status, 0) << made.said;
  EXPECT_THAT(made.said, HasSubstr("Private keys are in it"));
  ASSERT_TRUE(agent.SendBatch(Some(agent, 10)));
  ASSERT_TRUE(agent.AwaitAck(agent.head().sequence));
  const event::Head head = agent.head();
  Kill(process);
  const Ran verified = RunServer("verify-backup " + backup);
  ASSERT_EQ(verified.status, 0) << verified.said;

  const std::string again = more_ + "/again";
  const Ran restored = RunServer("restore " + backup + On(again));
  ASSERT_EQ(restored.status, 0) << restored.said;
  EXPECT_THAT(restored.said, Not(HasSubstr("back before the server")));
  std::filesystem::create_directory(again + "/run");
  const Process second = StartProcess(again);
  EXPECT_THAT(AlertTitles(again, "log_restored"),
              ElementsAre(HasSubstr("was restored from the backup of")));
  FakeAgent back(second.agents_port, enrolled_);
  back.head() = head;
  const auto welcome = back.Connect();
  ASSERT_TRUE(welcome) << welcome.error().message;
  const int64_t stands = welcome->head().sequence();
  EXPECT_GE(stands, 50);
  EXPECT_LT(stands, head.sequence);
  // It says that nothing of its chain waits: all was acknowledged once.
  ASSERT_TRUE(back.SendHeartbeat());
  // What it still has comes again.
  for (int64_t at = stands; at < head.sequence; at += 400) {
    auto part = After(at);
    part.resize(std::min<size_t>(part.size(), 400));
    ASSERT_TRUE(back.SendBatch(std::move(part)));
  }
  ASSERT_TRUE(back.AwaitAck(head.sequence));
  EXPECT_THAT(AlertTitles(again, "history_rewritten"),
              ElementsAre(AllOf(
                  HasSubstr("had " + std::to_string(head.sequence) +
                            " events acknowledged"),
                  HasSubstr("log has " + std::to_string(stands) + " of it"))));
  Kill(second);
}

TEST_F(OperationTest, WithoutItsKeysARestoredServerDoesNotStart) {
  const Process process = StartProcess(dir_);
  FakeAgent agent(process.agents_port, enrolled_);
  ASSERT_TRUE(agent.Connect());
  ASSERT_TRUE(agent.SendBatch(Some(agent, 1)));
  ASSERT_TRUE(agent.AwaitAck(1));
  const std::string backup = more_ + "/backup";
  const std::string again = more_ + "/again";
  const Ran made = RunServer("backup " + backup + On(dir_));
  Kill(process);
  ASSERT_EQ(made.status, 0) << made.said;
  EXPECT_THAT(made.said, HasSubstr("No private keys are in it"));
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(backup)) {
    EXPECT_NE(entry.path().extension(), ".key") << entry.path();
  }
  const Ran restored = RunServer("restore " + backup + On(again));
  ASSERT_EQ(restored.status, 0) << restored.said;
  EXPECT_THAT(restored.said,
              HasSubstr("Put " + again + "/server/signing.key back"));
  const Ran started = RunServer("--runtime " + more_ +
                                " --agents-listen 127.0.0.1:0 --console-port "
                                "-1 --metrics-listen off" +
                                On(again));
  EXPECT_EQ(started.status, 1);
  EXPECT_THAT(started.said, HasSubstr("signing.key is missing"));
  EXPECT_FALSE(std::filesystem::exists(again + "/server/signing.key"));
}

TEST_F(OperationTest, TheDoctorFindsWhatWasPlanted) {
  const std::string doctor =
      "doctor --json --agents-listen 127.0.0.1:0 --console-port -1 "
      "--metrics-listen off" +
      On(dir_);
  const Ran well = RunServer(doctor);
  EXPECT_EQ(well.status, 0) << well.said;
  EXPECT_THAT(well.said,
              AllOf(HasSubstr("{\"ok\":true,"), HasSubstr("does not run")));
  const std::string key = dir_ + "/server/signing.key";
  ASSERT_EQ(chmod(key.c_str(), 0644), 0);
  const Ran open_key = RunServer(doctor);
  EXPECT_EQ(open_key.status, 1);
  EXPECT_THAT(open_key.said, HasSubstr("signing.key is open to others"));
  ASSERT_TRUE(std::filesystem::remove(key));
  EXPECT_THAT(RunServer(doctor).said, HasSubstr("signing.key is missing"));
  ASSERT_TRUE(
      ReplaceFile(dir_ + "/sinks.yaml", "sinks:\n  - {name: a}\n", 0600));
  EXPECT_THAT(RunServer(doctor).said, HasSubstr("sinks.yaml"));
  EXPECT_EQ(RunServer("doctor --no-such-option 1").status, 2);
}

}  // namespace
}  // namespace sekisho::testing
