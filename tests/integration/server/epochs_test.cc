// A chain that starts anew: what the real spool makes of damage, and what the
// server takes and refuses.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <random>

#include "cli/admin_client.h"
#include "server/service/chain_head.h"
#include "tests/integration/server/server_process.h"
#include "tests/integration/server/terminal_spool.h"
#include "tests/integration/server/test_server.h"

namespace sekisho::testing {
namespace {

using event::v1::ConnectResponse;
using ::testing::Contains;
using ::testing::HasSubstr;

class EpochsTest : public ::testing::Test {
 protected:
  bool HasAlert(const std::string& kind) {
    for (int tries = 0; tries < 500; ++tries) {
      titles_.clear();
      cli::AdminClient client(server_.socket());
      const auto page = client.Call<admin::v1::ListAlertsResponse>(
          admin::v1::ListAlertsRequest());
      for (const auto& alert : page->alerts()) {
        if (alert.kind() == kind) {
          titles_.push_back(alert.title());
        }
      }
      if (!titles_.empty()) {
        return true;
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return false;
  }
  std::string RefusalOf(FakeAgent& agent,
                        std::vector<event::v1::EventRecord> records) {
    CHECK(agent.SendBatch(std::move(records)));
    const auto refusal = agent.Await(ConnectResponse::kRefusal);
    return refusal ? refusal->refusal().reason() : "taken";
  }
  event::v1::EventRecord Opening(FakeAgent& agent, int32_t epoch) {
    agent.head() = {epoch, 0, {}};
    event::v1::PublicPart part;
    part.set_kind(event::v1::EVENT_KIND_GAP);
    part.set_lost_count(1);
    part.set_closed_epoch(epoch - 1);
    return agent.Next(std::move(part));
  }

  TestServer server_;
  std::vector<std::string> titles_;
};

TEST_F(EpochsTest, TakesWhatTheSpoolMakesOfDamage) {
  const Enrolled enrolled = server_.EnrolAs("terminal-1");
  TerminalSpool terminal(enrolled);
  FakeAgent agent(server_.agents_port(), enrolled);
  terminal.Write(20);
  const event::Head before = terminal.Deliver(agent);
  EXPECT_EQ(before.epoch, 1);
  EXPECT_EQ(before.sequence, 20);
  auto written = terminal.Write(30);
  terminal.Damage(written[10]);
  terminal.Open();
  const event::Head after = terminal.Deliver(agent);
  EXPECT_EQ(after.epoch, 2);
  ASSERT_TRUE(HasAlert("chain_restarted"));
  EXPECT_THAT(titles_, Contains(HasSubstr("as epoch 2: 1 event lost")));
  EXPECT_TRUE(HasAlert("agent_health"));
  // The chain goes on, and may start anew once more.
  terminal.Write(5);
  EXPECT_EQ(terminal.Deliver(agent).sequence, after.sequence + 5);
  terminal.Damage(terminal.Write(3).front());
  terminal.Open();
  EXPECT_EQ(terminal.Deliver(agent).epoch, 3);
}

TEST_F(EpochsTest, ARolledBackTerminalStartsAnewInSight) {
  const Enrolled enrolled = server_.EnrolAs("terminal-1");
  FakeAgent agent(server_.agents_port(), enrolled);
  {
    TerminalSpool terminal(enrolled);
    terminal.Write(20);
    terminal.Deliver(agent);
  }
  TerminalSpool restored(enrolled);  // an image of the first day
  restored.Write(3);
  EXPECT_EQ(restored.Deliver(agent).epoch, 2);
  EXPECT_TRUE(HasAlert("chain_rollback"));
  ASSERT_TRUE(HasAlert("chain_restarted"));
  EXPECT_THAT(titles_, Contains(HasSubstr("how many is unknown")));
}

TEST_F(EpochsTest, RefusesWhatOpensNoEpochAndWhatIsOver) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  const auto old = agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED);
  ASSERT_TRUE(agent.SendBatch({old}));
  ASSERT_TRUE(agent.AwaitAck(1));
  const event::Head end = agent.head();

  agent.head() = {2, 0, {}};
  EXPECT_THAT(
      RefusalOf(agent, {agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED)}),
      HasSubstr("does not open with a GAP"));
  EXPECT_TRUE(HasAlert("event_forged"));
  const auto skipped = Opening(agent, 2);
  EXPECT_THAT(
      RefusalOf(agent, {agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED)}),
      HasSubstr("begins at sequence 2"));
  auto forged = Opening(agent, 2);
  forged.mutable_signature()->at(5) ^= 1;
  EXPECT_THAT(RefusalOf(agent, {forged}), HasSubstr("signature"));

