#include "server/core/indexer.h"

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <future>

namespace sekisho::core {
namespace {

TEST(Indexer, BuildsIndexDevicesAndAlertsOnce) {
  ASSERT_GE(sodium_init(), 0);
  char dir[] = "/tmp/sekisho-indexer-XXXXXX";
  ASSERT_NE(mkdtemp(dir), nullptr);
  auto store =
      std::move(*store::OpenSqlite({std::string(dir) + "/test.db", {}}));
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
    personal.set_person("tanaka");
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
