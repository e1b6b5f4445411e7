#include "server/core/indexer.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <future>
#include <set>

#include "tests/support/test_store.h"

namespace sekisho::core {
namespace {

// A chain that starts anew carries over what may have come before.
TEST(Indexer, ShowsACarriedOverEventOnce) {
  ASSERT_GE(sodium_init(), 0);
  char dir[] = "/tmp/sekisho-indexer-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  auto store = std::move(
      *sekisho::support::OpenTestStore(std::string(dir) + "/test.db"));
  const auto keys = event::NewChainKeyPair();
  for (const char* id : {"a", "b"}) {
    store::NewAgent agent;
    agent.agent_id = agent.terminal = id;
    agent.chain_key = keys.public_key;
    ASSERT_TRUE(store->AddAgent(agent));
  }
  const auto append = [&](const std::string& agent_id, event::Head head,
                          const std::vector<std::string>& ids) {
    std::vector<event::v1::EventRecord> records;
    for (const std::string& id : ids) {
      event::v1::PublicPart part;
      part.set_agent_id(agent_id);
      part.set_event_id(id);
      part.set_kind(event::v1::EVENT_KIND_TRANSFER);
      records.push_back(*event::Append(head, part, {}, keys.secret_key));
    }
    std::promise<bool> stored;
    store->Append({agent_id, records, WallTime()},
                  [&](const Result<event::Head>& result) {
                    stored.set_value(result.has_value());
                  });
    ASSERT_TRUE(stored.get_future().get());
  };
  Changes changes;
  Indexer indexer(*store, changes, [](const store::Event& event) {
    store::NewAlert alert;
    alert.key = std::to_string(event.row_id);
    return std::vector{alert};
  });
  append("a", {1, 0, {}}, {"one", "two", "three"});
  ASSERT_EQ(*indexer.RunOnce(), 3);
  append("a", {2, 0, {}}, {"gap", "two", "three", "four"});
  append("a", {3, 0, {}}, {"gap2", "four", "five"});
  // Another agent cannot hide an event by taking its id first.
  append("b", {2, 0, {}}, {"five", "six"});
  ASSERT_EQ(*indexer.RunOnce(), 9);
  EXPECT_EQ(store->ListAlerts({}, {})->rows.size(), 9U);
  store::EventFilter filter;
  filter.agent_id = "a";
  std::multiset<std::string> ids;
  const auto shown = store->ListEvents(filter, {});
  ASSERT_TRUE(shown);
  for (const auto& event : shown->rows) {
    ids.insert(event.public_part.event_id());
  }
  EXPECT_EQ(ids, (std::multiset<std::string>{"one", "two", "three", "four",
                                             "five", "gap", "gap2"}));
  store.reset();
  std::filesystem::remove_all(dir);
}

TEST(Indexer, BuildsIndexDevicesAndAlertsOnce) {
  ASSERT_GE(sodium_init(), 0);
  char dir[] = "/tmp/sekisho-indexer-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  auto store = std::move(
      *sekisho::support::OpenTestStore(std::string(dir) + "/test.db"));
  const auto keys = event::NewChainKeyPair();
  store::NewAgent agent;
  agent.agent_id = "agent";
  agent.terminal = "terminal-1";
  agent.chain_key = keys.public_key;
  ASSERT_TRUE(store->AddAgent(agent));

  event::Head head;
  std::vector<event::v1::EventRecord> records;
  for (int i = 0; i < 3; ++i) {
    event::v1::PublicPart part;
    part.set_agent_id("agent");
    part.set_kind(event::v1::EVENT_KIND_DEVICE_PLUGGED);
    part.set_access("block");
    part.mutable_device()->set_vendor_id("0951");
    part.mutable_device()->set_product_id("1666");
    event::v1::PersonalPart personal;
    // Two logged in as tanaka, one proved to be he.
    personal.set_person(i == 2 ? "maint" : "tanaka");
    if (i > 0) personal.set_stated_person(i == 2 ? "tanaka" : "sato");
    if (i == 2) personal.set_proven_by("totp");
    records.push_back(*event::Append(head, part, personal, keys.secret_key));
  }
  std::promise<void> stored;
  store->Append({"agent", records, WallTime()},
                [&](const Result<event::Head>&) { stored.set_value(); });
  stored.get_future().wait();

  Changes changes;
  int told = 0;
  const auto subscription = changes.Subscribe([&](const Change&) { ++told; });
  Indexer indexer(*store, changes, [](const store::Event& event) {
    store::NewAlert alert;
    alert.key = std::to_string(event.row_id);
    alert.alert.event_row_id = event.row_id;
    return std::vector{alert};
  });
  EXPECT_EQ(*indexer.RunOnce(), 3);
  EXPECT_EQ(*indexer.RunOnce(), 0);
  EXPECT_EQ(told, 9);  // event, device and alert of each

  store::EventFilter filter;
  filter.person = "tanaka";
  EXPECT_EQ(store->ListEvents(filter, {})->rows.size(), 3U);
  const auto devices = store->ListDevices({}, {}, WallTime());
  ASSERT_EQ(devices->rows.size(), 1U);
  EXPECT_EQ(devices->rows[0].device_id, "0951:1666:");
  EXPECT_EQ(devices->rows[0].event_count, 3);
  EXPECT_EQ(devices->rows[0].last_access, "block");
  EXPECT_TRUE(devices->rows[0].weak_identity);
  EXPECT_EQ(store->ListAlerts({}, {})->rows.size(), 3U);
  store.reset();
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace sekisho::core
