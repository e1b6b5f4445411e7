#include "server/operate/backup.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "common/clock.h"
#include "server/store/sqlite_backup.h"
#include "tests/unit/server_operate/state.h"

namespace sekisho::operate {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class BackupTest : public ::testing::Test {
 protected:
  Result<Manifest> Make(Keys keys = Keys::kIncluded) {
    return MakeBackup({state_.dir(), state_.path("server.yaml"),
                       state_.path("no-such-sinks.yaml")},
                      backup_, keys, clock_);
  }
  Result<Manifest> Restore() { return RestoreBackup(backup_, target_, clock_); }
  std::string Read(const std::string& path) const {
    return ReadFileAt(AT_FDCWD, path, size_t{1} << 24).value_or("none");
  }
  // Everything that could be restored in spite of the damage fails.
  void ExpectRefused(Code code, const std::string& why) {
    const auto verified = VerifyBackup(backup_);
    ASSERT_FALSE(verified);
    EXPECT_EQ(verified.error().code, code) << verified.error().message;
    EXPECT_THAT(verified.error().message, HasSubstr(why));
    const auto restored = Restore();
    ASSERT_FALSE(restored);
    EXPECT_EQ(restored.error().code, code) << restored.error().message;
    EXPECT_FALSE(fs::exists(target_)) << "something of it stayed";
  }
  void Overwrite(const std::string& path, size_t at) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file.write("\xa5\xa5", 2);
    ASSERT_TRUE(file.flush());
  }

  State state_;
  SystemClock clock_;
  const std::string backup_ = state_.path("backup");
  const std::string target_ = state_.path("target");
};

TEST_F(BackupTest, HoldsWhatThereWasAtOneMoment) {
  state_.Append(300);
  const auto made = Make();
  ASSERT_TRUE(made) << made.error().message;
  state_.Append(7);  // the server goes on
  EXPECT_EQ(made->log.size, 300);
  EXPECT_EQ(made->log, state_.store().LogHeadAt(300).value());
  EXPECT_EQ(made->schema, store::NewestSchema());
  const auto verified = VerifyBackup(backup_);
  ASSERT_TRUE(verified) << verified.error().message;
  EXPECT_EQ(verified->log, made->log);
  EXPECT_EQ(Read(backup_ + "/state/ca/ca.key"), "ca/ca.key");
  EXPECT_EQ(Read(backup_ + "/config/server.yaml"), "state: /x\n");
  EXPECT_FALSE(fs::exists(backup_ + "/config/sinks.yaml"));
  EXPECT_FALSE(fs::exists(backup_ + "/state/server/sekisho.db-wal"));
  struct stat entry{};
  ASSERT_EQ(stat((backup_ + "/state/ca/ca.key").c_str(), &entry), 0);
  EXPECT_EQ(entry.st_mode & 0777, 0600U);
  ASSERT_EQ(stat((backup_ + "/state/server/sekisho.db").c_str(), &entry), 0);
  EXPECT_EQ(entry.st_mode & 0777, 0600U);
  // Who made it is in the log of the server that goes on.
  const auto audit = state_.store().ListAudit({}, {1, ""});
  ASSERT_EQ(audit->rows.size(), 1U);
  EXPECT_EQ(audit->rows[0].action, "server.backup");
  EXPECT_THAT(audit->rows[0].detail, HasSubstr("300 events"));
}

TEST_F(BackupTest, WithoutKeysNeedsNothingOfTheCa) {
  fs::remove_all(state_.dir() + "/ca");
  const auto made = Make(Keys::kLeftOut);
  ASSERT_TRUE(made) << made.error().message;
  for (const BackupFile& file : made->files) {
    EXPECT_FALSE(file.path.ends_with(".key")) << file.path;
  }
  ASSERT_TRUE(Restore());
  EXPECT_EQ(MissingKeys(target_).size(), 5U);
}

TEST_F(BackupTest, WithKeysAMissingKeyIsSaid) {
  fs::remove(state_.dir() + "/server/signing.key");
  const auto made = Make();
  ASSERT_FALSE(made);
  EXPECT_THAT(made.error().message, HasSubstr("signing.key is missing"));
  // What was begun is no backup.
  const auto verified = VerifyBackup(backup_);
  ASSERT_FALSE(verified);
  EXPECT_THAT(verified.error().message, HasSubstr("no manifest.json"));
}

TEST_F(BackupTest, IsMadeOnlyWhereNothingIs) {
  fs::create_directory(backup_);
  ASSERT_TRUE(ReplaceFile(backup_ + "/x", "", 0600));
  const auto made = Make();
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kAlreadyExists);
}

