// What other servers did to the same database.
#include "server/store/sqlite_store.h"

namespace sekisho::store {
namespace {

constexpr int kMaxObjects = 200;

}  // namespace

Result<News> SqliteStore::ReadNews(const NewsMark& since) {
  ASSIGN_OR_RETURN(Reading db, Read());
  News news;
  {
    ASSIGN_OR_RETURN(
        Statement row,
        db->Query("SELECT (SELECT coalesce(max(alert_id), 0) FROM alerts), "
                  "(SELECT coalesce(max(row_id), 0) FROM event_index), "
                  "(SELECT coalesce(max(row_id), 0) FROM audit)"));
    RETURN_IF_ERROR(row.Step());
    news.upto = {row.Int(0), row.Int(1), row.Int(2)};
  }
  if (news.upto.audit_row_id == since.audit_row_id) return news;
  ASSIGN_OR_RETURN(Statement row,
                   db->Query("SELECT object FROM audit WHERE row_id>? "
                             "ORDER BY row_id DESC LIMIT " +
                                 std::to_string(kMaxObjects),
                             since.audit_row_id));
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return news;
    news.objects.push_back(row.Text(0));
  }
}

Result<std::vector<SeenAgent>> SqliteStore::LastSeen() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT agent_id, last_seen_time FROM agents WHERE "
                "revoke_time IS NULL AND last_seen_time IS NOT NULL"));
  std::vector<SeenAgent> seen;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return seen;
    seen.push_back({row.Text(0), row.Time(1)});
  }
}

Result<std::vector<AwayCore>> SqliteStore::CoresAway() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(Statement row,
                   db->Query("SELECT agent_id, terminal FROM agents WHERE "
                             "core_alive=0 AND revoke_time IS NULL"));
  std::vector<AwayCore> away;
  for (;;) {
    ASSIGN_OR_RETURN(const bool more, row.Step());
    if (!more) return away;
    away.push_back({row.Text(0), row.Text(1)});
  }
}

Result<int64_t> SqliteStore::SizeBytes() {
  ASSIGN_OR_RETURN(Reading db, Read());
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query(db->dialect() == Dialect::kSqlite
                    ? "SELECT page_count * page_size FROM "
                      "pragma_page_count(), pragma_page_size()"
                    : "SELECT pg_database_size(current_database())"));
  RETURN_IF_ERROR(row.Step());
  return row.Int(0);
}

}  // namespace sekisho::store
