// Two servers on one PostgreSQL: agents move between them, servers and the
// database die under load. What was acknowledged is there, once, in one log.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <atomic>
#include <filesystem>
#include <random>
#include <span>

#include "cli/admin_client.h"
#include "cli/event_command.h"
#include "common/file.h"
#include "policy/envelope.h"
#include "server/store/postgres.h"
#include "tests/integration/server/server_process.h"
#include "tests/integration/server/test_server.h"
#include "tests/support/test_postgres.h"

// What OpenSSL keeps for each thread of gRPC that has not ended when the
// process does. In this test only: others look for leaks of OpenSSL's objects.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:CRYPTO_zalloc\n";
}

namespace sekisho::testing {
namespace {

using std::chrono::milliseconds;
using support::TestPostgres;

constexpr size_t kAgents = 4;
// Below what a server takes at once, as an agent does it.
constexpr size_t kBatch = 200;

// An agent with a spool: what is not acknowledged is kept and sent again, to
// whichever server takes it.
class Mover {
 public:
  explicit Mover(Enrolled enrolled) : enrolled_(std::move(enrolled)) {}

  // One stream to `port`, at most `batches`, to its end or a failure.
  void Visit(int port, int batches) {
    FakeAgent agent(port, enrolled_);
    agent.head() = head_;
    const auto welcome = agent.Connect();
    if (!welcome) return;
    const int64_t stands = welcome->head().sequence();
    // The other server may still be about to commit: never less.
    if (stands < acknowledged_) ++lost_;
    Acknowledge(stands);
    bool alive = true;
    for (size_t at = 0; alive && at < spool_.size(); at += kBatch) {
      const auto rest = std::span(spool_).subspan(at);
      const auto batch = rest.first(std::min(kBatch, rest.size()));
      alive = agent.SendBatch({batch.begin(), batch.end()});
    }
    for (int i = 0; alive && i < batches; ++i) {
      std::vector<event::v1::EventRecord> batch;
      for (int k = 0; k < 10; ++k) {
        batch.push_back(agent.NextTransfer(1, event::v1::OUTCOME_ALLOWED));
        spool_.push_back(batch.back());
      }
      alive = agent.SendBatch(std::move(batch));
      while (const auto ack = agent.Await(event::v1::ConnectResponse::kAck,
                                          milliseconds(alive ? 20 : 300))) {
        Acknowledge(ack->ack().head().sequence());
      }
    }
    head_ = agent.head();
  }

  bool IsDone() const { return spool_.empty(); }
  int lost() const { return lost_; }
  int64_t acknowledged() const { return acknowledged_; }
  const event::Head& head() const { return head_; }
  const Enrolled& enrolled() const { return enrolled_; }

 private:
  void Acknowledge(int64_t sequence) {
    acknowledged_ = std::max(acknowledged_, sequence);
    std::erase_if(spool_, [&](const auto& record) {
      return record.sequence() <= sequence;
    });
  }