  const auto opening = Opening(agent, 2);
  ASSERT_TRUE(agent.SendBatch({opening}));
  ASSERT_TRUE(agent.AwaitAck(1));
  // The old chain goes on as if nothing had happened: a clone, or a replay.
  agent.head() = end;
  EXPECT_THAT(
      RefusalOf(agent, {agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED)}),
      HasSubstr("epoch 1 is over"));
  EXPECT_TRUE(HasAlert("chain_rollback"));
  EXPECT_THAT(RefusalOf(agent, {old}), HasSubstr("epoch 1 is over"));
  // The same epoch opened twice.
  EXPECT_THAT(RefusalOf(agent, {skipped}), HasSubstr("fork"));
  EXPECT_TRUE(HasAlert("chain_fork"));
}

TEST_F(EpochsTest, RefusesAChainThatRestartsTooOften) {
  FakeAgent agent(server_.agents_port(), server_.EnrolAs("a"));
  ASSERT_TRUE(agent.Connect());
  int32_t epoch = 2;
  for (; epoch < 10; ++epoch) {
    ASSERT_TRUE(agent.SendBatch({Opening(agent, epoch)}));
    ASSERT_TRUE(agent.Await(ConnectResponse::kAck));
  }
  EXPECT_THAT(RefusalOf(agent, {Opening(agent, epoch)}),
              HasSubstr("8 times within a day"));
  EXPECT_TRUE(HasAlert("chain_restarts"));
  server_.clock().Advance(std::chrono::hours(25));
  ASSERT_TRUE(agent.SendBatch({Opening(agent, epoch)}));
  EXPECT_TRUE(agent.Await(ConnectResponse::kAck));
}

// Short form; the long one sets SEKISHO_CRASHES=200.
int Crashes() {
  const char* wish = std::getenv("SEKISHO_CRASHES");
  return wish != nullptr ? std::atoi(wish) : 6;
}

// The server is killed while the terminal's spool is damaged again and again:
// what was acknowledged stays, the chain is whole across its epochs, and each
// event that was not damaged arrives.
TEST(EpochsCrash, AChainThatRestartsUnderKillsIsWhole) {
  ASSERT_GE(sodium_init(), 0);
  Enrolled enrolled;
  const std::string dir = StateWithAgent(enrolled);
  TerminalSpool terminal(enrolled);
  std::mt19937 random(11);
  std::set<std::string> written;
  int damaged = 0;
  event::Head acknowledged;
  for (int round = 0; round < Crashes(); ++round) {
    const auto ids = terminal.Write(40);
    written.insert(ids.begin(), ids.end());
    // At most as often as a day allows.
    if (round % 2 == 1 && damaged < 7) {
      const std::string& hit = ids[random() % ids.size()];
      terminal.Damage(hit);
      written.erase(hit);
      ++damaged;
    }
    terminal.Open();
    const Process process = StartProcess(dir);
    FakeAgent agent(process.agents_port, enrolled);
    agent.head() = terminal.log().head();
    const auto welcome = agent.Connect();
    ASSERT_TRUE(welcome) << welcome.error().message;
    const event::Head stands = service::FromProto(welcome->head());
    ASSERT_GE(std::pair(stands.epoch, stands.sequence),
              std::pair(acknowledged.epoch, acknowledged.sequence));
    std::thread killer([&] {
      std::this_thread::sleep_for(std::chrono::milliseconds(random() % 60));
      Kill(process);
    });
    for (const auto& record : terminal.After(stands)) {
      if (!agent.SendBatch({record})) {
        break;
      }
    }
    killer.join();
    while (const auto ack = agent.Await(ConnectResponse::kAck,
                                        std::chrono::milliseconds(200))) {
      acknowledged = service::FromProto(ack->ack().head());
    }
    if (acknowledged.epoch == terminal.log().head().epoch) {
      ASSERT_TRUE(terminal.log().Ack(acknowledged));
    }
  }
  const Process process = StartProcess(dir);
  FakeAgent agent(process.agents_port, enrolled);
  terminal.Deliver(agent);
  cli::AdminClient admin(dir + "/run/admin.sock");
  event::Head checked;
  std::set<std::string> stored;
  const Status exported = admin.Export(
      {}, [&](const admin::v1::ExportEventsResponse& part) -> Status {
        for (const auto& record : part.records()) {
          RETURN_IF_ERROR(event::CheckFollows(checked, record,
                                              enrolled.chain.public_key,
                                              enrolled.answer.agent_id()));
          checked = event::HeadOf(record);
          event::v1::PublicPart open;
          open.ParseFromString(record.public_part());
          stored.insert(open.event_id());
        }
        return {};
      });
  EXPECT_TRUE(exported) << exported.error().message;
  EXPECT_GT(checked.epoch, 1);
  for (const std::string& id : written) {
    EXPECT_TRUE(stored.contains(id)) << "an event is lost";
  }
  std::printf("%d crashes, %d times damaged, epoch %d\n", Crashes(), damaged,
              checked.epoch);
  Kill(process);
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace sekisho::testing
