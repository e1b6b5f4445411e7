// The doctor's look at PostgreSQL.
#include <fmt/format.h>

#include "server/operate/doctor.h"
#include "server/store/postgres_look.h"
#include "server/store/sqlite_backup.h"

namespace sekisho::operate {
namespace {

Finding Durability(const store::PostgresState& state) {
  const std::string found = fmt::format(
      "fsync {}, full_page_writes {}, synchronous_commit {}",
      state.fsync ? "on" : "off", state.full_page_writes ? "on" : "off",
      state.synchronous_commit);
  // A server sets synchronous_commit for itself where it is off.
  if (state.fsync && state.full_page_writes) {
    return {"durability", Verdict::kOk, found, ""};
  }
  return {"durability", Verdict::kBad, found,
          "a power cut would take back what was acknowledged: set both to on "
          "in postgresql.conf"};
}

Finding Audit(const store::PostgresState& state) {
  const std::string found = fmt::format("{} entries", state.audit_entries);
  if (state.audit_missing != 0) {
    return {"audit log", Verdict::kBad,
            fmt::format("{}, {} are missing", found, state.audit_missing),
            "somebody with the rights of the database's owner took them out: "
            "compare with the sinks outside and the last backup"};
  }
  if (!state.audit_is_guarded) {
    return {"audit log", Verdict::kBad,
            found + ", but its guards against changes are gone",
            "somebody with the rights of the database's owner took them out"};
  }
  return {"audit log", Verdict::kOk, found, ""};
}

}  // namespace

std::vector<Finding> CheckPostgres(const std::string& database) {
  const auto state = store::LookAtPostgres(database);
  if (!state) {
    return {{"database", Verdict::kBad, state.error().message,
             "is PostgreSQL up, and may this user connect (pg_hba.conf)? "
             "psql with the same string says more"}};
  }
  std::vector<Finding> findings;
  findings.push_back(
      {"database", Verdict::kOk,
       fmt::format("PostgreSQL {}, {} of {} connections", state->version,
                   state->connections, state->max_connections),
       ""});
  findings.push_back(Durability(*state));
  if (state->may_all) {
    findings.push_back({"role", Verdict::kWarning, "it is a superuser",
                        "give the server a role of its own that owns its "
                        "database and nothing else (docs/operations.md)"});
  }
  const int newest = store::NewestSchema();
  if (state->schema == 0) {
    findings.push_back({"schema", Verdict::kWarning, "no tables yet",
                        "start sekisho-server once"});
    return findings;
  }
  const bool newer = state->schema > newest;
  findings.push_back({"schema", newer ? Verdict::kBad : Verdict::kOk,
                      fmt::format("{} of {}", state->schema, newest),
                      newer ? "install the newer program" : ""});
  if (newer) return findings;
  const bool whole = state->events == state->leaves;
  findings.push_back(
      {"log", whole ? Verdict::kOk : Verdict::kBad,
       fmt::format("{} events, {} leaves", state->events, state->leaves),
       whole ? ""
             : "rows were taken out or put in: keep the database as it "
               "is, and compare with the last backup"});
  findings.push_back(Audit(*state));
  findings.push_back({"backup", Verdict::kSkipped,
                      "PostgreSQL's own, which is not seen from here",
                      "pg_basebackup or pg_dump, and state/ for the keys"});
  return findings;
}

}  // namespace sekisho::operate
