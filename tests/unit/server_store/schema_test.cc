#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>

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
      auto writer = Connection::Open(path_, Connection::Kind::kWriter);
      ASSERT_TRUE(writer);
      ASSERT_TRUE(Migrate(**writer, from));
    }
    EXPECT_TRUE(OpenSqlite({path_, {}})) << "from schema " << from;
  }
}

// What was indexed by schema 1 is known again by its id.
TEST_F(SchemaTest, FillsEventIdsOfOldRows) {
  {
    auto writer = Connection::Open(path_, Connection::Kind::kWriter);
    ASSERT_TRUE(writer && Migrate(**writer, 1));
    event::v1::PublicPart part;
    part.set_event_id("0123456789abcdef");
    ASSERT_TRUE((*writer)->Script(
        "INSERT INTO agents (agent_no, agent_id, terminal, hostname, "
        "machine_id, agent_version, chain_key, enrol_time) "
        "VALUES (1,'a','t','h','m','v',x'00',1)"));
    ASSERT_TRUE((*writer)->Run(
        "INSERT INTO events VALUES (1,1,1,1,1,?,x'',x'',x'',x'',x'',x'')",
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

TEST_F(SchemaTest, RefusesTheFileOfANewerProgram) {
  {
    auto writer = Connection::Open(path_, Connection::Kind::kWriter);
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
  auto writer = Connection::Open(path_, Connection::Kind::kWriter);
  ASSERT_TRUE(writer && Migrate(**writer));
  ASSERT_TRUE((*writer)->Script(
      "INSERT INTO audit VALUES (1,1,'u','d','a','x','o','ok','')"));
  EXPECT_FALSE((*writer)->Script("UPDATE audit SET user='v'"));
  EXPECT_FALSE((*writer)->Script("DELETE FROM audit"));
}

}  // namespace
}  // namespace sekisho::store
