#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "common/bytes.h"
#include "server/store/sqlite.h"
#include "server/store/sqlite_schema.h"
#include "server/store/store.h"

namespace sekisho::store {
namespace {

class SchemaTest : public ::testing::Test {
 protected:
  void SetUp() override {
    char dir[] = "/tmp/sekisho-schema-XXXXXX";
    ASSERT_NE(mkdtemp(dir), nullptr);
    dir_ = dir;
    path_ = dir_ + "/test.db";
  }
  void TearDown() override { std::filesystem::remove_all(dir_); }

  std::string dir_, path_;
};

TEST_F(SchemaTest, MigratesFromEveryEarlierSchema) {
  for (int from = 0; from <= static_cast<int>(Migrations().size()); ++from) {
    std::filesystem::remove(path_);
    {
      auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
      ASSERT_TRUE(writer);
      ASSERT_TRUE(Migrate(**writer, from));
    }
    EXPECT_TRUE(OpenSqlite({path_, {}})) << "from schema " << from;
  }
}

// What was indexed by schema 1 is known again by its id.
TEST_F(SchemaTest, FillsEventIdsOfOldRows) {
  {
    auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE(writer && Migrate(**writer, 1));
    event::v1::PublicPart part;
    part.set_event_id("0123456789abcdef");
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO agents (agent_no, agent_id, terminal, hostname, "
        "machine_id, agent_version, chain_key, enrol_time) "
        "VALUES (1,'a','t','h','m','v',x'00',1)"));
    ASSERT_TRUE(
        (*writer)->Run("INSERT INTO events VALUES "
                       "(1,1,1,1,1,?,x'',x'',x'',x'',zeroblob(32),x'')",
                       Blob{part.SerializeAsString()}));
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO event_index VALUES (1,1,1,1,6,1,'','',1)"));
  }
  const auto store = OpenSqlite({path_, {}});
  ASSERT_TRUE(store) << store.error().message;
  const auto found =
      (*store)->IndexedIds("a", {"0123456789abcdef", "fedcba9876543210"});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, std::set<std::string>{"0123456789abcdef"});
}

// What was indexed before is found by its file, content and owner.
TEST_F(SchemaTest, FillsFilesOfOldRows) {
  {
    auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE(writer && Migrate(**writer, 1));
    event::v1::PublicPart open;
    open.set_event_id("0123456789abcdef");
    open.set_file_hash(std::string(32, '\x11'));
    open.set_data_owner("shop");
    event::v1::PersonalPart personal;
    personal.set_file_path("/E/LIST.csv");
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO agents (agent_no, agent_id, terminal, hostname, "
        "machine_id, agent_version, chain_key, enrol_time) "
        "VALUES (1,'a','t','h','m','v',x'00',1)"));
    ASSERT_TRUE((*writer)->Run(
        "INSERT INTO events VALUES "
        "(1,1,1,1,1,?,?,x'00',x'',x'',zeroblob(32),x'')",
        Blob{open.SerializeAsString()}, Blob{personal.SerializeAsString()}));
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO event_index VALUES (1,1,1,1,6,1,'','',1)"));
  }
  const auto store = OpenSqlite({path_, {}});
  ASSERT_TRUE(store) << store.error().message;
  const auto found = [&](const EventFilter& filter) {
    return (*store)->ListEvents(filter, {})->rows.size();
  };
  EventFilter filter;
  filter.file = "list.*";
  EXPECT_EQ(found(filter), 1U);
  filter.file_hash = ToHex(AsBytes(std::string(32, '\x11')));
  EXPECT_EQ(found(filter), 1U);
  filter.data_owner = "shop";
  EXPECT_EQ(found(filter), 1U);
  filter.data_owner = "city";
  EXPECT_EQ(found(filter), 0U);
}

// What was indexed by schema 2 is counted as if it came today.
TEST_F(SchemaTest, FillsCountsOfOldRows) {
  {
    auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE(writer && Migrate(**writer, 2));
    event::v1::PublicPart part;
    part.set_person_count(7);
    part.set_persons_written_count(5);
    part.set_observe_only(true);
    part.set_rule("many\n");
    event::v1::Device device;
    device.set_manufacturer("Maker");
    device.set_product("Stick");
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO agents (agent_no, agent_id, terminal, hostname, "
        "machine_id, agent_version, chain_key, enrol_time) "
        "VALUES (1,'a','t','h','m','v',x'00',1)"));
    ASSERT_TRUE((*writer)->Run(
        "INSERT INTO events VALUES (1,1,1,1,1,?,x'',x'',x'',x'',?,x'')",
        Blob{part.SerializeAsString()}, Blob{std::string(32, 'h')}));
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO event_index VALUES (1,1,1,1,6,3,'p','d',1,x'',0);"
        "INSERT INTO alerts (alert_key, kind, severity, state, title, agent_id,"
        " terminal, person, device_id, create_time, update_time, event_row_id)"
        " VALUES ('k','k','low',1,'t','a','t','p','d',1,1,1)"));
    ASSERT_TRUE(
        (*writer)->Run("INSERT INTO devices VALUES ('d',?,1,1,'t','p','',1,0)",
                       Blob{device.SerializeAsString()}));
  }
  const auto store = OpenSqlite({path_, {}});
  ASSERT_TRUE(store) << store.error().message;
  const auto days =
      (*store)->CountDays({WallTime(), WallTime(std::chrono::seconds(1))}, {});
  ASSERT_TRUE(days) << days.error().message;
  EXPECT_EQ((*days)[0].counts.persons, 7);
  EXPECT_EQ((*days)[0].counts.persons_written, 5);
  EXPECT_EQ((*days)[0].counts.observed, 1);
  EXPECT_EQ((*days)[0].counts.blocked, 0);
  EXPECT_EQ((*store)->ListAlerts({}, {})->rows[0].rule, "many\\n");
  EXPECT_EQ((*store)->ListDevices({}, {}, WallTime())->rows[0].name,
            "Maker Stick");
}

