// Containments, and the sealed list of those that run.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr const char* kColumns =
    "contain_id, kind, target, reason, created_by, create_time, from_time, "
    "end_time, over_time, lifted_by, lift_reason, alert_id, version";
constexpr int kMaxListed = 1'000;

Result<std::vector<Containment>> ReadRows(Statement& row) {
  std::vector<Containment> rows;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) {
      return rows;
    }
    rows.push_back({.id = row.Int(0),
                    .kind = row.Text(1),
                    .target = row.Text(2),
                    .reason = row.Text(3),
                    .created_by = row.Text(4),
                    .create_time = row.Time(5),
                    .from_time = row.Time(6),
                    .end_time = row.Time(7),
                    .over_time = row.MaybeTime(8),
                    .lifted_by = row.Text(9),
                    .lift_reason = row.Text(10),
                    .alert_id = row.Int(11),
                    .version = row.Int(12)});
  }
}

}  // namespace

Result<Containment> SqliteStore::PutContainment(const Containment& row,
                                                WallTime now,
                                                const ContainSealer& seal) {
  Containment put = row;
  const Status written = Write([&](Connection& db) -> Status {
    put = row;
    ASSIGN_OR_RETURN(put.version, NextVersion(db, "contain"));
    if (put.id == 0) {
      ASSIGN_OR_RETURN(
          Statement next,
          db.Query(
              "SELECT coalesce(max(contain_id), 0) + 1 FROM containments"));
      RETURN_IF_ERROR(next.Step());
      put.id = next.Int(0);
    }
    RETURN_IF_ERROR(
        db.Run("INSERT OR REPLACE INTO containments VALUES "
               "(?,?,?,?,?,?,?,?,?,?,?,?,?)",
               put.id, put.kind, put.target, put.reason, put.created_by,
               put.create_time, put.from_time, put.end_time, put.over_time,
               put.lifted_by, put.lift_reason, put.alert_id, put.version));
    ASSIGN_OR_RETURN(
        Statement running,
        db.Query(std::string("SELECT ") + kColumns +
                     " FROM containments WHERE over_time IS NULL AND "
                     "end_time > ? ORDER BY contain_id",
                 now));
    ASSIGN_OR_RETURN(const auto rows, ReadRows(running));
    return PutEnvelope(db, "contain", put.version, seal(put.version, rows));
  });
  RETURN_IF_ERROR(written);
  return put;
}

Result<std::vector<Containment>> SqliteStore::ListContainments(
    Contained which, const Scope& scope) {
  Where where;
  if (which == Contained::kRunning) where.And("over_time IS NULL");
  where.SeenTarget(scope);
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Prepare(std::string("SELECT ") + kColumns + " FROM containments" +
                  where.sql() + " ORDER BY contain_id DESC LIMIT " +
                  std::to_string(kMaxListed)));
  where.BindTo(row);
  return ReadRows(row);
}

}  // namespace sekisho::store
