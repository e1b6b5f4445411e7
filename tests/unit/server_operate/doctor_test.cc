#include "server/operate/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <fstream>

#include "server/operate/metrics_listener.h"
#include "server/operate/state_lock.h"
#include "tests/unit/server_operate/state.h"

namespace sekisho::operate {
namespace {

using ::testing::HasSubstr;

const WallTime kNow = *ParseUtc("2026-11-27T10:00:00Z");

const Finding& Named(const std::vector<Finding>& findings,
                     const std::string& what) {
  static const Finding kNone{"none", Verdict::kSkipped, "", ""};
  for (const Finding& one : findings) {
    if (one.what == what) return one;
  }
  return kNone;
}

Verdict Worst(const std::vector<Finding>& findings) {
  Verdict worst = Verdict::kOk;
  for (const Finding& one : findings) {
    if (one.verdict == Verdict::kBad) worst = Verdict::kBad;
  }
  return worst;
}

void Sql(const State& state, const char* text) {
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(state.database().c_str(), &db), SQLITE_OK);
  char* error = nullptr;
  EXPECT_EQ(sqlite3_exec(db, text, nullptr, nullptr, &error), SQLITE_OK)
      << error;
  sqlite3_close(db);
}

store::AuditEntry Entry(const std::string& action) {
  store::AuditEntry entry;
  entry.time = kNow;
  entry.action = action;
  entry.result = "ok";
  return entry;
}

TEST(Doctor, ReadsTheClock) {
  EXPECT_EQ(CheckClock(kNow, kNow - std::chrono::days(9), kNow).verdict,
            Verdict::kOk);
  EXPECT_EQ(CheckClock(kNow, kNow + std::chrono::days(9), {}).verdict,
            Verdict::kBad);
  EXPECT_EQ(CheckClock(kNow, kNow, kNow + std::chrono::hours(1)).verdict,
            Verdict::kBad);
}

TEST(Doctor, MeasuresTheDisk) {
  constexpr int64_t kGib = int64_t{1} << 30;
  EXPECT_EQ(CheckDisk("/x", 100 * kGib, kGib).verdict, Verdict::kOk);
  EXPECT_EQ(CheckDisk("/x", 4 * kGib, kGib).verdict, Verdict::kWarning);
  EXPECT_EQ(CheckDisk("/x", 9 * kGib, 100 * kGib).verdict, Verdict::kWarning);
  EXPECT_EQ(CheckDisk("/x", kGib - 1, 0).verdict, Verdict::kBad);
}

TEST(Doctor, LooksAtFilesAndTheirOwners) {
  State state;
  DoctorOptions options;
  options.state_dir = state.dir();
  EXPECT_EQ(Worst(CheckFiles(options)), Verdict::kOk);
  options.server_user = "nobody";
  EXPECT_THAT(Named(CheckFiles(options), "state").found,
              HasSubstr("not to nobody"));
  options.server_user = "";
  chmod((state.dir() + "/server").c_str(), 0755);
  EXPECT_THAT(Named(CheckFiles(options), "state").to_do,
              HasSubstr("chmod go= "));
  chmod((state.dir() + "/server").c_str(), 0700);
  std::filesystem::remove(state.dir() + "/ca/ca.key");
  const auto findings = CheckFiles(options);
  EXPECT_EQ(Worst(findings), Verdict::kBad);
  EXPECT_THAT(PrintFindings(findings), HasSubstr("ca/ca.key is missing"));
}

TEST(Doctor, LooksIntoTheDatabaseBesideAServer) {
  State state;
  state.Append(10);
  ASSERT_TRUE(state.store().AddAudit(Entry("a")));
  const auto well = CheckStore(state.dir(), kNow);
  EXPECT_EQ(Worst(well), Verdict::kOk);
  EXPECT_EQ(Named(well, "database").found, "10 events");
  EXPECT_EQ(Named(well, "audit log").found, "1 entries, none missing");
  EXPECT_EQ(Named(well, "backup").verdict, Verdict::kWarning);
  ASSERT_TRUE(state.store().AddAudit(Entry("server.backup")));
  EXPECT_EQ(Named(CheckStore(state.dir(), kNow), "backup").verdict,
            Verdict::kOk);
  EXPECT_EQ(
      Named(CheckStore(state.dir(), kNow + std::chrono::days(8)), "backup")
          .verdict,
      Verdict::kWarning);
}

TEST(Doctor, SaysWhatRetentionTakesNext) {
  State state;
  state.Append(3);
  store::IndexBatch batch;
  batch.to_row = 3;
  for (int64_t row = 1; row <= 3; ++row) {
    store::IndexedEvent event;
    event.row_id = row;
    event.agent_id = "a";
    event.sequence = row;
    event.kind = event::v1::EVENT_KIND_LANDING;
    event.receive_time = kNow - std::chrono::days(row * 300);
    batch.events.push_back(event);
  }
  ASSERT_TRUE(state.store().WriteIndex(batch));
  DoctorOptions options;
  options.state_dir = state.dir();
  options.retention.keep[core::DataClass::kTransfers] = std::nullopt;
  const Finding found = CheckRetention(options, kNow);
  EXPECT_EQ(found.verdict, Verdict::kOk) << found.found;
  EXPECT_THAT(found.found,
              HasSubstr("landings before 2025-11-26: 2 to erase, 0 under"));
  EXPECT_THAT(found.found, HasSubstr("transfers kept for ever"));
  Sql(state, "PRAGMA user_version=1");
  EXPECT_EQ(CheckRetention(options, kNow).verdict, Verdict::kSkipped);
}

TEST(Doctor, FindsATouchedAuditLog) {
  State state;
  for (const char* action : {"a", "b", "c"}) {
    ASSERT_TRUE(state.store().AddAudit(Entry(action)));
  }
  Sql(state, "DROP TRIGGER audit_stays");
  EXPECT_EQ(Named(CheckStore(state.dir(), kNow), "audit log").verdict,
            Verdict::kBad);
  Sql(state, "DELETE FROM audit WHERE row_id=3");
  EXPECT_THAT(Named(CheckStore(state.dir(), kNow), "audit log").found,
              HasSubstr("2 entries, and 1 are missing"));
}

TEST(Doctor, FindsADamagedDatabaseAndOneOfANewerProgram) {
  State state;
  state.Append(400);
  state.Close();
  Sql(state, "PRAGMA user_version=999");
  EXPECT_EQ(Named(CheckStore(state.dir(), kNow), "schema").verdict,
            Verdict::kBad);
  {
    std::fstream file(state.database(),
                      std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(4096 * 3);
    file << std::string(4096 * 20, '\xa5');
  }
  Sql(state, "PRAGMA user_version=1");
  EXPECT_EQ(Worst(CheckStore(state.dir(), kNow)), Verdict::kBad);
  std::filesystem::remove(state.database());
  EXPECT_EQ(Worst(CheckStore(state.dir(), kNow)), Verdict::kBad);
}

TEST(Doctor, KnowsWhoseAPortIs) {
  const auto listener = MetricsListener::Start(
      "127.0.0.1:0", [](std::string_view) { return HttpAnswer(); });
  ASSERT_TRUE(listener);
  const std::string taken = "127.0.0.1:" + std::to_string((*listener)->port());
  EXPECT_EQ(CheckPort("x", taken, true).verdict, Verdict::kOk);
  EXPECT_EQ(CheckPort("x", taken, false).verdict, Verdict::kBad);
  EXPECT_EQ(CheckPort("x", "127.0.0.1:0", true).verdict, Verdict::kOk);
  EXPECT_EQ(CheckPort("x", "somewhere:1", true).verdict, Verdict::kWarning);
}

TEST(StateLock, IsOneServers) {
  State state;
  EXPECT_FALSE(IsLocked(state.dir()));
  {
    const auto held = StateLock::Take(state.dir());
    ASSERT_TRUE(held) << held.error().message;
    EXPECT_TRUE(IsLocked(state.dir()));
    const auto second = StateLock::Take(state.dir());
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Code::kAlreadyExists);
    EXPECT_THAT(second.error().message,
                HasSubstr("process " + std::to_string(getpid())));
  }
  EXPECT_TRUE(StateLock::Take(state.dir()));
}

TEST(Doctor, SaysItToPeopleAndPrograms) {
  const std::vector<Finding> findings = {
      {"a", Verdict::kOk, "fine", ""},
      {"b", Verdict::kBad, "say \"x\"\n", "do y"}};
  EXPECT_EQ(PrintFindings(findings),
            "ok       a: fine\nbad      b: say \"x\"\\n\n         -> do y\n");
  EXPECT_EQ(FindingsJson(findings),
            "{\"ok\":false,\"checks\":[{\"what\":\"a\",\"verdict\":\"ok\","
            "\"found\":\"fine\",\"to_do\":\"\"},{\"what\":\"b\",\"verdict\":"
            "\"bad\",\"found\":\"say \\\"x\\\"\\n\",\"to_do\":\"do y\"}]}\n");
  EXPECT_EQ(ExitCode(findings), 1);
  EXPECT_EQ(ExitCode({{"a", Verdict::kWarning, "", ""}}), 0);
}

}  // namespace
}  // namespace sekisho::operate
