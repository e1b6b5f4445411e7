// What every test of the store stands on: an engine is a parameter, how to open
// it.
#pragma once

#include <gtest/gtest.h>
#include <sodium.h>

#include <filesystem>
#include <future>
#include <map>

#include "server/store/store.h"
#include "tests/support/test_postgres.h"

namespace sekisho::store {

struct TestedEngine {
  const char* name;
  std::function<Result<std::unique_ptr<Store>>(const std::string& dir)> open;
};

inline WallTime At(int64_t seconds) {
  return WallTime(std::chrono::seconds(1'700'000'000 + seconds));
}

class StoreTest : public ::testing::TestWithParam<TestedEngine> {
 protected:
  void SetUp() override {
    ASSERT_GE(sodium_init(), 0);
    char dir[] = "/tmp/sekisho-store-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    Open();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  void Open() {
    store_.reset();
    auto opened = GetParam().open(dir_);
    ASSERT_TRUE(opened) << opened.error().message;
    store_ = std::move(*opened);
  }

  std::string AddAgent(const std::string& terminal) {
    NewAgent agent;
    agent.agent_id = "agent-" + std::to_string(++agents_) + "-" + terminal;
    agent.terminal = terminal;
    agent.hostname = terminal;
    agent.chain_key = keys_.public_key;
    agent.enrol_time = At(agents_);
    EXPECT_TRUE(store_->AddAgent(agent));
    heads_[agent.agent_id] = {};
    return agent.agent_id;
  }
  std::vector<event::v1::EventRecord> Records(
      const std::string& agent_id, int count,
      const std::string& serial = "S1") {
    std::vector<event::v1::EventRecord> records;
    for (int i = 0; i < count; ++i) {
      event::v1::PublicPart part;
      part.set_agent_id(agent_id);
      part.set_kind(event::v1::EVENT_KIND_TRANSFER);
      part.mutable_device()->set_serial(serial);
      event::v1::PersonalPart personal;
      personal.set_person("operator");
      records.push_back(
          *event::Append(heads_[agent_id], part, personal, keys_.secret_key));
    }
    return records;
  }
  Result<event::Head> Append(const std::string& agent_id,
                             std::vector<event::v1::EventRecord> records) {
    std::promise<Result<event::Head>> promise;
    store_->Append({agent_id, std::move(records), At(100)},
                   [&](Result<event::Head> head) { promise.set_value(head); });
    return promise.get_future().get();
  }
  IndexedEvent Indexed(const LoggedEvent& logged, const std::string& person,
                       const std::string& device_id) {
    IndexedEvent event;
    event.row_id = logged.row_id;
    event.agent_id = logged.agent_id;
    event.epoch = logged.record.epoch();
    event.sequence = logged.record.sequence();
    event.kind = event::v1::EVENT_KIND_TRANSFER;
    event.outcome = event::v1::OUTCOME_BLOCKED;
    event.person = person;
    event.device_id = device_id;
    event.receive_time = logged.receive_time;
    event.file_name = "list.csv";
    return event;
  }
  void IndexAll(const std::string& person = "operator",
                const std::string& device_id = "::S1") {
    const auto mark = store_->IndexMark();
    ASSERT_TRUE(mark);
    const auto logged = store_->ReadLog(*mark, 1000);
    ASSERT_TRUE(logged);
    IndexBatch batch;
    batch.from_row = *mark;
    batch.to_row = logged->back().row_id;
    for (const LoggedEvent& row : *logged) {
      batch.events.push_back(Indexed(row, person, device_id));
    }
    ASSERT_TRUE(store_->WriteIndex(batch));
  }
  // The agent's chain starts anew; its opening GAP.
  event::v1::EventRecord Opening(const std::string& agent_id, int32_t epoch) {
    heads_[agent_id] = {epoch, 0, {}};
    event::v1::PublicPart part;
    part.set_agent_id(agent_id);
    part.set_kind(event::v1::EVENT_KIND_GAP);
    part.set_lost_count(1);
    part.set_closed_epoch(epoch - 1);
    return *event::Append(heads_[agent_id], part, {}, keys_.secret_key);
  }
  std::vector<int64_t> Chain(const std::string& agent_id) {
    std::vector<int64_t> sequences;
    const auto head = store_->ReadChain(
        agent_id,
        [&](const event::v1::EventRecord& record, int64_t leaf) -> Status {
          sequences.push_back(record.sequence());
          leaves_.push_back({leaf, merkle::LeafHash(AsBytes(record.hash()))});
          return {};
        });
    EXPECT_TRUE(head);
    return sequences;
  }
  NewAlert AlertWith(const std::string& key) {
    NewAlert alert;
    alert.key = key;
    alert.alert.kind = "tamper";
    alert.alert.severity = "high";
    alert.alert.title = "t";
    alert.alert.terminal = "a";
    alert.alert.create_time = At(1);
    return alert;
  }

  std::string dir_;
  std::vector<std::pair<int64_t, merkle::Hash>> leaves_;  // of Chain()
  std::unique_ptr<Store> store_;
  event::ChainKeyPair keys_ = event::NewChainKeyPair();
  std::map<std::string, event::Head> heads_;
  int agents_ = 0;
};

inline auto EveryEngine() {
  return ::testing::Values(
      TestedEngine{"Sqlite",
                   [](const std::string& dir) {
                     return OpenSqlite({dir + "/test.db", {}});
                   }},
      // A database for each folder.
      TestedEngine{"Postgres", [](const std::string& dir) {
                     static std::map<std::string, std::string> databases;
                     std::string& conninfo = databases[dir];
                     if (conninfo.empty()) {
                       conninfo =
                           sekisho::support::TestPostgres::Get().NewDatabase();
                     }
                     return OpenPostgres({conninfo, nullptr});
                   }});
}

inline std::string NameOf(
    const ::testing::TestParamInfo<TestedEngine>& engine) {
  return engine.param.name;
}

}  // namespace sekisho::store
