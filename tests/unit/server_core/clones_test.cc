#include "server/core/clones.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <future>
#include <map>

#include "server/core/indexer.h"
#include "tests/support/test_store.h"

namespace sekisho::core {
namespace {

using event::v1::EventKind;
using testing::HasSubstr;

class ClonesTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-clones-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    store_ = std::move(*support::OpenTestStore(std::string(dir) + "/test.db"));
    for (const char* id : {"a", "b"}) {
      store::NewAgent agent;
      agent.agent_id = id;
      agent.terminal = std::string("desk-") + id;
      agent.chain_key = keys_.public_key;
      ASSERT_TRUE(store_->AddAgent(agent));
      heads_[id] = {1, 0, {}};
    }
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  static event::v1::PublicPart Part(EventKind kind) {
    event::v1::PublicPart part;
    part.set_kind(kind);
    event::v1::Device& device = *part.mutable_device();
    device.set_vendor_id("0951");
    device.set_product_id("1666");
    device.set_serial("AA04012700007683");
    device.set_descriptor_hash(std::string(64, '1'));
    return part;
  }
  // Received `second` seconds after a day began.
  void Append(const std::string& agent, event::v1::PublicPart part,
              int second) {
    part.set_agent_id(agent);
    const auto record =
        *event::Append(heads_[agent], part, {}, keys_.secret_key);
    std::promise<bool> stored;
    store_->Append({agent, {record}, At(second)},
                   [&](const Result<event::Head>& head) {
                     stored.set_value(head.has_value());
                   });
    ASSERT_TRUE(stored.get_future().get());
  }
  void Heartbeat(const std::string& agent, int second) {
    store::AgentHeartbeat beat;
    beat.agent_id = agent;
    beat.time = At(second);
    store_->PutHeartbeat(beat);
  }
  static WallTime At(int second) {
    return WallTime(std::chrono::seconds(1'763'942'400 + second));
  }
  std::vector<store::Alert> Told() {
    Changes changes;
    Indexer indexer(*store_, changes, [](const store::Event&) {
      return std::vector<store::NewAlert>();
    });
    while (*indexer.RunOnce() > 0) {
    }
    return std::move(*store_->ListAlerts({}, {})).rows;
  }

  const event::ChainKeyPair keys_ = event::NewChainKeyPair();
  std::map<std::string, event::Head> heads_;
  std::string dir_;
  std::unique_ptr<store::Store> store_;
};

constexpr EventKind kPlugged = event::v1::EVENT_KIND_DEVICE_PLUGGED;
constexpr EventKind kRemoved = event::v1::EVENT_KIND_DEVICE_REMOVED;
constexpr EventKind kMounted = event::v1::EVENT_KIND_MEDIUM_MOUNTED;

TEST_F(ClonesTest, OtherDescriptorsAreToldOnce) {
  Append("a", Part(kPlugged), 0);
  Append("a", Part(kRemoved), 10);
  EXPECT_TRUE(Told().empty());
  auto other = Part(kPlugged);
  other.mutable_device()->set_descriptor_hash(std::string(64, '2'));
  Append("b", other, 20);
  auto gone = other;
  gone.set_kind(kRemoved);
  Append("b", gone, 30);
  Append("b", other, 40);
  const auto told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].kind, "device_cloned");
  EXPECT_EQ(told[0].severity, "high");
  EXPECT_EQ(told[0].terminal, "desk-b");
  EXPECT_THAT(told[0].title, HasSubstr("other descriptors than before on "
                                       "desk-a"));
}

TEST_F(ClonesTest, AnotherSizeIsTold) {
  auto medium = Part(kMounted);
  medium.mutable_device()->set_medium_size_bytes(32'000'000'000);
  Append("a", medium, 0);
  Append("a", Part(kPlugged), 5);  // its size is not known yet
  medium.mutable_device()->set_medium_size_bytes(64'000'000'000);
  Append("a", medium, 10);
  const auto told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0].title, HasSubstr("holds 64000000000 bytes"));
}

TEST_F(ClonesTest, TwoAtOnceAreTold) {
  Append("a", Part(kPlugged), 0);
  EXPECT_TRUE(Told().empty());
  Heartbeat("a", 100);
  Append("b", Part(kPlugged), 120);
  const auto told = Told();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_THAT(told[0].title, HasSubstr("while it is in desk-a too"));
}

TEST_F(ClonesTest, OneThatIsCarriedAroundIsNone) {
  Append("a", Part(kPlugged), 0);
  Append("a", Part(kRemoved), 10);
  Heartbeat("a", 15);
  Append("b", Part(kPlugged), 20);
  EXPECT_TRUE(Told().empty());
  // Told late, in the same batch.
  Heartbeat("b", 30);
  Append("a", Part(kPlugged), 31);
  Append("b", Part(kRemoved), 32);
  EXPECT_TRUE(Told().empty());
}

TEST_F(ClonesTest, ATerminalThatIsAwayHasPerhapsNotToldThatItWent) {
  Append("a", Part(kPlugged), 0);
  Heartbeat("a", 1);
  Append("b", Part(kPlugged), 3600);
  EXPECT_TRUE(Told().empty());
}

TEST_F(ClonesTest, ATerminalThatIsBackWasAwayAllTheSame) {
  Append("a", Part(kPlugged), 0);
  Heartbeat("a", 1);
  EXPECT_TRUE(Told().empty());
  Append("b", Part(kPlugged), 3600);
  // The index is behind: this was heard long after.
  Heartbeat("a", 4000);
  Append("b", Part(kMounted), 4001);  // behind the heartbeat
  EXPECT_TRUE(Told().empty());
}

// It went while its terminal was off: nobody saw that, and nothing tells it.
TEST_F(ClonesTest, OneThatWasTakenOutWhileItsTerminalWasOffIsNone) {
  const auto of_boot = [](EventKind kind, const char* boot) {
    auto part = Part(kind);
    if (kind == event::v1::EVENT_KIND_AGENT_STARTED) part.clear_device();
    part.set_boot_id(boot);
    return part;
  };
  Append("a", of_boot(kPlugged, "evening"), 0);
  Append("a", of_boot(event::v1::EVENT_KIND_AGENT_STARTED, "morning"), 100);
  Heartbeat("a", 110);
  Append("b", Part(kPlugged), 120);
  EXPECT_TRUE(Told().empty());
  // One that is in it after its start is told again.
  Append("b", Part(kRemoved), 130);
  Append("a", of_boot(kPlugged, "morning"), 140);
  Heartbeat("a", 150);
  Append("b", Part(kPlugged), 160);
  EXPECT_EQ(Told().size(), 1U);
}

TEST_F(ClonesTest, AWeakSerialTellsNothing) {
  for (const char* agent : {"a", "b"}) {
    auto part = Part(kPlugged);
    part.mutable_device()->set_serial("0123456789ABCDEF");
    part.mutable_device()->set_descriptor_hash(std::string(64, *agent));
    Heartbeat("a", 0);
    Append(agent, part, 10);
  }
  EXPECT_TRUE(Told().empty());
}

TEST_F(ClonesTest, AnAgentThatStartsAnewIsNone) {
  Append("a", Part(kPlugged), 0);
  Heartbeat("a", 1);
  Append("a", Part(kPlugged), 2);
  EXPECT_TRUE(Told().empty());
}

}  // namespace
}  // namespace sekisho::core