// Users of schema 19 go on seeing everything; its register's groups are known.
TEST_F(SchemaTest, FillsTerminalGroupsOfOldRegister) {
  {
    auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE(writer && Migrate(**writer, 19));
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO terminal_register VALUES "
        "('a','','tokyo; osaka','','',NULL,NULL,NULL),"
        "('b','','','','',NULL,NULL,NULL),"
        "('c','','osaka','','',NULL,NULL,5);"
        "INSERT INTO users (name, roles, password_hash, create_time) VALUES "
        "('mori','analyst','',1);"
        "INSERT INTO api_tokens (hash, name, user, roles, created_by, "
        "create_time, expire_time, revoked_by) VALUES "
        "(zeroblob(32),'n','mori','analyst','mori',1,2,'')"));
  }
  const auto store = OpenSqlite({path_, {}});
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(*(*store)->TerminalGroups(),
            (std::vector<std::string>{"osaka", "tokyo"}));
  EXPECT_TRUE(*(*store)->Sees(Scope({"tokyo"}), "a"));
  EXPECT_FALSE(*(*store)->Sees(Scope({"tokyo"}), "b"));
  EXPECT_TRUE(*(*store)->Sees(Scope({"osaka"}), "c"));
  const auto user = (*store)->FindUser("mori");
  ASSERT_TRUE(user && *user);
  EXPECT_TRUE((*user)->scope.IsWholeFleet());
  EXPECT_EQ((*user)->person_id, "");
  EXPECT_TRUE((*store)->FindApiToken({}).value()->scope.IsWholeFleet());
}

// What was copied before the list of contents was kept may still be there.
TEST_F(SchemaTest, FillsContentsOfOldRows) {
  {
    auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE(writer && Migrate(**writer, 13));
    event::v1::PublicPart part;
    part.set_kind(event::v1::EVENT_KIND_TRANSFER);
    part.set_outcome(event::v1::OUTCOME_ALLOWED);
    part.set_inspected_bytes(10);
    part.mutable_device()->set_volume_uuid("ABCD-1234");
    event::v1::PersonalPart personal;
    personal.set_file_path("a.csv");
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO agents (agent_no, agent_id, terminal, hostname, "
        "machine_id, agent_version, chain_key, enrol_time) "
        "VALUES (1,'a','t','h','m','v',x'00',1)"));
    for (const int row : {1, 2, 3}) {
      part.set_outcome(row == 3 ? event::v1::OUTCOME_BLOCKED
                                : event::v1::OUTCOME_ALLOWED);
      ASSERT_TRUE((*writer)->Run(
          "INSERT INTO events VALUES (?1,1,1,?1,1,?2,?3,x'',x'',x'',?4,x'')",
          row, Blob{part.SerializeAsString()},
          Blob{personal.SerializeAsString()}, Blob{std::string(32, 'h')}));
      ASSERT_TRUE((*writer)->Run(
          "INSERT INTO event_index (row_id, agent_no, epoch, sequence, kind, "
          "outcome, person, device_id, receive_time, event_id, repeats) "
          "VALUES (?1,1,1,?1,6,1,'p','d',1,x'',?2)",
          row, row == 2));
    }
  }
  const auto store = OpenSqlite({path_, {}});
  ASSERT_TRUE(store) << store.error().message;
  const auto media = (*store)->ReadMedia("d");
  ASSERT_TRUE(media) << media.error().message;
  ASSERT_EQ(media->size(), 1U);
  EXPECT_EQ((*media)[0].key.volume, "ABCD-1234");
  ASSERT_EQ((*media)[0].copies.size(), 1U) << "no repeat, no refused one";
  EXPECT_EQ((*media)[0].copies[0].path, "a.csv");
}

