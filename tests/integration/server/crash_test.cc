// The server is killed under load: what it acknowledged is there, nothing
// twice, nothing between.
#include <gtest/gtest.h>
#include <sodium.h>

#include <cstdio>
#include <filesystem>
#include <random>

#include "cli/admin_client.h"
#include "tests/integration/server/server_process.h"
#include "tests/integration/server/test_server.h"

namespace sekisho::testing {
namespace {

// A short form; the long one sets SEKISHO_CRASHES=200.
int Crashes() {
  const char* wish = std::getenv("SEKISHO_CRASHES");
  return wish != nullptr ? std::atoi(wish) : 8;
}

// A slow machine acknowledges nothing for many rounds: in parts.
bool SendAll(FakeAgent& agent,
             const std::vector<event::v1::EventRecord>& spool) {
  bool sent = true;
  for (size_t i = 0; sent && i < spool.size(); i += 100) {
    const size_t end = std::min(i + 100, spool.size());
    sent = agent.SendBatch({spool.begin() + static_cast<ptrdiff_t>(i),
                            spool.begin() + static_cast<ptrdiff_t>(end)});
  }
  return sent;
}

TEST(Crash, LosesNothingThatWasAcknowledged) {
  ASSERT_GE(sodium_init(), 0);
  Enrolled enrolled;
  const std::string dir = StateWithAgent(enrolled);

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
      bool alive = SendAll(agent, spool);
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
  // The rest, so that something is stored on the slowest machine, too; then the
  // whole chain, once, in order.
  const Process process = StartProcess(dir);
  FakeAgent agent(process.agents_port, enrolled);
  agent.head() = head;
  ASSERT_TRUE(agent.Connect());
  if (!spool.empty()) {
    ASSERT_TRUE(SendAll(agent, spool));
    ASSERT_TRUE(agent.AwaitAck(head.sequence));
  }
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