  const Enrolled enrolled_;
  event::Head head_;
  std::vector<event::v1::EventRecord> spool_;
  int64_t acknowledged_ = 0;
  int lost_ = 0;
};

class ReplicasTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    TestServer first(auth::kAgentCertificateLife, database_);
    for (size_t i = 0; i < kAgents; ++i) {
      movers_.push_back(std::make_unique<Mover>(
          first.EnrolAs("terminal-" + std::to_string(i))));
    }
    // The second server has the keys of the first.
    for (size_t i = 0; i < 2; ++i) {
      char dir[] = "/tmp/sekisho-replica-XXXXXX";
      ASSERT_NE(mkdtemp(dir), nullptr);
      dirs_[i] = dir;
      for (const char* folder : {"/server", "/ca"}) {
        std::filesystem::copy(first.dir() + folder, dirs_[i] + folder,
                              std::filesystem::copy_options::recursive);
      }
      std::filesystem::create_directory(dirs_[i] + "/run");
    }
  }
  void TearDown() override {
    for (size_t i = 0; i < 2; ++i) {
      if (ports_[i] != 0) Kill(servers_[i]);
      std::filesystem::remove_all(dirs_[i]);
    }
  }
  void Start(size_t i) {
    servers_[i] = StartProcess(dirs_[i], database_);
    ports_[i] = servers_[i].agents_port;
  }
  void KillServer(size_t i) {
    ports_[i] = 0;
    Kill(servers_[i]);
  }
  // Agents go to and fro for as long as `disturb` lasts, then end with both
  // servers up and nothing left in their spools.
  template <typename Disturb>
  void LoadWhile(Disturb disturb) {
    std::atomic<bool> over = false;
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kAgents; ++i) {
      threads.emplace_back([this, i, &over] {
        std::mt19937 random(static_cast<unsigned>(i));
        Mover& mover = *movers_[i];
        while (!over || !mover.IsDone()) {
          const int port = ports_[random() % 2];
          if (port != 0) mover.Visit(port, over ? 0 : 5);
          if (over && !mover.IsDone()) mover.Visit(ports_[0], 1);
        }
      });
    }
    disturb();
    over = true;
    for (std::thread& thread : threads) thread.join();
  }
  void CheckAll() {
    int64_t all = 0;
    for (size_t i = 0; i < kAgents; ++i) {
      const Mover& mover = *movers_[i];
      EXPECT_EQ(mover.lost(), 0) << "an acknowledged event is lost";
      EXPECT_EQ(mover.acknowledged(), mover.head().sequence);
      all += mover.acknowledged();
    }
    std::printf("%lld events\n", static_cast<long long>(all));
    EXPECT_GT(all, 0);
    // Nobody is accused for having moved.
    auto db = store::PostgresConnection::Open(database_,
                                              store::Connection::Kind::kReader);
    ASSERT_TRUE(db);
    auto alert = (*db)->Query(
        "SELECT kind, title FROM alerts WHERE kind LIKE 'chain%' OR kind LIKE "
        "'event%' OR kind LIKE 'history%'");
    ASSERT_TRUE(alert);
    while (*alert->Step()) {
      ADD_FAILURE() << alert->Text(0) << ": " << alert->Text(1);
    }
    // By each of them: every chain whole, each event once, one Merkle log.
    for (const std::string& dir : dirs_) {
      const std::string socket = dir + "/run/admin.sock";
      cli::AdminClient admin(socket);
      int64_t records = 0;
      std::map<std::string, event::Head> heads;
      const Status exported = admin.Export(
          {}, [&](const admin::v1::ExportEventsResponse& part) -> Status {
            for (const auto& record : part.records()) {
              event::v1::PublicPart shown;
              shown.ParseFromString(record.public_part());
              RETURN_IF_ERROR(event::CheckNext(heads[shown.agent_id()], record,
                                               KeyOf(shown.agent_id()),
                                               shown.agent_id()));
              heads[shown.agent_id()] = event::HeadOf(record);
              ++records;
            }
            return {};
          });
      EXPECT_TRUE(exported) << exported.error().message;
      EXPECT_EQ(records, all);
      ASSERT_EQ(setenv("SEKISHO_ADMIN_SOCKET", socket.c_str(), 1), 0);
      EXPECT_EQ(cli::RunEventCommand(
                    std::vector<std::string_view>{"verify", "--json"}),
                0);
    }
  }
  event::ChainPublicKey KeyOf(const std::string& agent_id) const {
    for (const auto& mover : movers_) {
      if (mover->enrolled().answer.agent_id() == agent_id) {
        return mover->enrolled().chain.public_key;
      }
    }
    return {};
  }

  const std::string database_ = TestPostgres::Get().NewDatabase();
  std::vector<std::unique_ptr<Mover>> movers_;
  std::string dirs_[2];
  Process servers_[2];
  std::atomic<int> ports_[2] = {0, 0};
};

TEST_F(ReplicasTest, OneIsKilledUnderLoad) {
  Start(0);
  Start(1);
  LoadWhile([&] {
    for (const size_t victim : {0U, 1U, 0U}) {
      std::this_thread::sleep_for(milliseconds(700));
      KillServer(victim);
      std::this_thread::sleep_for(milliseconds(500));
      Start(victim);
    }
  });
  CheckAll();
}

TEST_F(ReplicasTest, TheDatabaseIsRestartedUnderLoad) {
  Start(0);
  Start(1);
  LoadWhile([&] {
    for (int i = 0; i < 2; ++i) {
      std::this_thread::sleep_for(milliseconds(800));
      TestPostgres::Get().Do("restart");
    }
    std::this_thread::sleep_for(milliseconds(800));
  });
  CheckAll();
}

// Its terminals would not take what it signs.
TEST_F(ReplicasTest, AServerWithAnotherKeyIsRefused) {
  const policy::KeyPair other = policy::NewKeyPair();
  ASSERT_TRUE(ReplaceFile(
      dirs_[0] + "/server/signing.key",
      ToHex(other.secret_key) + ToHex(other.public_key) + "\n", 0600));
  const Ran ran = RunServer(
      "--config /dev/null --console-port -1 --metrics-listen off "
      "--agents-listen 127.0.0.1:0 --state " +
      dirs_[0] + " --runtime " + dirs_[0] + "/run --database '" + database_ +
      "'");
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.said.find("signing.key is another key"), std::string::npos)
      << ran.said;
}

// What is pushed at one server is told by the other.
TEST_F(ReplicasTest, APushReachesAgentsOfTheOther) {
  Start(0);
  Start(1);
  FakeAgent agent(ports_[1], movers_[0]->enrolled());
  ASSERT_TRUE(agent.Connect());
  cli::AdminClient admin(dirs_[0] + "/run/admin.sock");
  admin::v1::PushPolicyRequest push;
  push.set_text(ReadFileAt(AT_FDCWD,
                           SEKISHO_SOURCE_DIR "/policy/packs/observe.yaml",
                           size_t{1} << 20)
                    .value());
  push.set_comment("test");
  const auto pushed = admin.Call<admin::v1::PushPolicyResponse>(push);
  ASSERT_TRUE(pushed) << pushed.error().message;
  int64_t told = 0;
  while (told < pushed->version()) {
    const auto news = agent.Await(event::v1::ConnectResponse::kAnnouncement);
    ASSERT_TRUE(news);
    if (news->announcement().type() == "policy") {
      told = news->announcement().version();
    }
  }
}

}  // namespace
}  // namespace sekisho::testing