// Nobody loses by the upgrade what he could do; what was no role stays nothing.
TEST_F(SchemaTest, OldRolesBecomeSetsOfRoles) {
  {
    auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE(writer && Migrate(**writer, 8));
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO users VALUES ('suzuki','admin','h',1);"
        "INSERT INTO users VALUES ('tanaka','analyst','h',2);"
        "INSERT INTO users VALUES ('mori','king','h',3);"
        "INSERT INTO sessions VALUES (zeroblob(32),'c','tanaka',1,1,9,0)"));
  }
  const auto store = OpenSqlite({path_, {}});
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ((*(*store)->FindUser("suzuki"))->roles, Roles::All());
  EXPECT_EQ((*(*store)->FindUser("tanaka"))->roles,
            (Roles{Role::kViewer, Role::kAnalyst}));
  EXPECT_EQ((*(*store)->FindUser("mori"))->roles, Roles());
  EXPECT_EQ((*store)->ListUsers()->size(), 3U);
  const auto session = (*store)->FindSession({}, WallTime(), WallTime());
  ASSERT_TRUE(session);
  EXPECT_EQ(session->roles, (Roles{Role::kViewer, Role::kAnalyst}));
}

// The overview of a year's events may not read the events: it is answered from
// the covering indexes alone.
TEST_F(SchemaTest, CountsFromCoveringIndexes) {
  auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
  ASSERT_TRUE(writer && Migrate(**writer));
  auto plan = (*writer)->Query(
      "EXPLAIN QUERY PLAN SELECT device_id, count(*), sum(persons), "
      "sum(persons_written), sum(outcome), sum(observe_only), "
      "count(DISTINCT person), max(agent_no) FROM event_index "
      "INDEXED BY event_index_transfers "
      "WHERE kind=6 AND repeats=0 AND receive_time>=1 AND receive_time<2 "
      "GROUP BY 1");
  ASSERT_TRUE(plan);
  ASSERT_TRUE(*plan->Step());
  EXPECT_NE(plan->Text(3).find("USING COVERING INDEX event_index_transfers"),
            std::string::npos)
      << plan->Text(3);
}

// A store that version 0.1.0 wrote before there was a log.
void WriteStoreOfBefore(const std::string& path) {
  std::ifstream file(SEKISHO_TEST_DATA "/server/schema_2.sql");
  std::stringstream text;
  text << file.rdbuf();
  auto writer = SqliteConnection::Open(path, Connection::Kind::kWriter);
  ASSERT_TRUE(writer);
  const Status done = (*writer)->Script(text.str());
  ASSERT_TRUE(done) << done.error().message;
}

TEST_F(SchemaTest, EventsOfBeforeThereWasALogAreItsFirstLeaves) {
  WriteStoreOfBefore(path_);
  const auto store = OpenSqlite({path_, {}});
  ASSERT_TRUE(store) << store.error().message;
  merkle::Growing tree;
  const auto logged = (*store)->ReadLog(0, 100);
  ASSERT_TRUE(logged);
  for (const LoggedEvent& event : *logged) {
    tree.Append(merkle::LeafHash(AsBytes(event.record.hash())));
  }
  EXPECT_EQ(tree.size(), 8);
  EXPECT_EQ(*(*store)->LogHead(), tree.head());
  const auto agents = (*store)->AllAgents();
  ASSERT_TRUE(agents);
  ASSERT_EQ(agents->size(), 2U);
  // Its certificates are still good.
  EXPECT_TRUE((*agents)[0].certificate_not_after);
  int64_t records = 0;
  for (const Agent& agent : *agents) {
    ASSERT_TRUE((*store)->ReadChain(
        agent.agent_id, [&](const auto& record, int64_t leaf) -> Status {
          ++records;
          EXPECT_EQ(record.hash(),
                    (*logged)[static_cast<size_t>(leaf)].record.hash());
          return {};
        }));
  }
  EXPECT_EQ(records, 8);
}

TEST_F(SchemaTest, AStoreFromWhichEventsWereTakenIsNotTakenOver) {
  WriteStoreOfBefore(path_);
  {
    auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE((*writer)->Script("DELETE FROM events WHERE row_id=4"));
  }
  const auto store = OpenSqlite({path_, {}});
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code, Code::kDataLoss);
}

TEST_F(SchemaTest, RefusesTheFileOfANewerProgram) {
  {
    auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE((*writer)->Script("PRAGMA user_version=999"));
  }
  const auto opened = OpenSqlite({path_, {}});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Code::kFailedPrecondition);
}

TEST_F(SchemaTest, FileIsForTheOwnerAlone) {
  ASSERT_TRUE(OpenSqlite({path_, {}}));
  struct stat entry{};
  ASSERT_EQ(stat(path_.c_str(), &entry), 0);
  EXPECT_EQ(entry.st_mode & 0777U, 0600U);
}

TEST_F(SchemaTest, AuditCannotBeChangedOrDeleted) {
  auto writer = SqliteConnection::Open(path_, Connection::Kind::kWriter);
  ASSERT_TRUE(writer && Migrate(**writer));
  ASSERT_TRUE((*writer)->Script(
      "INSERT INTO audit VALUES (1,1,'u','d','a','x','o','ok','')"));
  EXPECT_FALSE((*writer)->Script("UPDATE audit SET user='v'"));
  EXPECT_FALSE((*writer)->Script("DELETE FROM audit"));
}

}  // namespace
}  // namespace sekisho::store