TEST_F(BackupTest, RestoresAndSaysSo) {
  state_.Append(40);
  const auto made = Make();
  ASSERT_TRUE(made) << made.error().message;
  fs::create_directory(target_);  // empty is fine
  const auto restored = Restore();
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_THAT(MissingKeys(target_), IsEmpty());
  EXPECT_EQ(Read(target_ + "/server/log.key"), "server/log.key");
  auto store = store::OpenSqlite({target_ + "/server/sekisho.db", {}});
  ASSERT_TRUE(store) << store.error().message;
  EXPECT_EQ(*(*store)->LogHead(), made->log);
  EXPECT_EQ((*store)->HeadOf("a")->sequence, 40);
  const auto alerts = (*store)->ListAlerts({}, {});
  ASSERT_EQ(alerts->rows.size(), 1U);
  EXPECT_EQ(alerts->rows[0].kind, "log_restored");
  EXPECT_EQ(alerts->rows[0].severity, "critical");
  EXPECT_THAT(alerts->rows[0].title, HasSubstr("with 40 events"));
  EXPECT_EQ((*store)->ListAudit({}, {1, ""})->rows[0].action, "server.restore");
}

TEST_F(BackupTest, RestoresOnlyWhereNothingIs) {
  ASSERT_TRUE(Make());
  fs::create_directory(target_);
  ASSERT_TRUE(ReplaceFile(target_ + "/mine", "mine", 0600));
  const auto restored = Restore();
  ASSERT_FALSE(restored);
  EXPECT_EQ(restored.error().code, Code::kAlreadyExists);
  EXPECT_THAT(restored.error().message, HasSubstr("is not empty"));
  EXPECT_EQ(Read(target_ + "/mine"), "mine");
}

TEST_F(BackupTest, EachDamageIsFound) {
  state_.Append(40);
  const struct {
    const char* file;
    std::function<void(const std::string&)> damage;
    const char* why;
  } cases[] = {
      {"/state/server/log.key",
       [this](const std::string& path) { Overwrite(path, 3); },
       "log.key is damaged: its content was changed"},
      {"/state/server/sekisho.db",
       [this](const std::string& path) { Overwrite(path, 9000); },
       "sekisho.db is damaged: its content was changed"},
      {"/state/server/sekisho.db",
       [](const std::string& path) { fs::resize_file(path, 8192); },
       "sekisho.db is damaged: it has 8192 bytes"},
      {"/state/ca/ca.key", [](const std::string& path) { fs::remove(path); },
       "ca.key is missing"},
      {"/state/server/extra.key",
       [](const std::string& path) { std::ofstream(path) << "x"; },
       "extra.key is not of this backup"},
  };
  for (const auto& one : cases) {
    fs::remove_all(backup_);
    ASSERT_TRUE(Make());
    one.damage(backup_ + one.file);
    ExpectRefused(Code::kDataLoss, one.why);
  }
}

// Hashes that fit do not make a log of it.
TEST_F(BackupTest, ADatabaseThatWasChangedWithItsManifestIsFound) {
  state_.Append(40);
  auto manifest = Make();
  ASSERT_TRUE(manifest) << manifest.error().message;
  manifest->log.root[0] ^= std::byte{1};
  ASSERT_TRUE(
      ReplaceFile(backup_ + "/manifest.json", PrintManifest(*manifest), 0600));
  ExpectRefused(Code::kDataLoss, "another than the manifest says");
}

TEST_F(BackupTest, OneOfANewerProgramIsRefused) {
  auto manifest = Make();
  ASSERT_TRUE(manifest) << manifest.error().message;
  manifest->schema = store::NewestSchema() + 1;
  manifest->program = "9.9";
  ASSERT_TRUE(
      ReplaceFile(backup_ + "/manifest.json", PrintManifest(*manifest), 0600));
  ExpectRefused(Code::kFailedPrecondition, "of a newer program (9.9");
}

TEST(Manifest, IsReadAsItWasPrinted) {
  Manifest manifest;
  manifest.time = *ParseUtc("2026-11-27T10:00:00Z");
  manifest.program = "0.1.0";
  manifest.schema = 8;
  manifest.log.size = 12;
  manifest.keys = Keys::kIncluded;
  manifest.files = {{"state/server/x", 3, std::string(64, 'a')}};
  const auto read = ParseManifest(PrintManifest(manifest));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(PrintManifest(*read), PrintManifest(manifest));
}

TEST(Manifest, LeadsNowhereElse) {
  Manifest manifest;
  manifest.time = *ParseUtc("2026-11-27T10:00:00Z");
  for (const char* path : {"/etc/passwd", "../x", "state/../../x", "", "a//b",
                           "./a", "a/", "state/server/.."}) {
    manifest.files = {{path, 0, std::string(64, 'a')}};
    EXPECT_FALSE(ParseManifest(PrintManifest(manifest))) << path;
  }
  for (const char* text : {"", "[]", "{}", "{\"format\":\"1\"}",
                           "{\"format\":2}", "{\"format\":1,\"time\":5}",
                           "{\"format\":1,\"time\":\"2026-11-27T10:00:00Z\","
                           "\"log\":7}"}) {
    EXPECT_FALSE(ParseManifest(text)) << text;
  }
}

}  // namespace
}  // namespace sekisho::operate
