#include "server/store/postgres_look.h"

#include "server/store/log_tree.h"
#include "server/store/postgres.h"

namespace sekisho::store {
namespace {

Status LookAtServer(Connection& db, PostgresState& state) {
  ASSIGN_OR_RETURN(Statement row,
                   db.Query("SELECT current_setting('server_version'), "
                            "current_setting('fsync')='on', "
                            "current_setting('full_page_writes')='on', "
                            "current_setting('synchronous_commit'), "
                            "current_setting('is_superuser')='on', "
                            "(SELECT count(*) FROM pg_stat_activity), "
                            "current_setting('max_connections')::bigint, "
                            "to_regclass('schema_version') IS NOT NULL"));
  RETURN_IF_ERROR(row.Step());
  state.version = row.Text(0);
  state.fsync = row.Int(1) != 0;
  state.full_page_writes = row.Int(2) != 0;
  state.synchronous_commit = row.Text(3);
  state.may_all = row.Int(4) != 0;
  state.connections = row.Int(5);
  state.max_connections = row.Int(6);
  state.schema = row.Int(7) != 0 ? -1 : 0;
  return {};
}

}  // namespace

Result<PostgresState> LookAtPostgres(const std::string& conninfo) {
  ASSIGN_OR_RETURN(const auto db, PostgresConnection::Open(
                                      conninfo, Connection::Kind::kReader));
  RETURN_IF_ERROR(db->BeginRead());
  PostgresState state;
  RETURN_IF_ERROR(LookAtServer(*db, state));
  if (state.schema == 0) return state;
  ASSIGN_OR_RETURN(
      Statement row,
      db->Query("SELECT (SELECT version FROM schema_version), "
                "(SELECT coalesce(max(row_id), 0) FROM events), "
                "(SELECT count(*) FROM audit), "
                "(SELECT coalesce(max(row_id), 0) FROM audit), "
                "(SELECT count(*) FROM pg_trigger WHERE tgrelid="
                "'audit'::regclass AND tgenabled<>'D' AND tgname IN "
                "('audit_keeps','audit_stays','audit_stays_whole'))"));
  RETURN_IF_ERROR(row.Step());
  state.schema = static_cast<int>(row.Int(0));
  state.events = row.Int(1);
  state.audit_entries = row.Int(2);
  state.audit_missing = row.Int(3) - row.Int(2);
  state.audit_is_guarded = row.Int(4) == 3;
  ASSIGN_OR_RETURN(state.leaves, LogTree::SizeIn(*db));
  return state;
}

}  // namespace sekisho::store
